// Looking through RocksDB's log files (NNNNNN.log and MANIFEST-NNNNNN, one format) for damage, without RocksDB: so that
// a wrong bit is told from an end that was being written when the process died, before anything is replayed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace yizhan::ledger {

// CRC-32C (Castagnoli; RFC 3720, appendix B.4), continued from `crc`, 0 at the start.
uint32_t Crc32c(uint32_t crc, std::string_view bytes);

struct LogDamage {
  std::string path;
  uint64_t offset = 0;
};

struct LogScan {
  std::optional<LogDamage> damage;  // the first entry that is not whole or does not fit its checksum
  // Without damage: where the last entry ends, and the file's size. Between them is padding (padded_logs.h).
  uint64_t end = 0, size = 0;
};

// Format: rocksdb's wiki, "Write Ahead Log File Format": blocks of 32 KiB with entries of crc32c (masked) u32, length
// u16, type u8, all little-endian, and the payload.
absl::StatusOr<LogScan> ScanLog(const std::string& path);

// All log files of a RocksDB folder, in the order of their numbers, then the manifest that CURRENT names: the first
// damage. Cuts off the padding of those without.
absl::StatusOr<std::optional<LogDamage>> ScanLogs(const std::string& folder);

}  // namespace yizhan::ledger
