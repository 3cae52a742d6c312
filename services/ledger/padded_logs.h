// A RocksDB file system that writes log files (NNNNNN.log) ahead of their entries: what the entries then overwrite has
// its place on the disk already, and a sync is the data and a flush, without the file's length between them
// (docs/performance.md, "Where the time goes").
#pragma once

#include <memory>

namespace rocksdb {
class FileSystem;
}

namespace yizhan::ledger {

// What stands behind the last entry of a log whose process did not close it. Not zero: RocksDB skips zeros and would go
// on with what a power failure left behind them; it stops at these, for a length of 65,535 fits no block.
inline constexpr char kLogPadding = '\xff';

std::shared_ptr<rocksdb::FileSystem> PadLogs(std::shared_ptr<rocksdb::FileSystem> base);

}  // namespace yizhan::ledger
