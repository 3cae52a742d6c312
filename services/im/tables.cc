#include "im/tables.h"

#include "absl/strings/str_cat.h"

namespace yizhan::im {
namespace {

constexpr char kVersion = 1;
constexpr size_t kHeadBytes = 47;
constexpr size_t kMemberBytes = 42;
constexpr size_t kMessageHeaderBytes = 17;

void PutU64(std::string& out, uint64_t value) {
  char bytes[8];
  for (int i = 7; i >= 0; --i, value >>= 8) bytes[i] = static_cast<char>(value);
  out.append(bytes, sizeof bytes);
}

uint64_t GetU64(std::string_view bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

absl::Status Unreadable(std::string_view what, size_t size) {
  return absl::DataLossError(absl::StrCat("messaging's state holds an unreadable ", std::string(what), " of ", size,
                                          " bytes: stop the service, run `yizhan ledger verify`, then replay the partition"));
}

// Two numbers behind the table's byte.
absl::StatusOr<std::pair<uint64_t, uint64_t>> DecodePair(Table table, std::string_view key, std::string_view what) {
  if (key.size() != 17 || key[0] != static_cast<char>(table)) return Unreadable(what, key.size());
  return std::make_pair(GetU64(key, 1), GetU64(key, 9));
}

}  // namespace

absl::StatusOr<MemberKey> MemberKey::Decode(std::string_view key) {
  auto pair = DecodePair(Table::kMember, key, "member key");
  if (!pair.ok()) return pair.status();
  return MemberKey{pair->first, PersonNo{pair->second}};
}

absl::StatusOr<MessageKey> MessageKey::Decode(std::string_view key) {
  auto pair = DecodePair(Table::kMessage, key, "message key");
  if (!pair.ok()) return pair.status();
  return MessageKey{pair->first, pair->second};
}

absl::StatusOr<MembershipKey> MembershipKey::Decode(std::string_view key) {
  auto pair = DecodePair(Table::kMembership, key, "membership key");
  if (!pair.ok()) return pair.status();
  return MembershipKey{PersonNo{pair->first}, pair->second};
}

std::string HeadRow::Encode() const {
  std::string row;
  row.reserve(kHeadBytes);
  row.push_back(kVersion);
  row.push_back(static_cast<char>(kind));
  row.push_back(open ? 1 : 0);
  for (uint64_t value : {conversation_no, last_seq, messages, created_id, last_id}) PutU64(row, value);
  for (int shift = 24; shift >= 0; shift -= 8) row.push_back(static_cast<char>(members >> shift));
  return row;
}

absl::StatusOr<HeadRow> HeadRow::Decode(std::string_view row) {
  if (row.size() != kHeadBytes || row[0] != kVersion || !v1::Conversation::Kind_IsValid(row[1])) {
    return Unreadable("conversation head", row.size());
  }
  HeadRow head;
  head.kind = static_cast<v1::Conversation::Kind>(row[1]);
  head.open = row[2] != 0;
  head.conversation_no = GetU64(row, 3);
  head.last_seq = GetU64(row, 11);
  head.messages = GetU64(row, 19);
  head.created_id = GetU64(row, 27);
  head.last_id = GetU64(row, 35);
  for (size_t i = 43; i < kHeadBytes; ++i) head.members = head.members << 8 | static_cast<uint8_t>(row[i]);
  return head;
}

std::string MemberRow::Encode() const {
  std::string row;
  row.reserve(kMemberBytes);
  row.push_back(kVersion);
  row.push_back(static_cast<char>(role));
  for (uint64_t value : {joined_seq, left_seq, read_seq, read_messages, delivered_seq}) PutU64(row, value);
  return row;
}

absl::StatusOr<MemberRow> MemberRow::Decode(std::string_view row) {
  if (row.size() != kMemberBytes || row[0] != kVersion || !v1::Member::Role_IsValid(row[1])) {
    return Unreadable("member row", row.size());
  }
  MemberRow member;
  member.role = static_cast<v1::Member::Role>(row[1]);
  member.joined_seq = GetU64(row, 2);
  member.left_seq = GetU64(row, 10);
  member.read_seq = GetU64(row, 18);
  member.read_messages = GetU64(row, 26);
  member.delivered_seq = GetU64(row, 34);
  return member;
}

std::string MessageRow::Encode() const {
  std::string row;
  row.reserve(kMessageHeaderBytes + record.size());
  row.push_back(static_cast<char>(kind));
  PutU64(row, messages);
  PutU64(row, message_id);
  row.append(record);
  return row;
}

absl::StatusOr<MessageRow> MessageRow::Decode(std::string_view row) {
  if (row.size() < kMessageHeaderBytes || row[0] < 1 || row[0] > 5) return Unreadable("message row", row.size());
  return MessageRow{static_cast<uint8_t>(row[0]), GetU64(row, 1), GetU64(row, 9), row.substr(kMessageHeaderBytes)};
}

std::string EncodeU64(uint64_t value) {
  std::string row;
  PutU64(row, value);
  return row;
}

absl::StatusOr<uint64_t> DecodeU64(std::string_view row) {
  if (row.size() != 8) return Unreadable("number", row.size());
  return GetU64(row, 0);
}

}  // namespace yizhan::im
