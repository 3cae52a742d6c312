// The key schema of messaging's state: what stands in one im partition. Frozen: tables_test.cc holds the very bytes.
//
// A key is a table's byte, then big-endian fixed fields, then at most one variable field. A row is a version or kind byte, then
// big-endian fixed fields, then at most one variable field. Everything but the names is numbers: a conversation's number is the
// partition's record seq that made it, a person's number is PersonNo.
//
//   table            key                                    row                      what for
//   1 id floor       -                                      message id               ids given ahead of the clock
//   2 head           conversation id                        HeadRow                  all that a send needs of a conversation
//   3 member         conversation no · person no            MemberRow                rights, bounds, cursors; kept after leaving
//   4 message        conversation no · seq                  MessageRow               history; the record's payload as it is
//   5 mark           conversation no · message id           seq                      every 64th message: from an id to its seq
//   6 membership     person no · conversation no            conversation id          a person's conversations; deleted on leaving
//   7 title          conversation no                        title                    groups only; beside the hot head row
//
// Numbers of removed tables are never used again. None so far.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "im/ids.h"
#include "yizhan/im/v1/conversation.pb.h"

namespace yizhan::im {

enum class Table : uint8_t {
  kIdFloor = 1,
  kHead = 2,
  kMember = 3,
  kMessage = 4,
  kMark = 5,
  kMembership = 6,
  kTitle = 7,
};

// An encoded key: bytes in place, no allocation.
class KeyBytes {
 public:
  explicit KeyBytes(Table table) { Byte(static_cast<uint8_t>(table)); }
  KeyBytes& U64(uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) Byte(static_cast<uint8_t>(value >> shift));
    return *this;
  }
  // Cut at the longest conversation id; callers hold to it.
  KeyBytes& Text(std::string_view text) {
    size_t n = std::min(text.size(), bytes_.size() - size_);
    std::memcpy(bytes_.data() + size_, text.data(), n);
    size_ += n;
    return *this;
  }
  operator std::string_view() const { return {bytes_.data(), size_}; }  // NOLINT: a key is its bytes
  std::string_view view() const { return *this; }

 private:
  void Byte(uint8_t byte) { bytes_[size_++] = static_cast<char>(byte); }
  std::array<char, 1 + kMaxConversationIdBytes> bytes_;
  size_t size_ = 0;
};

struct IdFloorKey {
  KeyBytes Encode() const { return KeyBytes(Table::kIdFloor); }
};

struct HeadKey {
  std::string_view conversation_id;
  KeyBytes Encode() const { return KeyBytes(Table::kHead).Text(conversation_id); }
};

struct MemberKey {
  uint64_t conversation_no = 0;
  PersonNo person;
  KeyBytes Encode() const { return KeyBytes(Table::kMember).U64(conversation_no).U64(person.value); }
  static KeyBytes Prefix(uint64_t conversation_no) { return KeyBytes(Table::kMember).U64(conversation_no); }
  static absl::StatusOr<MemberKey> Decode(std::string_view key);
  friend bool operator==(const MemberKey&, const MemberKey&) = default;
};

struct MessageKey {
  uint64_t conversation_no = 0;
  uint64_t seq = 0;
  KeyBytes Encode() const { return KeyBytes(Table::kMessage).U64(conversation_no).U64(seq); }
  static KeyBytes Prefix(uint64_t conversation_no) { return KeyBytes(Table::kMessage).U64(conversation_no); }
  static absl::StatusOr<MessageKey> Decode(std::string_view key);
  friend bool operator==(const MessageKey&, const MessageKey&) = default;
};

// Every kMarkEvery-th seq (1, 65, 129 …) has one.
inline constexpr uint64_t kMarkEvery = 64;
constexpr bool IsMarked(uint64_t seq) { return seq % kMarkEvery == 1; }

struct MarkKey {
  uint64_t conversation_no = 0;
  uint64_t message_id = 0;
  KeyBytes Encode() const { return KeyBytes(Table::kMark).U64(conversation_no).U64(message_id); }
  static KeyBytes Prefix(uint64_t conversation_no) { return KeyBytes(Table::kMark).U64(conversation_no); }
};

struct MembershipKey {
  PersonNo person;
  uint64_t conversation_no = 0;
  KeyBytes Encode() const { return KeyBytes(Table::kMembership).U64(person.value).U64(conversation_no); }
  static KeyBytes Prefix(PersonNo person) { return KeyBytes(Table::kMembership).U64(person.value); }
  static absl::StatusOr<MembershipKey> Decode(std::string_view key);
  friend bool operator==(const MembershipKey&, const MembershipKey&) = default;
};

struct TitleKey {
  uint64_t conversation_no = 0;
  KeyBytes Encode() const { return KeyBytes(Table::kTitle).U64(conversation_no); }
};

// Version 1: kind u8, open u8, conversation no, last seq, messages, created id, last id u64, members u32. 47 bytes.
struct HeadRow {
  v1::Conversation::Kind kind = v1::Conversation::KIND_UNSPECIFIED;
  bool open = false;  // anybody may join by themselves
  uint64_t conversation_no = 0;
  uint64_t last_seq = 0;
  uint64_t messages = 0;    // how many of 1..last_seq are messages, not notices
  uint64_t created_id = 0;  // the message id of seq 1
  uint64_t last_id = 0;     // the message id of last_seq
  uint32_t members = 0;

  std::string Encode() const;
  static absl::StatusOr<HeadRow> Decode(std::string_view row);
  friend bool operator==(const HeadRow&, const HeadRow&) = default;
};

// Version 1: role u8, joined seq, left seq, read seq, read messages, delivered seq u64. 42 bytes.
struct MemberRow {
  v1::Member::Role role = v1::Member::ROLE_UNSPECIFIED;
  uint64_t joined_seq = 0;     // sees from here on
  uint64_t left_seq = 0;       // sees up to here and is no longer a member; 0: is a member
  uint64_t read_seq = 0;
  uint64_t read_messages = 0;  // how many of 1..read_seq are messages: unread is the head's count less this one
  uint64_t delivered_seq = 0;

  std::string Encode() const;
  static absl::StatusOr<MemberRow> Decode(std::string_view row);
  friend bool operator==(const MemberRow&, const MemberRow&) = default;
};

// The kind is the tag of the record's kind (ImRecord: 1 created, 2 sent, 3 joined, 4 left, 5 renamed), then messages and message id
// u64, then the ImRecord's bytes.
struct MessageRow {
  uint8_t kind = 0;
  uint64_t messages = 0;  // how many of 1..this seq are messages
  uint64_t message_id = 0;
  std::string_view record;  // a part of what was decoded

  bool is_message() const { return kind == 2; }
  std::string Encode() const;
  static absl::StatusOr<MessageRow> Decode(std::string_view row);
  friend bool operator==(const MessageRow&, const MessageRow&) = default;
};

// A row that is one number (id floor, mark).
std::string EncodeU64(uint64_t value);
absl::StatusOr<uint64_t> DecodeU64(std::string_view row);

}  // namespace yizhan::im
