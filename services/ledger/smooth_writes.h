// What all stores of a process have in common: their work in the background must not hold up who waits for a WAL sync.
#pragma once

#include <memory>

#include "rocksdb/options.h"
#include "rocksdb/rate_limiter.h"

namespace yizhan::ledger {

// Flushes and compactions of all stores together write 32 MiB/s at most, in portions of 64 KiB, and what is written is
// on its way to the disk soon: in lumps, they took the processor and the disk for a fifth of a second at a time
// (docs/performance.md, "What was tried"). A portion is worked out in some 0.2 ms; one of 1 MiB, RocksDB's own, takes 3.
inline void SmoothWrites(rocksdb::DBOptions& options) {
  static const std::shared_ptr<rocksdb::RateLimiter> limiter(rocksdb::NewGenericRateLimiter(32 << 20, 2'000));
  options.rate_limiter = limiter;
  options.writable_file_max_buffer_size = 64 << 10;
  options.bytes_per_sync = 512 << 10;
  options.wal_bytes_per_sync = 256 << 10;
}

}  // namespace yizhan::ledger
