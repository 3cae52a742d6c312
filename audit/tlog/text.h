// Small pieces of strict text handling that the formats of this folder share: nothing here guesses or repairs.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace yizhan::audit {

namespace text_internal {
inline void AppendPart(std::string& out, std::string_view part) { out.append(part); }
inline void AppendPart(std::string& out, char part) { out.push_back(part); }
template <std::integral T>
requires(!std::same_as<T, char>) void AppendPart(std::string& out, T part) { out.append(std::to_string(part)); }
}  // namespace text_internal

// The parts one after the other; integers in decimal. (absl::StrCat of Debian's Abseil takes no std::string_view.)
template <typename... Parts>
std::string Cat(const Parts&... parts) {
  std::string out;
  (text_internal::AppendPart(out, parts), ...);
  return out;
}

// The number that `digits` writes in canonical decimal: ASCII digits only, no sign, no leading zero (but "0" itself),
// at most `max`. Anything else is nullopt.
std::optional<uint64_t> ParseDecimal(std::string_view digits, uint64_t max = UINT64_MAX);

// Takes the next line off the front of *rest and returns it without its '\n'; nullopt (and *rest unchanged) when no
// '\n' is left, so that a text without a final newline is noticed.
std::optional<std::string_view> TakeLine(std::string_view* rest);

// Decodes one code point off the front of *rest; nullopt for bytes that are not UTF-8 (overlong forms, surrogates and
// values beyond U+10FFFF are not).
std::optional<char32_t> TakeCodePoint(std::string_view* rest);

// Whether all of `bytes` is UTF-8.
bool IsUtf8(std::string_view bytes);

// Whether `c` has the Unicode property White_Space.
bool IsUnicodeSpace(char32_t c);

// Up to 60 bytes of `bytes` in double quotes for a message; bytes outside printable ASCII as \xNN, the rest as "…".
std::string Quoted(std::string_view bytes);

}  // namespace yizhan::audit
