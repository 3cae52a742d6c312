#include "base/objects/object_name.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/objects/object_store.h"
#include "base/status.h"

namespace yizhan::objects {
namespace {
constexpr size_t kMaxName = 512, kMaxSegment = 255;  // the latter is what file systems take

bool IsCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

// Of a segment, or of what may become one.
bool HasCharacters(std::string_view text) {
  for (char c : text) {
    if (!IsCharacter(c)) return false;
  }
  return text.size() <= kMaxSegment;
}

bool IsSegment(std::string_view text) { return !text.empty() && text != "." && text != ".." && HasCharacters(text); }

absl::Status NotAName(std::string_view what, const std::string& name) {
  return Refuse(absl::StatusCode::kInvalidArgument, "OBJECT_NAME",
                absl::StrCat("'", absl::CHexEscape(name), "' is not ", std::string(what),
                             ": use segments of letters, digits, '.', '_' and '-' with '/' between, none of them "
                             "'.' or '..', a segment of at most 255 bytes, all of at most 512"));
}
}  // namespace

bool IsName(std::string_view name) {
  const size_t slash = name.rfind('/');
  return IsNamePrefix(name) && IsSegment(slash == name.npos ? name : name.substr(slash + 1));
}

bool IsNamePrefix(std::string_view prefix) {
  if (prefix.size() > kMaxName) return false;
  for (size_t slash; (slash = prefix.find('/')) != prefix.npos; prefix.remove_prefix(slash + 1)) {
    if (!IsSegment(prefix.substr(0, slash))) return false;
  }
  return HasCharacters(prefix);
}

absl::Status CheckName(const std::string& name) {
  return IsName(name) ? absl::OkStatus() : NotAName("a name of an object", name);
}

absl::Status CheckNamePrefix(const std::string& prefix) {
  return IsNamePrefix(prefix) ? absl::OkStatus() : NotAName("the beginning of an object's name", prefix);
}

absl::Status CheckObject(const std::string& name, std::string_view bytes) {
  YZ_RETURN_IF_ERROR(CheckName(name));
  if (bytes.size() <= kMaxObjectBytes) return absl::OkStatus();
  return Refuse(absl::StatusCode::kInvalidArgument, "OBJECT_SIZE",
                absl::StrCat("the object ", name, " has ", bytes.size(), " bytes; an object has at most ",
                             kMaxObjectBytes, ": divide it"));
}

absl::Status TooManyObjects(const std::string& place, const std::string& prefix) {
  return Refuse(absl::StatusCode::kResourceExhausted, "TOO_MANY_OBJECTS",
                absl::StrCat(place, " has more than ", kMaxListed, " objects whose names begin with '", prefix,
                             "': list a longer beginning"));
}

}  // namespace yizhan::objects
