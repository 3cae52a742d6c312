#include "ldap/service/text.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::directory {
namespace {

// Calls `visit(code point or negative, from, to)` for each character until it returns false.
template <typename Visit>
void ForEachCharacter(std::string_view text, Visit visit) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<int32_t>(text.size());
  for (int32_t at = 0; at < size;) {
    const int32_t from = at;
    UChar32 c;
    U8_NEXT(bytes, at, size, c);
    if (!visit(c, static_cast<size_t>(from), static_cast<size_t>(at))) return;
  }
}

// Control characters, and the line and paragraph separators that some programs take for one.
bool IsLineCharacter(UChar32 c) {
  return c >= 0 && u_charType(c) != U_CONTROL_CHAR && c != 0x2028 && c != 0x2029;
}

}  // namespace

std::string LowerAscii(std::string_view text) {
  std::string lower(text);
  absl::AsciiStrToLower(&lower);
  return lower;
}

std::string Lower(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; })) return LowerAscii(text);
  icu::UnicodeString unicode = icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  unicode.toLower(icu::Locale::getRoot());
  std::string lower;
  unicode.toUTF8String(lower);
  return lower;
}

bool IsLogin(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

size_t CountCharacters(std::string_view text) {
  size_t count = 0;
  ForEachCharacter(text, [&](UChar32, size_t, size_t) { return ++count, true; });
  return count;
}

std::string CutTo(std::string_view text, size_t characters) {
  size_t end = 0;
  ForEachCharacter(text, [&](UChar32, size_t, size_t to) {
    if (characters == 0) return false;
    --characters;
    end = to;
    return true;
  });
  return std::string(text.substr(0, end));
}

absl::Status CheckLine(std::string_view field, std::string_view text, size_t least, size_t most) {
  size_t count = 0;
  bool good = true;
  ForEachCharacter(text, [&](UChar32 c, size_t, size_t) {
    good = IsLineCharacter(c);
    return good && ++count <= most;
  });
  if (!good) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_FIELD",
                  absl::StrCat(std::string(field), " must be one line of UTF-8 text without control characters"));
  }
  if (count < least) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_FIELD",
                  least == 1 ? absl::StrCat(std::string(field), " must not be empty")
                             : absl::StrCat(std::string(field), " must have at least ", least, " characters"));
  }
  if (count > most) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_FIELD",
                  absl::StrCat(std::string(field), " may have at most ", most, " characters"));
  }
  return absl::OkStatus();
}

std::string AsLine(std::string_view text, size_t most) {
  std::string line;
  ForEachCharacter(text, [&](UChar32 c, size_t from, size_t to) {
    if (IsLineCharacter(c)) {
      line.append(text.substr(from, to - from));
    } else {
      line.push_back(' ');
    }
    return true;
  });
  absl::StripAsciiWhitespace(&line);
  return CutTo(line, most);
}

}  // namespace yizhan::directory
