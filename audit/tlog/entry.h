// What a leaf of the archive's log says: which record, and a salted commitment to its sealed bytes; never the record.
// docs/formats/leaf.md has the grammar and one worked example, whose bytes entry_test.cc holds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/tlog/hash.h"

namespace yizhan::audit {

inline constexpr size_t kSaltBytes = 32;

struct LogEntry {
  std::string partition;    // the record's partition: "im/17"; 1..255 of [A-Za-z0-9._/-]
  uint64_t seq = 0;         // its place there, from 1
  int64_t time_micros = 0;  // when it was decided: microseconds since 1970-01-01T00:00:00Z, not negative
  std::string record_type;  // the name of its payload: "yizhan.im.v1.MessageSent"; 1..255 of [A-Za-z0-9._/-]
  Hash commitment;
  bool operator==(const LogEntry&) const = default;
};

// SHA-256(0x02 || salt || sealed_record). `salt` is 32 random bytes of this record alone, kept beside it and destroyed
// with it, so that a leaf tells nothing about a record that is gone. InvalidArgument for a salt of another length.
absl::StatusOr<Hash> RecordCommitment(std::string_view salt, std::string_view sealed_record);

// The bytes that go into the entry bundle and under the leaf hash. InvalidArgument for a field out of bounds.
absl::StatusOr<std::string> EncodeEntry(const LogEntry& entry);

// Strict inverse of EncodeEntry. InvalidArgument, reason LEAF_MALFORMED; Unimplemented, reason LEAF_VERSION, for a
// version that this program does not know.
absl::StatusOr<LogEntry> DecodeEntry(std::string_view bytes);

}  // namespace yizhan::audit
