#include "ldap/client/dn.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"

namespace yizhan::directory {
namespace {

constexpr size_t kMaxLength = 16 * 1024;
constexpr size_t kMaxLevels = 128;

bool NeedsBackslash(char c) {
  return c == ',' || c == '+' || c == '"' || c == '\\' || c == '<' || c == '>' || c == ';' || c == '=';
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<Dn> Run() {
    Dn dn;
    SkipSpaces();
    if (at_ == text_.size()) return dn;
    while (true) {
      if (dn.size() >= kMaxLevels) return Bad("too many levels");
      Rdn rdn;
      while (true) {
        YZ_ASSIGN_OR_RETURN(DnAttribute attribute, Attribute());
        rdn.push_back(std::move(attribute));
        if (Peek() != '+') break;
        ++at_;
      }
      dn.push_back(std::move(rdn));
      if (at_ == text_.size()) return dn;
      if (Peek() != ',' && Peek() != ';') return Bad("a comma is missing");
      ++at_;
    }
  }

 private:
  absl::Status Bad(std::string_view what) const {
    return Refuse(absl::StatusCode::kInvalidArgument, "LDAP_DN",
                  absl::StrCat("the distinguished name is wrong at character ", at_ + 1, ": ",
                               absl::string_view(what.data(), what.size()),
                               "; see RFC 4514, for example cn=Wang,ou=IT,dc=bank,dc=example"));
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void SkipSpaces() {
    while (Peek() == ' ') ++at_;
  }

  absl::StatusOr<DnAttribute> Attribute() {
    SkipSpaces();
    DnAttribute attribute;
    const size_t start = at_;
    while (absl::ascii_isalnum(static_cast<unsigned char>(Peek())) || Peek() == '-' || Peek() == '.') ++at_;
    attribute.type = std::string(text_.substr(start, at_ - start));
    if (attribute.type.empty()) return Bad("an attribute's name is missing");
    SkipSpaces();
    if (Peek() != '=') return Bad("a = is missing");
    ++at_;
    SkipSpaces();
    if (Peek() == '#') {
      ++at_;
      YZ_RETURN_IF_ERROR(HexValue(&attribute.value));
    } else if (Peek() == '"') {
      ++at_;
      YZ_RETURN_IF_ERROR(QuotedValue(&attribute.value));
    } else {
      YZ_RETURN_IF_ERROR(PlainValue(&attribute.value));
    }
    SkipSpaces();
    return attribute;
  }

  // After a backslash: two hexadecimal digits, or one character that stands for itself.
  absl::Status Escaped(std::string* out) {
    const char first = Peek();
    if (at_ + 1 < text_.size() && HexDigit(first) >= 0 && HexDigit(text_[at_ + 1]) >= 0) {
      *out += static_cast<char>(HexDigit(first) * 16 + HexDigit(text_[at_ + 1]));
      at_ += 2;
      return absl::OkStatus();
    }
    if (at_ < text_.size() && (NeedsBackslash(first) || first == ' ' || first == '#')) {
      *out += first;
      ++at_;
      return absl::OkStatus();
    }
    return Bad("a \\ must be followed by a special character or two hexadecimal digits");
  }

  absl::Status PlainValue(std::string* out) {
    size_t keep = 0;  // what must stay when trailing spaces are dropped
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ',' || c == ';' || c == '+') break;
      if (c == '"' || c == '<' || c == '>' || c == '\0') return Bad("a special character without a \\");
      ++at_;
      if (c == '\\') {
        YZ_RETURN_IF_ERROR(Escaped(out));
        keep = out->size();
      } else {
        *out += c;
        if (c != ' ') keep = out->size();
      }
    }
    out->resize(keep);
    return absl::OkStatus();
  }

  // RFC 2253's older form, which some servers still write.
  absl::Status QuotedValue(std::string* out) {
    while (at_ < text_.size() && text_[at_] != '"') {
      const char c = text_[at_++];
      if (c == '\\') {
        YZ_RETURN_IF_ERROR(Escaped(out));
      } else {
        *out += c;
      }
    }
    if (Peek() != '"') return Bad("a closing quotation mark is missing");
    ++at_;
    return absl::OkStatus();
  }

  // #0403...: the BER encoding of the value; the content of a string with a short or long definite length.
  absl::Status HexValue(std::string* out) {
    std::string ber;
    while (at_ + 1 < text_.size() && HexDigit(text_[at_]) >= 0 && HexDigit(text_[at_ + 1]) >= 0) {
      ber += static_cast<char>(HexDigit(text_[at_]) * 16 + HexDigit(text_[at_ + 1]));
      at_ += 2;
    }
    if (ber.size() < 2) return Bad("# must be followed by a BER value in hexadecimal");
    size_t header = 2;
    size_t length = static_cast<unsigned char>(ber[1]);
    if (length >= 0x80) {
      const size_t count = length & 0x7f;
      if (count == 0 || count > 3 || ber.size() < 2 + count) return Bad("the BER value's length is broken");
      length = 0;
      for (size_t i = 0; i < count; ++i) length = length << 8 | static_cast<unsigned char>(ber[2 + i]);
      header = 2 + count;
    }
    if (ber.size() - header != length) return Bad("the BER value's length is broken");
    *out = ber.substr(header);
    return absl::OkStatus();
  }

  const std::string_view text_;
  size_t at_ = 0;
};

std::string FoldSpacesAndCase(std::string_view value) {
  std::string out;
  bool space = false;
  for (char c : value) {
    if (c == ' ') {
      space = !out.empty();
      continue;
    }
    if (space) out += ' ';
    space = false;
    out += absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  return out;
}

std::string Format(const Rdn& rdn) {
  return absl::StrJoin(rdn, "+", [](std::string* out, const DnAttribute& attribute) {
    absl::StrAppend(out, attribute.type, "=", EscapeDnValue(attribute.value));
  });
}

}  // namespace

std::string EscapeDnValue(std::string_view value) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(value.size() + 4);
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const auto byte = static_cast<unsigned char>(c);
    const bool first = i == 0, last = i + 1 == value.size();
    if (byte < 0x20 || byte == 0x7f) {
      out += '\\';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
      continue;
    }
    if (NeedsBackslash(c) || (c == ' ' && (first || last)) || (c == '#' && first)) out += '\\';
    out += c;
  }
  return out;
}

absl::StatusOr<Dn> ParseDn(std::string_view text) {
  if (text.size() > kMaxLength) {
    return Refuse(absl::StatusCode::kInvalidArgument, "LDAP_DN",
                  absl::StrCat("the distinguished name is longer than ", kMaxLength, " bytes"));
  }
  return Parser(text).Run();
}

std::string FormatDn(const Dn& dn) {
  return absl::StrJoin(dn, ",", [](std::string* out, const Rdn& rdn) { *out += Format(rdn); });
}

std::string CanonicalDn(const Dn& dn) {
  Dn folded = dn;
  for (Rdn& rdn : folded) {
    for (DnAttribute& attribute : rdn) {
      attribute.type = absl::AsciiStrToLower(attribute.type);
      attribute.value = FoldSpacesAndCase(attribute.value);
    }
    std::sort(rdn.begin(), rdn.end(), [](const DnAttribute& a, const DnAttribute& b) {
      return std::tie(a.type, a.value) < std::tie(b.type, b.value);
    });
  }
  return FormatDn(folded);
}

Dn ParentOf(const Dn& dn) { return dn.empty() ? Dn() : Dn(dn.begin() + 1, dn.end()); }

}  // namespace yizhan::directory
