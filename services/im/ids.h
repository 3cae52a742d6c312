// The ids of messaging: persons as numbers, conversations by name, messages by time.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace yizhan::im {

// A person's id as a number. "p" and 12 characters of [0-9a-z] (directory/v1/people.proto) are a base-36 number below 2^63, and
// numbers and ids have the same order: so every key that names a person is short and of fixed length.
struct PersonNo {
  uint64_t value = 0;

  std::string ToString() const;
  // nullopt for anything but "p" and 12 characters of [0-9a-z].
  static std::optional<PersonNo> Parse(std::string_view person_id);

  friend auto operator<=>(const PersonNo&, const PersonNo&) = default;
  template <typename H>
  friend H AbslHashValue(H hash, const PersonNo& person) {
    return H::combine(std::move(hash), person.value);
  }
};

// As Parse; the refusal is INVALID_PERSON_ID.
absl::StatusOr<PersonNo> RequirePersonNo(std::string_view person_id);

// What a conversation's id says: "d:P1:P2" for two people (ids in order; the same twice are a person's notes to self),
// "g:HANDLE" for a group, where a handle is [a-z0-9._-], 1 to 64 characters.
struct ConversationName {
  bool direct = false;
  PersonNo first, second;   // of a direct conversation
  std::string_view handle;  // of a group; a part of what was parsed

  bool Has(PersonNo person) const { return direct && (first == person || second == person); }
  // The one who is not `person` (who must be one of the two).
  PersonNo Other(PersonNo person) const { return first == person ? second : first; }
  // nullopt for what cannot be a conversation's id.
  static std::optional<ConversationName> Parse(std::string_view conversation_id);
};

inline constexpr size_t kMaxConversationIdBytes = 2 + 64;

bool IsHandle(std::string_view handle);
std::string DirectId(PersonNo a, PersonNo b);
std::string GroupId(std::string_view handle);

// A message's id: microseconds since the epoch << 12 | partition. The time in the id is the message's time, everywhere.
constexpr uint64_t MessageIdOf(int64_t time_us, uint32_t partition_index) {
  return static_cast<uint64_t>(time_us) << 12 | partition_index;
}
constexpr int64_t TimeOfMessageId(uint64_t message_id) { return static_cast<int64_t>(message_id >> 12); }
// The next id of the same partition.
constexpr uint64_t NextMessageId(uint64_t message_id) { return message_id + (1 << 12); }

}  // namespace yizhan::im
