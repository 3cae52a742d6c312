#include "ldap/client/filter.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status.h"

namespace yizhan::directory {
namespace {

constexpr size_t kMaxLength = 16 * 1024;
constexpr int kMaxDepth = 32;

bool IsSpecial(char c) { return c == '\0' || c == '(' || c == ')' || c == '*' || c == '\\'; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Recursive descent over RFC 4515's grammar; depth is bounded.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<std::vector<FilterItem>> Run() {
    YZ_RETURN_IF_ERROR(Filter(0));
    if (at_ != text_.size()) return Bad("text after the last bracket");
    return std::move(items_);
  }

 private:
  absl::Status Bad(std::string_view what) const {
    return Refuse(absl::StatusCode::kInvalidArgument, "LDAP_FILTER",
                  absl::StrCat("the LDAP filter is wrong at character ", at_ + 1, ": ",
                               absl::string_view(what.data(), what.size()), "; see RFC 4515, for example (uid=wang)"));
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  absl::Status Filter(int depth) {
    if (depth > kMaxDepth) return Bad("nested too deep");
    if (Peek() != '(') return Bad("a ( is missing");
    ++at_;
    if (Peek() == '&' || Peek() == '|') {
      ++at_;
      while (Peek() == '(') YZ_RETURN_IF_ERROR(Filter(depth + 1));
    } else if (Peek() == '!') {
      ++at_;
      YZ_RETURN_IF_ERROR(Filter(depth + 1));
    } else {
      YZ_RETURN_IF_ERROR(Item());
    }
    if (Peek() != ')') return Bad("a ) is missing");
    ++at_;
    return absl::OkStatus();
  }

  absl::Status Item() {
    FilterItem item;
    const size_t start = at_;
    while (absl::ascii_isalnum(static_cast<unsigned char>(Peek())) || Peek() == '-' || Peek() == '.' || Peek() == ';' ||
           Peek() == ':') {
      ++at_;
    }
    item.attribute = std::string(text_.substr(start, at_ - start));
    if (item.attribute.empty()) return Bad("an attribute's name is missing");
    if (Peek() == '~' || Peek() == '>' || Peek() == '<') item.op = std::string(1, text_[at_++]);
    if (Peek() != '=') return Bad("a = is missing");
    item.op += text_[at_++];
    const size_t value = at_;
    while (at_ < text_.size() && text_[at_] != ')' && text_[at_] != '(') {
      item.wildcard = item.wildcard || text_[at_] == '*';
      ++at_;
    }
    if (item.wildcard && item.op != "=") return Bad("a * has no meaning here");
    const std::string raw(text_.substr(value, at_ - value));
    auto unescaped = UnescapeFilterValue(item.wildcard ? absl::StrReplaceAll(raw, {{"*", ""}}) : raw);
    if (!unescaped.ok()) return Bad("a \\ must be followed by two hexadecimal digits");
    if (!item.wildcard) item.value = *std::move(unescaped);
    items_.push_back(std::move(item));
    return absl::OkStatus();
  }

  const std::string_view text_;
  size_t at_ = 0;
  std::vector<FilterItem> items_;
};

}  // namespace

std::string EscapeFilterValue(std::string_view value) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(value.size());
  for (char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (IsSpecial(c) || byte < 0x20 || byte >= 0x7f) {
      out += '\\';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

absl::StatusOr<std::string> UnescapeFilterValue(std::string_view escaped) {
  const absl::Status bad =
      Refuse(absl::StatusCode::kInvalidArgument, "LDAP_FILTER", "the value is not escaped as RFC 4515 wants it");
  std::string out;
  out.reserve(escaped.size());
  for (size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '\\') {
      if (IsSpecial(escaped[i])) return bad;
      out += escaped[i];
      continue;
    }
    if (i + 2 >= escaped.size()) return bad;
    const int high = HexDigit(escaped[i + 1]);
    const int low = HexDigit(escaped[i + 2]);
    if (high < 0 || low < 0) return bad;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

absl::StatusOr<std::vector<FilterItem>> ParseFilter(std::string_view filter) {
  if (filter.size() > kMaxLength) {
    return Refuse(absl::StatusCode::kInvalidArgument, "LDAP_FILTER",
                  absl::StrCat("the LDAP filter is longer than ", kMaxLength, " bytes"));
  }
  return Parser(filter).Run();
}

std::string FillFilter(std::string_view pattern, std::string_view login) {
  return absl::StrReplaceAll(absl::string_view(pattern.data(), pattern.size()),
                             {{"{login}", EscapeFilterValue(login)}});
}

}  // namespace yizhan::directory
