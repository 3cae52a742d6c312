// What all stores of a process have in common: their work in the background must not hold up who waits for a WAL sync.
#pragma once

#include "rocksdb/options.h"

namespace yizhan::ledger {

// Flushes and compactions of all stores together write some 32 MiB/s, in portions of 64 KiB, flushes first, and what is
// written is on its way to the disk soon: in lumps, they took the processor and the disk for a fifth of a second at a
// time (docs/performance.md, "What was tried"). A portion is worked out in some 0.2 ms; one of 1 MiB, RocksDB's own,
// takes 3.
void SmoothWrites(rocksdb::DBOptions& options);

}  // namespace yizhan::ledger
