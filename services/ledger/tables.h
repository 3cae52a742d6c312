// The ledger's tables: every column family of DIR/ledger, in one list, with its keys. docs/formats/ledger.md is the
// grammar; the names, ids and encodings here are frozen. A table that goes out of use stays in the list as a tombstone.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace yizhan::ledger {

// What this program writes. A folder of a greater version is refused.
inline constexpr uint32_t kFormatVersion = 1;

enum class Table : uint8_t { kMeta = 0, kRecords = 1, kState = 2, kRequests = 3, kProjections = 4 };

enum class Tuning : uint8_t {
  kSmall,       // little, read at start
  kLog,         // appended in order, read in order, rarely read again
  kPointReads,  // read by key on the hot path: bloom filters in memory and on disk
};

struct TableSpec {
  Table id;
  const char* name;
  const char* key;
  const char* value;
  Tuning tuning;
};

inline constexpr std::array<TableSpec, 5> kTables = {{
    {Table::kMeta, "meta", "u8 kind, then by kind (MetaKey)", "by kind", Tuning::kSmall},
    {Table::kRecords, "records", "u32 partition number, u64 seq", "yizhan.ledger.v1.Record as first written",
     Tuning::kLog},
    {Table::kState, "state", "u32 partition number, the service's key", "the service's value", Tuning::kPointReads},
    {Table::kRequests, "requests", "u32 partition number, u64 block", "1,024 fingerprints, u64 each (requests.h)",
     Tuning::kSmall},
    {Table::kProjections, "projections", "u8 name length, name, the projection's key", "the projection's value",
     Tuning::kPointReads},
}};

// All integers are big-endian, so that byte order is key order.
void AppendU32(std::string& out, uint32_t value);
void AppendU64(std::string& out, uint64_t value);
// The caller has checked that 4 or 8 bytes are there.
uint32_t ReadU32(std::string_view bytes);
uint64_t ReadU64(std::string_view bytes);

struct RecordKey {
  uint32_t partition = 0;
  uint64_t seq = 0;
  std::string Encode() const;
  // DataLoss unless it is exactly 12 bytes.
  static absl::StatusOr<RecordKey> Decode(std::string_view bytes);
  friend bool operator==(const RecordKey&, const RecordKey&) = default;
};

// A key of a partition's state, or the beginning of one.
std::string StateKey(uint32_t partition, std::string_view key);

std::string RequestBlockKey(uint32_t partition, uint64_t block);

// `name` has 1 to 255 bytes.
std::string ProjectionKey(std::string_view name, std::string_view key);

// The first key behind all that begin with `prefix`; empty when there is none (all bytes are 0xff).
std::string PrefixEnd(std::string_view prefix);

// Keys of `meta`.
namespace meta {
std::string FormatKey();                   // 'V' -> u32 format version
std::string FingerprintKey();              // 'K' -> 16 random bytes, see requests.h
std::string ServiceKey(std::string_view);  // 'S' service -> u32 number of its first partition, u32 count
std::string HeadKey(uint32_t partition);   // 'H' u32 -> Head
std::string FirstKey(uint32_t partition);  // 'F' u32 -> u64 first kept seq; absent: 1
std::string MarkKey(uint32_t partition);   // 'N' u32 -> SnapshotMark of the newest snapshot
std::string TouchedKey();  // 'T' -> "": written at each opening, so that memory holds something (Store::Resumable)
std::string LoadingKey(
    uint32_t partition);  // 'L' u32 -> "": a snapshot is being loaded; what is there of the partition is worth nothing
}  // namespace meta

// How far a partition is: written with the records and the state that it speaks of.
struct Head {
  uint64_t seq = 0;
  int64_t time_us = 0;
  std::string Encode() const;
  static absl::StatusOr<Head> Decode(std::string_view bytes);
  friend bool operator==(const Head&, const Head&) = default;
};

// A snapshot that was written: the log may be cut behind it.
struct SnapshotMark {
  uint64_t seq = 0;
  std::string digest;  // 32 bytes
  std::string path;
  std::string Encode() const;
  static absl::StatusOr<SnapshotMark> Decode(std::string_view bytes);
  friend bool operator==(const SnapshotMark&, const SnapshotMark&) = default;
};

}  // namespace yizhan::ledger
