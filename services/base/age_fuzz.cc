// Any bytes as an age file, as a file of identities, as a recipient, and as changes to a file that opens: read or
// refused with a message of some lines; what was read is spelled as it was, and a changed file is never opened.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/age.h"

namespace {

namespace age = yizhan::age;

// The vectors' identity (testdata/age), for which some of the corpus is.
const std::vector<age::Identity>& Mine() {
  static const auto& mine = *new std::vector<age::Identity>{
      *age::Identity::Parse("AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0")};
  return mine;
}

void Check(bool holds) {
  if (!holds) abort();
}

void CheckMessage(const absl::Status& status) { Check(!status.message().empty() && status.message().size() <= 1'100); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  const auto opened = age::Decrypt(text, Mine());
  if (opened.ok()) {
    Check(opened->size() < size);
  } else {
    CheckMessage(opened.status());
  }

  const auto identities = age::ParseIdentityFile(text);
  if (identities.ok()) {
    for (const age::Identity& identity : *identities) {
      Check(text.find(identity.ToString().Reveal()) != std::string_view::npos);
    }
  } else {
    CheckMessage(identities.status());
  }

  const auto recipient = age::Recipient::Parse(text);
  if (recipient.ok()) {
    Check(recipient->ToString() == text);
  } else {
    CheckMessage(recipient.status());
  }

  // Three bytes are a place and what is put there.
  static const std::string& file = *new std::string(*age::Encrypt("content", {Mine()[0].recipient()}));
  std::string changed = file;
  for (size_t i = 0; i + 2 < size && i < 60; i += 3) {
    changed[(data[i] * 256u + data[i + 1]) % changed.size()] = static_cast<char>(data[i + 2]);
  }
  Check(age::Decrypt(changed, Mine()).ok() == (changed == file));
  return 0;
}
