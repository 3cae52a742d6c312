// The little JSON that exports use: objects, arrays, strings, booleans and whole numbers from 0 up. One value has one
// written form (members sorted by name, two spaces of indentation, a newline at the end), so that files can be compared
// byte for byte with what they should be.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace yizhan::audit {

class Json {
 public:
  enum class Kind { kObject, kArray, kString, kNumber, kBool };
  using Member = std::pair<std::string, Json>;

  Json() : kind_(Kind::kObject) {}
  static Json Object() { return Json(Kind::kObject); }
  static Json Array() { return Json(Kind::kArray); }
  static Json String(std::string_view text);
  static Json Number(uint64_t number);
  static Json Bool(bool flag);

  Kind kind() const { return kind_; }
  const std::string& text() const { return text_; }                // kString
  uint64_t number() const { return number_; }                      // kNumber
  bool flag() const { return number_ != 0; }                       // kBool
  const std::vector<Json>& elements() const { return elements_; }  // kArray
  const std::vector<Member>& members() const { return members_; }  // kObject, sorted by name

  // Adds or replaces a member of an object; keeps the order.
  void Set(std::string_view name, Json value);
  void Add(Json element) { elements_.push_back(std::move(element)); }

  // The member; nullptr when there is none or this is no object.
  const Json* Find(std::string_view name) const;
  // The member of that kind; InvalidArgument, naming it, when it is missing or of another kind.
  absl::StatusOr<std::string> GetString(std::string_view name) const;
  absl::StatusOr<uint64_t> GetNumber(std::string_view name) const;
  absl::StatusOr<const Json*> GetObject(std::string_view name) const;
  absl::StatusOr<const Json*> GetArray(std::string_view name) const;

  // The one written form. Text must be UTF-8.
  std::string Write() const;

  bool operator==(const Json&) const = default;

 private:
  explicit Json(Kind kind) : kind_(kind) {}
  void AppendTo(std::string* out, size_t indent) const;

  Kind kind_;
  uint64_t number_ = 0;
  std::string text_;
  std::vector<Json> elements_;
  std::vector<Member> members_;
};

// Parses JSON of the kinds above, written in any way that RFC 8259 allows; at most 16 levels deep, no member twice,
// UTF-8. InvalidArgument with the byte offset otherwise.
absl::StatusOr<Json> ParseJson(std::string_view text);

// Where two values first differ, as a path such as `facts.sender_id`; empty when they are equal.
std::string FirstDifference(const Json& a, const Json& b);

}  // namespace yizhan::audit
