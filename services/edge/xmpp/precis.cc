#include "edge/xmpp/precis.h"

#include <arpa/inet.h>
#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uidna.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <cstdio>
#include <memory>

namespace yizhan::edge::xmpp {
namespace {

absl::Status Bad(std::string_view text) { return Refuse(absl::StatusCode::kInvalidArgument, "BAD_NAME", text); }

absl::Status BadCharacter(UChar32 c) {
  char text[64];
  std::snprintf(text, sizeof text, "the character U+%04X is not allowed here", static_cast<unsigned>(c));
  return Bad(text);
}

bool IsPrintableAscii(std::string_view text, char from) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return c >= from && c <= '~'; });
}

std::string ToUtf8(const icu::UnicodeString& text) {
  std::string utf8;
  text.toUTF8String(utf8);
  return utf8;
}

const icu::Normalizer2* Nfc() {
  UErrorCode code = U_ZERO_ERROR;
  return icu::Normalizer2::getNFCInstance(code);
}
const icu::Normalizer2* Nfkc() {
  UErrorCode code = U_ZERO_ERROR;
  return icu::Normalizer2::getNFKCInstance(code);
}

// RFC 8264 section 9.17: has a compatibility decomposition.
bool HasCompat(UChar32 c) {
  UErrorCode code = U_ZERO_ERROR;
  const icu::UnicodeString one(c);
  return Nfkc()->normalize(one, code) != one || U_FAILURE(code);
}

bool IsOldHangulJamo(UChar32 c) {
  const int type = u_getIntPropertyValue(c, UCHAR_HANGUL_SYLLABLE_TYPE);
  return type == U_HST_LEADING_JAMO || type == U_HST_VOWEL_JAMO || type == U_HST_TRAILING_JAMO;
}

bool IsKatakanaMiddleDotContext(UChar32 c) {
  const int script = u_getIntPropertyValue(c, UCHAR_SCRIPT);
  return script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA || script == USCRIPT_HAN;
}

// RFC 8264 section 8, in its order: exceptions, then what no class allows, then letters and digits, then what only the
// freeform class has.
bool IsAllowed(UChar32 c, bool freeform) {
  switch (c) {
    case 0x00DF:
    case 0x03C2:
    case 0x06FD:
    case 0x06FE:
    case 0x0F0B:
    case 0x3007:
    case 0x30FB:  // in context, see Check()
      return true;
    case 0x0640:
    case 0x07FA:
    case 0x302E:
    case 0x302F:
    case 0x3031:
    case 0x3032:
    case 0x3033:
    case 0x3034:
    case 0x3035:
    case 0x303B:
      return false;
    case 0x00B7:
    case 0x0375:
    case 0x05F3:
    case 0x05F4:
    case 0x200C:
    case 0x200D:
      return freeform;
    default:
      break;
  }
  const int8_t type = u_charType(c);
  if (type == U_UNASSIGNED || type == U_SURROGATE || type == U_PRIVATE_USE_CHAR) return false;
  if (c >= 0x21 && c <= 0x7E) return true;
  if (u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL)) return freeform;
  if (IsOldHangulJamo(c)) return false;
  if (u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
      u_hasBinaryProperty(c, UCHAR_NONCHARACTER_CODE_POINT) || type == U_CONTROL_CHAR) {
    return false;
  }
  if (HasCompat(c)) return freeform;
  constexpr uint32_t kLetterDigits =
      U_GC_LL_MASK | U_GC_LU_MASK | U_GC_LO_MASK | U_GC_ND_MASK | U_GC_LM_MASK | U_GC_MN_MASK | U_GC_MC_MASK;
  if ((U_MASK(type) & kLetterDigits) != 0) return true;
  constexpr uint32_t kFreeform =
      U_GC_LT_MASK | U_GC_NL_MASK | U_GC_NO_MASK | U_GC_ME_MASK | U_GC_ZS_MASK | U_GC_S_MASK | U_GC_P_MASK;
  return freeform && (U_MASK(type) & kFreeform) != 0;
}

absl::Status Check(const icu::UnicodeString& text, bool freeform) {
  if (text.isEmpty()) return Bad("it is empty");
  bool middle_dot = false;
  bool middle_dot_context = false;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const UChar32 c = text.char32At(i);
    if (!IsAllowed(c, freeform)) return BadCharacter(c);
    middle_dot |= c == 0x30FB;
    middle_dot_context |= IsKatakanaMiddleDotContext(c);
  }
  if (middle_dot && !middle_dot_context && !freeform) return BadCharacter(0x30FB);
  return absl::OkStatus();
}

// RFC 5893 section 2, for a text with at least one character from right to left.
absl::Status CheckDirection(const icu::UnicodeString& text) {
  uint32_t seen = 0;
  const auto mask = [](UCharDirection direction) { return uint32_t{1} << direction; };
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) seen |= mask(u_charDirection(text.char32At(i)));
  const uint32_t rtl = mask(U_RIGHT_TO_LEFT) | mask(U_RIGHT_TO_LEFT_ARABIC);
  if ((seen & (rtl | mask(U_ARABIC_NUMBER))) == 0) return absl::OkStatus();
  const uint32_t first = mask(u_charDirection(text.char32At(0)));
  int32_t end = text.length();
  while (end > 0 && u_charDirection(text.char32At(end - 1)) == U_DIR_NON_SPACING_MARK) end = text.moveIndex32(end, -1);
  const uint32_t last = end == 0 ? 0 : mask(u_charDirection(text.char32At(text.moveIndex32(end, -1))));
  const uint32_t neutral = mask(U_EUROPEAN_NUMBER_SEPARATOR) | mask(U_COMMON_NUMBER_SEPARATOR) |
                           mask(U_EUROPEAN_NUMBER_TERMINATOR) | mask(U_OTHER_NEUTRAL) | mask(U_BOUNDARY_NEUTRAL) |
                           mask(U_DIR_NON_SPACING_MARK) | mask(U_EUROPEAN_NUMBER);
  const bool both_numbers = (seen & mask(U_ARABIC_NUMBER)) != 0 && (seen & mask(U_EUROPEAN_NUMBER)) != 0;
  const bool fine = (first & rtl) != 0 && (seen & ~(rtl | mask(U_ARABIC_NUMBER) | neutral)) == 0 && !both_numbers &&
                    (last & (rtl | mask(U_EUROPEAN_NUMBER) | mask(U_ARABIC_NUMBER))) != 0;
  return fine ? absl::OkStatus() : Bad("it mixes writing directions");
}

}  // namespace

bool IsUtf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<uint8_t>(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() - i < length) return false;
    uint32_t c = lead & (0x7F >> length);
    for (size_t k = 1; k < length; ++k) {
      const auto tail = static_cast<uint8_t>(text[i + k]);
      if ((tail & 0xC0) != 0x80) return false;
      c = c << 6 | (tail & 0x3F);
    }
    if ((length == 3 && c < 0x800) || (length == 4 && c < 0x10000) || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
      return false;
    }
    i += length;
  }
  return true;
}

absl::StatusOr<std::string> UsernameCaseMapped(std::string_view text) {
  if (text.empty()) return Bad("it is empty");
  if (IsPrintableAscii(text, '!')) {
    std::string lower(text);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return lower;
  }
  if (!IsUtf8(text)) return Bad("it is not UTF-8");
  UErrorCode code = U_ZERO_ERROR;
  const icu::UnicodeString given =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  icu::UnicodeString mapped;
  for (int32_t i = 0; i < given.length(); i = given.moveIndex32(i, 1)) {
    const UChar32 c = given.char32At(i);
    const int type = u_getIntPropertyValue(c, UCHAR_DECOMPOSITION_TYPE);
    if (type == U_DT_WIDE || type == U_DT_NARROW) {
      mapped.append(Nfkc()->normalize(icu::UnicodeString(c), code));
    } else {
      mapped.append(c);
    }
  }
  mapped.toLower(icu::Locale::getRoot());
  const icu::UnicodeString prepared = Nfc()->normalize(mapped, code);
  if (U_FAILURE(code)) return Bad("it cannot be normalised");
  YZ_RETURN_IF_ERROR(Check(prepared, false));
  YZ_RETURN_IF_ERROR(CheckDirection(prepared));
  return ToUtf8(prepared);
}

absl::StatusOr<std::string> OpaqueString(std::string_view text) {
  if (text.empty()) return Bad("it is empty");
  if (IsPrintableAscii(text, ' ')) return std::string(text);
  if (!IsUtf8(text)) return Bad("it is not UTF-8");
  UErrorCode code = U_ZERO_ERROR;
  icu::UnicodeString mapped =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  for (int32_t i = 0; i < mapped.length(); ++i) {
    if (mapped[i] != ' ' && u_charType(mapped[i]) == U_SPACE_SEPARATOR) mapped.setCharAt(i, ' ');
  }
  const icu::UnicodeString prepared = Nfc()->normalize(mapped, code);
  if (U_FAILURE(code)) return Bad("it cannot be normalised");
  for (int32_t i = 0; i < prepared.length(); i = prepared.moveIndex32(i, 1)) {
    const UChar32 c = prepared.char32At(i);
    if (c != ' ' && !IsAllowed(c, true)) return BadCharacter(c);
  }
  return ToUtf8(prepared);
}

absl::StatusOr<std::string> PrepareDomain(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    in6_addr address;
    const std::string inside(text.substr(1, text.size() < 2 ? 0 : text.size() - 2));
    if (text.back() != ']' || inet_pton(AF_INET6, inside.c_str(), &address) != 1)
      return Bad("it is not an IPv6 address");
    char canonical[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, &address, canonical, sizeof canonical);
    return "[" + std::string(canonical) + "]";
  }
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.empty()) return Bad("it is empty");
  if (text.size() > 1023) return Bad("it is longer than 1,023 bytes");
  const bool ascii = IsPrintableAscii(text, '!');
  std::string domain;
  bool puny = false;
  if (ascii) {
    domain = text;
    size_t label = 0;
    for (size_t i = 0; i <= domain.size(); ++i) {
      if (i == domain.size() || domain[i] == '.') {
        if (i == label || i - label > 63 || domain[label] == '-' || domain[i - 1] == '-') {
          return Bad("a label of the host name is empty, too long, or begins or ends with '-'");
        }
        puny |= domain.compare(label, 4, "xn--") == 0;
        label = i + 1;
        continue;
      }
      char& c = domain[i];
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      // The underscore is no letter of host names, but names of hosts on private networks have it.
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) return BadCharacter(c);
    }
    if (!puny) return domain;
  } else if (!IsUtf8(text)) {
    return Bad("it is not UTF-8");
  }
  const std::string_view given = ascii ? std::string_view(domain) : text;
  UErrorCode code = U_ZERO_ERROR;
  static const UIDNA* const idna = [] {
    UErrorCode opened = U_ZERO_ERROR;
    return uidna_openUTS46(UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
                               UIDNA_NONTRANSITIONAL_TO_UNICODE | UIDNA_NONTRANSITIONAL_TO_ASCII,
                           &opened);
  }();
  if (idna == nullptr) return absl::InternalError("ICU has no IDNA data");
  UIDNAInfo info = UIDNA_INFO_INITIALIZER;
  char unicode[4096];
  const int32_t length = uidna_nameToUnicodeUTF8(idna, given.data(), static_cast<int32_t>(given.size()), unicode,
                                                 sizeof unicode, &info, &code);
  if (U_FAILURE(code) || info.errors != 0 || length <= 0) return Bad("it is not an internationalised host name");
  std::string prepared(unicode, static_cast<size_t>(length));
  if (prepared.back() == '.') prepared.pop_back();
  if (prepared.empty()) return Bad("it is empty");
  return prepared;
}

}  // namespace yizhan::edge::xmpp
