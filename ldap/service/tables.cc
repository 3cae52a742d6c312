#include "ldap/service/tables.h"

#include "absl/strings/str_cat.h"

namespace yizhan::directory {
namespace {

enum class Table : char {
  kPerson = 1,
  kLogin = 2,
  kDepartment = 3,
  kGroup = 4,
  kCredentials = 5,
  kSession = 6,
  kToken = 7,
  kSessions = 8,
  kRole = 9,
  kSourceKey = 10,
  kBound = 11,
};

std::string Key(Table table, std::string_view first = {}) { return std::string(1, static_cast<char>(table)).append(first); }

void PutU64(std::string& out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

uint64_t GetU64(std::string_view bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

// What tells one source's keys from another's: names are bounded, so one byte holds the length.
std::string WithLength(std::string_view name) { return std::string(1, static_cast<char>(name.size())).append(name); }

}  // namespace

std::string PersonKey(std::string_view person_id) { return Key(Table::kPerson, person_id); }
std::string LoginKey(std::string_view login) { return Key(Table::kLogin, login); }
std::string DepartmentKey(std::string_view department_id) { return Key(Table::kDepartment, department_id); }
std::string GroupKey(std::string_view group_id) { return Key(Table::kGroup, group_id); }
std::string CredentialsKey(std::string_view person_id) { return Key(Table::kCredentials, person_id); }
std::string SessionKey(std::string_view session_id) { return Key(Table::kSession, session_id); }
std::string TokenKey(std::string_view digest) { return Key(Table::kToken, digest); }
std::string SessionsKey(std::string_view person_id) { return Key(Table::kSessions, person_id); }
std::string RoleKey(yizhan::common::v1::Role role, std::string_view person_id) { return RolePrefix(role).append(person_id); }
std::string SourceKey(std::string_view source, std::string_view key) { return SourcePrefix(source).append(key); }
std::string BoundKey(std::string_view id) { return Key(Table::kBound, id); }

std::string PersonPrefix() { return Key(Table::kPerson); }
std::string DepartmentPrefix() { return Key(Table::kDepartment); }
std::string GroupPrefix() { return Key(Table::kGroup); }
std::string SessionPrefix() { return Key(Table::kSession); }
std::string RolePrefix(yizhan::common::v1::Role role) {
  const char byte = static_cast<char>(role);
  return Key(Table::kRole, std::string_view(&byte, 1));
}
std::string SourcePrefix(std::string_view source) { return Key(Table::kSourceKey, WithLength(source)); }

template <typename Message>
std::string Versioned<Message>::Encode() const {
  std::string row;
  PutU64(row, version);
  message.AppendToString(&row);
  return row;
}

template <typename Message>
absl::StatusOr<Versioned<Message>> Versioned<Message>::Decode(std::string_view row) {
  Versioned decoded;
  if (row.size() < 8 || !decoded.message.ParseFromArray(row.data() + 8, static_cast<int>(row.size() - 8))) {
    return Unreadable(Message::descriptor()->name(), row.size());
  }
  decoded.version = GetU64(row, 0);
  return decoded;
}

template struct Versioned<v1::Person>;
template struct Versioned<v1::Department>;

std::string SessionRow::Encode() const {
  std::string row;
  PutU64(row, static_cast<uint64_t>(created_us));
  PutU64(row, static_cast<uint64_t>(used_us));
  started.AppendToString(&row);
  return row;
}

absl::StatusOr<SessionRow> SessionRow::Decode(std::string_view row) {
  SessionRow decoded;
  if (row.size() < 16 || !decoded.started.ParseFromArray(row.data() + 16, static_cast<int>(row.size() - 16))) {
    return Unreadable("session", row.size());
  }
  decoded.created_us = static_cast<int64_t>(GetU64(row, 0));
  decoded.used_us = static_cast<int64_t>(GetU64(row, 8));
  return decoded;
}

std::string EncodeBound(std::string_view source, std::string_view key) { return WithLength(source).append(key); }

absl::StatusOr<std::pair<std::string, std::string>> DecodeBound(std::string_view row) {
  const size_t length = row.empty() ? 0 : static_cast<uint8_t>(row[0]);
  if (row.size() < 1 + length) return Unreadable("source key", row.size());
  return std::make_pair(std::string(row.substr(1, length)), std::string(row.substr(1 + length)));
}

absl::Status Unreadable(std::string_view what, size_t size) {
  return absl::DataLossError(absl::StrCat("the directory's state holds an unreadable ", std::string(what), " of ", size,
                                          " bytes: stop the service, run `yizhan ledger verify`, then replay the partition"));
}

}  // namespace yizhan::directory
