// The key schema of directory/0's state. Frozen: tables_test.cc holds the very bytes. Ids have 13 bytes and token digests 32, so that
// fixed fields come first; integers are big-endian. Numbers of removed tables are never used again; none so far.
//
//   table          key                                       row
//   1 person       person id                                 version(8), then Person
//   2 login        log-in name                               person id
//   3 department   department id                             version(8), then Department
//   4 group        group id                                  Group
//   5 credentials  person id                                 CredentialsSet
//   6 session      session id                                SessionRow
//   7 token        SHA-256 of the token                      session id
//   8 sessions     person id                                 session ids, 13 bytes each, the oldest first
//   9 role         role(1) · person id                       -           active people only
//  10 source key   length of the source's name(1) · its name · key    person id or department id
//  11 bound        person id or department id                length of the source's name(1) · its name · key
//
// A version is the seq of the record that last changed the row: what SyncDirectory counts by.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "yizhan/common/v1/access.pb.h"
#include "yizhan/directory/v1/people.pb.h"
#include "yizhan/directory/v1/record.pb.h"

namespace yizhan::directory {

inline constexpr size_t kIdBytes = 13;
// Bytes of a source's name, and of a key in it.
inline constexpr size_t kMaxSourceBytes = 32;
inline constexpr size_t kMaxSourceKeyBytes = 256;

std::string PersonKey(std::string_view person_id);
std::string LoginKey(std::string_view login);
std::string DepartmentKey(std::string_view department_id);
std::string GroupKey(std::string_view group_id);
std::string CredentialsKey(std::string_view person_id);
std::string SessionKey(std::string_view session_id);
std::string TokenKey(std::string_view digest);
std::string SessionsKey(std::string_view person_id);
std::string RoleKey(yizhan::common::v1::Role role, std::string_view person_id);
std::string SourceKey(std::string_view source, std::string_view key);
std::string BoundKey(std::string_view id);

// The beginning of all keys of a table, of a role, of a source.
std::string PersonPrefix();
std::string DepartmentPrefix();
std::string GroupPrefix();
std::string SessionPrefix();
std::string RolePrefix(yizhan::common::v1::Role role);
std::string SourcePrefix(std::string_view source);

// Rows of people and departments.
template <typename Message>
struct Versioned {
  uint64_t version = 0;
  Message message;

  std::string Encode() const;
  static absl::StatusOr<Versioned> Decode(std::string_view row);
};
using PersonRow = Versioned<v1::Person>;
using DepartmentRow = Versioned<v1::Department>;

// Created and last recorded use (8 each, microseconds since the epoch), then the SessionStarted.
struct SessionRow {
  int64_t created_us = 0;
  int64_t used_us = 0;
  v1::SessionStarted started;

  std::string Encode() const;
  static absl::StatusOr<SessionRow> Decode(std::string_view row);
};

// A bound row: the source's name and the key in it.
std::string EncodeBound(std::string_view source, std::string_view key);
absl::StatusOr<std::pair<std::string, std::string>> DecodeBound(std::string_view row);

// DataLoss that says what is unreadable.
absl::Status Unreadable(std::string_view what, size_t size);

}  // namespace yizhan::directory
