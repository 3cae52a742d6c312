// A RocksDB file system that asks Hooks::fault before it does what it was asked to.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace rocksdb {
class Env;
}

namespace yizhan::ledger {

std::unique_ptr<rocksdb::Env> MakeFaultEnv(std::function<int(std::string_view, std::string_view)> fault);

}  // namespace yizhan::ledger
