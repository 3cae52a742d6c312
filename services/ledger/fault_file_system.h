// A RocksDB file system that asks Hooks::fault before it does what it was asked to.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace rocksdb {
class FileSystem;
}

namespace yizhan::ledger {

std::shared_ptr<rocksdb::FileSystem> FailOnDemand(std::shared_ptr<rocksdb::FileSystem> base,
                                                  std::function<int(std::string_view, std::string_view)> fault);

}  // namespace yizhan::ledger
