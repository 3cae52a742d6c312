#include "im/ids.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::im {
namespace {

constexpr size_t kPersonDigits = 12;

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string PersonNo::ToString() const {
  std::string id(1 + kPersonDigits, 'p');
  uint64_t rest = value;
  for (size_t i = kPersonDigits; i > 0; --i) {
    id[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % 36];
    rest /= 36;
  }
  return id;
}

std::optional<PersonNo> PersonNo::Parse(std::string_view person_id) {
  if (person_id.size() != 1 + kPersonDigits || person_id[0] != 'p') return std::nullopt;
  uint64_t value = 0;
  for (char c : person_id.substr(1)) {
    int digit = DigitOf(c);
    if (digit < 0) return std::nullopt;
    value = value * 36 + static_cast<uint64_t>(digit);
  }
  return PersonNo{value};
}

absl::StatusOr<PersonNo> RequirePersonNo(std::string_view person_id) {
  if (auto person = PersonNo::Parse(person_id)) return *person;
  return Refuse(absl::StatusCode::kInvalidArgument, "INVALID_PERSON_ID",
                "a person's id is \"p\" and 12 characters of [0-9a-z]; this one is not");
}

bool IsHandle(std::string_view handle) {
  if (handle.empty() || handle.size() > 64) return false;
  for (char c : handle) {
    if (DigitOf(c) < 0 && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

std::optional<ConversationName> ConversationName::Parse(std::string_view conversation_id) {
  ConversationName name;
  if (conversation_id.starts_with("g:")) {
    name.handle = conversation_id.substr(2);
    if (!IsHandle(name.handle)) return std::nullopt;
    return name;
  }
  // "d:" + 13 + ":" + 13
  if (!conversation_id.starts_with("d:") || conversation_id.size() != 29 || conversation_id[15] != ':') return std::nullopt;
  auto first = PersonNo::Parse(conversation_id.substr(2, 13));
  auto second = PersonNo::Parse(conversation_id.substr(16));
  if (!first || !second || *second < *first) return std::nullopt;
  name.direct = true;
  name.first = *first;
  name.second = *second;
  return name;
}

std::string DirectId(PersonNo a, PersonNo b) {
  if (b < a) std::swap(a, b);
  return absl::StrCat("d:", a.ToString(), ":", b.ToString());
}

std::string GroupId(std::string_view handle) { return "g:" + std::string(handle); }

}  // namespace yizhan::im
