// Between RocksDB's types and ours. For .cc files of this folder.
#pragma once

#include <string_view>

#include "rocksdb/slice.h"

namespace yizhan::ledger {

inline rocksdb::Slice ToSlice(std::string_view view) { return {view.data(), view.size()}; }
inline std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

}  // namespace yizhan::ledger
