// RocksDB files under AES-256-CTR, for stores that hold opened text. The cipher stands under RocksDB's own checksums, which find
// damage; each file has a nonce of its own in a 4 KiB prefix.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

namespace rocksdb {
class Env;
}

namespace yizhan::audit {

// The key is kept in memory for the life of the Env.
std::unique_ptr<rocksdb::Env> NewEncryptedEnv(const std::array<uint8_t, 32>& key);

}  // namespace yizhan::audit
