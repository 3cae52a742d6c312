#include "audit/export_format/json.h"

#include <algorithm>
#include <optional>

#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

constexpr int kMaxDepth = 16;

void AppendQuoted(std::string* out, std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  out->push_back('"');
  for (char c : text) {
    const auto b = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (c == '\n') {
      out->append("\\n");
    } else if (b < 0x20 || b == 0x7F) {
      out->append("\\u00").push_back(kDigits[b >> 4]);
      out->push_back(kDigits[b & 15]);
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

void AppendUtf8(std::string* out, char32_t c) {
  if (c < 0x80) {
    out->push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out->push_back(static_cast<char>(0xC0 | c >> 6));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | c >> 12));
    out->push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out->push_back(static_cast<char>(0xF0 | c >> 18));
    out->push_back(static_cast<char>(0x80 | (c >> 12 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<Json> Parse() {
    YZ_ASSIGN_OR_RETURN(Json value, Value(0));
    SkipSpace();
    if (at_ != text_.size()) return Fail("something after the end");
    return value;
  }

 private:
  absl::Status Fail(std::string_view what) const {
    return absl::InvalidArgumentError(Cat("not JSON as exports have it: ", what, " at byte ", at_));
  }
  void SkipSpace() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool Take(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  absl::StatusOr<Json> Value(int depth) {
    if (depth > kMaxDepth) return Fail("too deep");
    SkipSpace();
    if (at_ >= text_.size()) return Fail("it ends early");
    const char c = text_[at_];
    if (c == '{') return Object(depth);
    if (c == '[') return Array(depth);
    if (c == '"') {
      YZ_ASSIGN_OR_RETURN(std::string text, String());
      return Json::String(text);
    }
    if (c >= '0' && c <= '9') return Number();
    if (TakeWord("true")) return Json::Bool(true);
    if (TakeWord("false")) return Json::Bool(false);
    return Fail("no value that exports have");
  }

  absl::StatusOr<Json> Number() {
    size_t end = at_;
    while (end < text_.size() && text_[end] >= '0' && text_[end] <= '9') ++end;
    const auto number = ParseDecimal(text_.substr(at_, end - at_));
    if (!number || (end < text_.size() && std::string_view(".eE").find(text_[end]) != std::string_view::npos)) {
      return Fail("not a whole number");
    }
    at_ = end;
    return Json::Number(*number);
  }

  absl::StatusOr<Json> Array(int depth) {
    Json array = Json::Array();
    ++at_;
    if (Take(']')) return array;
    do {
      YZ_ASSIGN_OR_RETURN(Json element, Value(depth + 1));
      array.Add(std::move(element));
    } while (Take(','));
    if (!Take(']')) return Fail("an array does not end");
    return array;
  }

  absl::StatusOr<Json> Object(int depth) {
    Json object = Json::Object();
    ++at_;
    if (Take('}')) return object;
    do {
      SkipSpace();
      if (at_ >= text_.size() || text_[at_] != '"') return Fail("no member name");
      YZ_ASSIGN_OR_RETURN(std::string name, String());
      if (object.Find(name) != nullptr) return Fail("a member for the second time");
      if (!Take(':')) return Fail("no colon");
      YZ_ASSIGN_OR_RETURN(Json value, Value(depth + 1));
      object.Set(name, std::move(value));
    } while (Take(','));
    if (!Take('}')) return Fail("an object does not end");
    return object;
  }

  std::optional<char32_t> FourHexDigits() {
    if (text_.size() - at_ < 4) return std::nullopt;
    char32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_ + static_cast<size_t>(i)];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return std::nullopt;
      value = value << 4 | static_cast<char32_t>(digit);
    }
    at_ += 4;
    return value;
  }

  absl::StatusOr<std::string> String() {
    std::string out;
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        if (!IsUtf8(out)) return Fail("text that is not UTF-8");
        return out;
      }
      if (static_cast<unsigned char>(c) < 0x20) return Fail("a control character");
      ++at_;
      if (c != '\\') {
        out.push_back(c);
        continue;
      }
      if (at_ >= text_.size()) break;
      constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
      const char escape = text_[at_++];
      if (const size_t i = kNames.find(escape); i != std::string_view::npos) {
        out.push_back(kValues[i]);
        continue;
      }
      std::optional<char32_t> code = escape == 'u' ? FourHexDigits() : std::nullopt;
      if (code && *code >= 0xD800 && *code < 0xDC00) {
        std::optional<char32_t> low = TakeWord("\\u") ? FourHexDigits() : std::nullopt;
        if (!low || *low < 0xDC00 || *low > 0xDFFF) return Fail("half of a surrogate pair");
        code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
      }
      if (!code || (*code >= 0xD800 && *code <= 0xDFFF)) return Fail("no such escape");
      AppendUtf8(&out, *code);
    }
    return Fail("a string does not end");
  }

  std::string_view text_;
  size_t at_ = 0;
};

absl::Status Wants(std::string_view name, std::string_view kind) {
  return absl::InvalidArgumentError(Cat("there is no member ", Quoted(name), " that is ", kind));
}

auto LowerBound(const std::vector<Json::Member>& members, std::string_view name) {
  return std::lower_bound(members.begin(), members.end(), name,
                          [](const Json::Member& member, std::string_view wanted) { return member.first < wanted; });
}

}  // namespace

Json Json::String(std::string_view text) {
  Json json(Kind::kString);
  json.text_ = std::string(text);
  return json;
}

Json Json::Number(uint64_t number) {
  Json json(Kind::kNumber);
  json.number_ = number;
  return json;
}

Json Json::Bool(bool flag) {
  Json json(Kind::kBool);
  json.number_ = flag ? 1 : 0;
  return json;
}

void Json::Set(std::string_view name, Json value) {
  const auto at = members_.begin() + (LowerBound(members_, name) - members_.cbegin());
  if (at != members_.end() && at->first == name) {
    at->second = std::move(value);
  } else {
    members_.insert(at, Member(std::string(name), std::move(value)));
  }
}

const Json* Json::Find(std::string_view name) const {
  const auto at = LowerBound(members_, name);
  return at != members_.end() && at->first == name ? &at->second : nullptr;
}

absl::StatusOr<std::string> Json::GetString(std::string_view name) const {
  const Json* member = Find(name);
  if (member == nullptr || member->kind_ != Kind::kString) return Wants(name, "a string");
  return member->text_;
}

absl::StatusOr<uint64_t> Json::GetNumber(std::string_view name) const {
  const Json* member = Find(name);
  if (member == nullptr || member->kind_ != Kind::kNumber) return Wants(name, "a number");
  return member->number_;
}

absl::StatusOr<const Json*> Json::GetObject(std::string_view name) const {
  const Json* member = Find(name);
  if (member == nullptr || member->kind_ != Kind::kObject) return Wants(name, "an object");
  return member;
}

absl::StatusOr<const Json*> Json::GetArray(std::string_view name) const {
  const Json* member = Find(name);
  if (member == nullptr || member->kind_ != Kind::kArray) return Wants(name, "an array");
  return member;
}

std::string Json::Write() const {
  std::string out;
  AppendTo(&out, 0);
  out.push_back('\n');
  return out;
}

void Json::AppendTo(std::string* out, size_t indent) const {
  const auto line = [&](size_t spaces) { out->append("\n").append(spaces, ' '); };
  bool first = true;
  switch (kind_) {
    case Kind::kString:
      AppendQuoted(out, text_);
      return;
    case Kind::kNumber:
      out->append(std::to_string(number_));
      return;
    case Kind::kBool:
      out->append(flag() ? "true" : "false");
      return;
    case Kind::kArray:
      out->push_back('[');
      for (const Json& element : elements_) {
        if (!first) out->push_back(',');
        first = false;
        line(indent + 2);
        element.AppendTo(out, indent + 2);
      }
      if (!first) line(indent);
      out->push_back(']');
      return;
    case Kind::kObject:
      out->push_back('{');
      for (const Member& member : members_) {
        if (!first) out->push_back(',');
        first = false;
        line(indent + 2);
        AppendQuoted(out, member.first);
        out->append(": ");
        member.second.AppendTo(out, indent + 2);
      }
      if (!first) line(indent);
      out->push_back('}');
      return;
  }
}

absl::StatusOr<Json> ParseJson(std::string_view text) { return Parser(text).Parse(); }

std::string FirstDifference(const Json& a, const Json& b) {
  if (a == b) return "";
  if (a.kind() != Json::Kind::kObject || b.kind() != Json::Kind::kObject) return "(value)";
  const auto inside = [](const std::string& name, const std::string& rest) {
    return rest.empty() || rest == "(value)" ? name : Cat(name, ".", rest);
  };
  for (const auto& [name, value] : a.members()) {
    const Json* other = b.Find(name);
    if (other == nullptr) return name;
    if (const std::string rest = FirstDifference(value, *other); !rest.empty()) return inside(name, rest);
  }
  for (const auto& [name, value] : b.members()) {
    if (a.Find(name) == nullptr) return name;
  }
  return "(value)";
}

}  // namespace yizhan::audit
