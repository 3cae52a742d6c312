// Gluing text. Debian's Abseil has a string_view of its own, which std::string_view does not turn into by itself.
#pragma once

#include <charconv>
#include <concepts>
#include <functional>
#include <string>
#include <string_view>

namespace yizhan::edge::xmpp {

namespace internal {

inline void AppendOne(std::string* out, std::string_view text) { out->append(text); }
template <std::unsigned_integral T>
void AppendOne(std::string* out, T number) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  out->append(digits, end);
}

}  // namespace internal

// Texts and unsigned numbers, one after another.
template <typename... Parts>
void Append(std::string* out, const Parts&... parts) {
  (internal::AppendOne(out, parts), ...);
}
template <typename... Parts>
std::string Cat(const Parts&... parts) {
  std::string out;
  Append(&out, parts...);
  return out;
}

// A whole text as a decimal number; false for anything else.
template <std::integral T>
bool ToNumber(std::string_view text, T* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// For containers that are keyed by std::string and asked by std::string_view.
struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
struct NameEq {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};

}  // namespace yizhan::edge::xmpp
