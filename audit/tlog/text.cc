#include "audit/tlog/text.h"

namespace yizhan::audit {

std::optional<uint64_t> ParseDecimal(std::string_view digits, uint64_t max) {
  if (digits.empty() || digits.size() > 20) return std::nullopt;
  if (digits[0] == '0' && digits.size() > 1) return std::nullopt;
  uint64_t value = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    const uint64_t digit = static_cast<uint64_t>(c - '0');
    if (value > (UINT64_MAX - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  if (value > max) return std::nullopt;
  return value;
}

std::optional<std::string_view> TakeLine(std::string_view* rest) {
  const size_t end = rest->find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = rest->substr(0, end);
  rest->remove_prefix(end + 1);
  return line;
}

std::optional<char32_t> TakeCodePoint(std::string_view* rest) {
  if (rest->empty()) return std::nullopt;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>((*rest)[i]); };
  const unsigned char first = byte(0);
  size_t length;
  char32_t value, least;
  if (first < 0x80) {
    rest->remove_prefix(1);
    return first;
  } else if (first >= 0xC2 && first <= 0xDF) {
    length = 2, value = first & 0x1F, least = 0x80;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3, value = first & 0x0F, least = 0x800;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4, value = first & 0x07, least = 0x10000;
  } else {
    return std::nullopt;
  }
  if (rest->size() < length) return std::nullopt;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
    value = (value << 6) | (byte(i) & 0x3F);
  }
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return std::nullopt;
  rest->remove_prefix(length);
  return value;
}

bool IsUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!TakeCodePoint(&bytes)) return false;
  }
  return true;
}

bool IsUnicodeSpace(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::string Quoted(std::string_view bytes) {
  constexpr size_t kMost = 60;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (char c : bytes.substr(0, kMost)) {
    const auto b = static_cast<unsigned char>(c);
    if (b >= 0x20 && b < 0x7F && c != '"' && c != '\\') {
      out.push_back(c);
    } else {
      out.append("\\x").push_back(kDigits[b >> 4]);
      out.push_back(kDigits[b & 15]);
    }
  }
  if (bytes.size() > kMost) out.append("…");
  out.push_back('"');
  return out;
}

}  // namespace yizhan::audit
