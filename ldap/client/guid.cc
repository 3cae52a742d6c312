#include "ldap/client/guid.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::directory {
namespace {
// Position in the text (in bytes, without hyphens) -> position on the wire.
constexpr int kOrder[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

absl::Status Bad(std::string_view what) {
  return Refuse(absl::StatusCode::kInvalidArgument, "LDAP_GUID",
                absl::StrCat("not a GUID: ", absl::string_view(what.data(), what.size())));
}
}  // namespace

absl::StatusOr<std::string> GuidToText(std::string_view bytes) {
  if (bytes.size() != 16) return Bad(absl::StrCat(bytes.size(), " bytes instead of 16"));
  std::string out;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += absl::BytesToHexString(absl::string_view(&bytes[kOrder[i]], 1));
  }
  return out;
}

absl::StatusOr<std::string> GuidToBytes(std::string_view text) {
  if (text.size() != 36) return Bad(absl::StrCat(text.size(), " characters instead of 36"));
  std::string hex;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return Bad("its hyphens are elsewhere");
    } else if (!absl::ascii_isxdigit(static_cast<unsigned char>(text[i]))) {
      return Bad("a character that is not hexadecimal");
    } else {
      hex += text[i];
    }
  }
  const std::string in_order = absl::HexStringToBytes(hex);
  std::string out(16, '\0');
  for (int i = 0; i < 16; ++i) out[kOrder[i]] = in_order[i];
  return out;
}

}  // namespace yizhan::directory
