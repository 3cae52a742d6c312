// Recipients and identities, and their Bech32 text (BIP 173, without its limit of length).
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/age.h"
#include "base/age_crypto.h"
#include "base/status.h"

namespace yizhan::age {
namespace {

constexpr std::string_view kRecipientPrefix = "age1";
constexpr std::string_view kIdentityPrefix = "AGE-SECRET-KEY-1";
constexpr std::string_view kSymbols = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
// 32 bytes are 51 symbols of 5 bits and one whose last 4 bits are zero; behind them stands the checksum.
constexpr size_t kData = 52;
constexpr size_t kChecksum = 6;
using Symbols = Wiped<kData + kChecksum>;

absl::Status BadKey(std::string_view what) { return Refuse(absl::StatusCode::kInvalidArgument, "AGE_KEY", what); }

class Checksum {
 public:
  // Of the human-readable part, which is `prefix` without the 1 at its end; always as if in lower case.
  explicit Checksum(std::string_view prefix) {
    prefix.remove_suffix(1);
    for (char c : prefix) Add(static_cast<uint8_t>(absl::ascii_tolower(c)) >> 5);
    Add(0);
    for (char c : prefix) Add(static_cast<uint8_t>(absl::ascii_tolower(c)) & 31);
  }
  void Add(uint8_t symbol) {
    constexpr uint32_t kGenerator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    const uint32_t top = value_ >> 25;
    value_ = ((value_ & 0x1ffffff) << 5) ^ symbol;
    for (int i = 0; i < 5; ++i) {
      if (((top >> i) & 1) != 0) value_ ^= kGenerator[i];
    }
  }
  uint32_t value() const { return value_; }

 private:
  uint32_t value_ = 1;
};

// `prefix` and the symbols in its case.
std::string Encode(std::string_view prefix, const Bytes32& bytes) {
  Symbols symbols;
  for (size_t bit = 0; bit < 256; ++bit) {
    symbols[bit / 5] |= static_cast<uint8_t>(((bytes[bit / 8] >> (7 - bit % 8)) & 1) << (4 - bit % 5));
  }
  Checksum checksum(prefix);
  for (size_t i = 0; i < kData; ++i) checksum.Add(symbols[i]);
  for (size_t i = 0; i < kChecksum; ++i) checksum.Add(0);
  for (size_t i = 0; i < kChecksum; ++i) symbols[kData + i] = ((checksum.value() ^ 1) >> (5 * (5 - i))) & 31;
  const bool upper = absl::ascii_isupper(prefix[0]);
  std::string text;
  text.reserve(prefix.size() + symbols.size());
  text.append(prefix);
  for (uint8_t symbol : symbols) text += upper ? absl::ascii_toupper(kSymbols[symbol]) : kSymbols[symbol];
  return text;
}

// The bytes of a text as Encode() makes it. `what` it should be ("a recipient") is for the message.
absl::Status Decode(std::string_view what, std::string_view prefix, std::string_view text, Wiped<32>* bytes) {
  const bool upper = absl::ascii_isupper(prefix[0]);
  const auto bad = [&](std::string_view problem) {
    return BadKey(absl::StrCat(std::string(what), " is ", std::string(prefix), " and 58 ", upper ? "upper" : "lower",
                               "-case letters and digits: ", std::string(problem)));
  };
  if (text.empty()) return bad("this is empty");
  if (text.substr(0, prefix.size()) != prefix) return bad("this begins otherwise");
  text.remove_prefix(prefix.size());
  if (text.size() != kData + kChecksum) return bad(absl::StrCat("this has ", text.size(), " behind the 1"));
  Symbols symbols;
  Checksum checksum(prefix);
  for (size_t i = 0; i < text.size(); ++i) {
    const bool cased = upper ? !absl::ascii_islower(text[i]) : !absl::ascii_isupper(text[i]);
    const size_t symbol = cased ? kSymbols.find(absl::ascii_tolower(text[i])) : std::string_view::npos;
    if (symbol == std::string_view::npos) {
      return bad(absl::StrCat("character ", prefix.size() + i + 1, " of this cannot be in one"));
    }
    symbols[i] = static_cast<uint8_t>(symbol);
    checksum.Add(symbols[i]);
  }
  if (checksum.value() != 1) return bad("the checksum of this does not fit, so it was mistyped; copy it again");
  if ((symbols[kData - 1] & 15) != 0) return bad("this has bits behind its 32 bytes");
  for (size_t bit = 0; bit < 256; ++bit) {
    (*bytes)[bit / 8] |= static_cast<uint8_t>(((symbols[bit / 5] >> (4 - bit % 5)) & 1) << (7 - bit % 8));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Recipient> Recipient::Parse(std::string_view text) {
  if (text.substr(0, kIdentityPrefix.size() - 1) == kIdentityPrefix.substr(0, kIdentityPrefix.size() - 1)) {
    return BadKey("this is an identity, which is a secret: give its recipient, as `age-keygen -y` prints it");
  }
  Wiped<32> point, shared;
  YZ_RETURN_IF_ERROR(Decode("a recipient", kRecipientPrefix, text, &point));
  // Every secret is a multiple of 8, so any of them shows a point whose order divides it.
  if (!SharedSecret(Bytes32{}, point, &shared)) {
    return BadKey("this recipient is a point of low order, so everybody could read: take one that `age-keygen` made");
  }
  return Recipient(point);
}

std::string Recipient::ToString() const { return Encode(kRecipientPrefix, point_); }

Identity::Identity(const Bytes32& secret) : secret_(secret), recipient_(PublicOf(secret)) {}

Identity::~Identity() { OPENSSL_cleanse(secret_.data(), secret_.size()); }

absl::StatusOr<Identity> Identity::Parse(std::string_view text) {
  if (text.substr(0, kRecipientPrefix.size()) == kRecipientPrefix) {
    return BadKey("this is a recipient, which opens nothing: give its identity, AGE-SECRET-KEY-1…");
  }
  Wiped<32> secret;
  YZ_RETURN_IF_ERROR(Decode("an identity", kIdentityPrefix, text, &secret));
  return Identity(secret);
}

Identity Identity::Generate() {
  Wiped<32> secret;
  FillRandom(secret.data(), secret.size());
  return Identity(secret);
}

Secret<std::string> Identity::ToString() const { return Secret<std::string>(Encode(kIdentityPrefix, secret_)); }

absl::StatusOr<std::vector<Identity>> ParseIdentityFile(std::string_view text) {
  std::vector<Identity> identities;
  for (size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || line[0] == '#') continue;
    auto identity = Identity::Parse(line);
    if (!identity.ok()) return Annotate(identity.status(), absl::StrCat("line ", number, " of the identity file"));
    identities.push_back(*std::move(identity));
  }
  if (identities.empty()) {
    return BadKey("the identity file has no identity: a line AGE-SECRET-KEY-1… as `age-keygen` writes it is needed");
  }
  return identities;
}

}  // namespace yizhan::age
