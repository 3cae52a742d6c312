// The files of exports: sealed pieces in a store, named by the hash of the whole file.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/objects/object_store.h"
#include "ledger/keyring.h"
#include "ledger/seal.h"

namespace yizhan::audit {

// A piece is exports/SHA256/NNNNNN: a nonce of 12 bytes, then AES-256-GCM under a key that is derived from the
// installation's ("export-files"), bound to that name. Any thread; calls wait for the store.
class ExportFiles {
 public:
  // Of plain text; the last one of a file has what is left.
  static constexpr uint64_t kPieceBytes = 1 << 20;

  // Both outlive it.
  ExportFiles(objects::ObjectStore* store, const ledger::Keyring* keyring);

  // Stores a local file of this digest (hex). As ObjectStore::Put.
  absl::Status Store(const std::string& path, const std::string& sha256);
  // Bytes [offset, offset + at most `size`) of a file, not across the end of a piece. NotFound EXPORT_GONE; DataLoss
  // EXPORT_DAMAGED; as ObjectStore::Get.
  absl::StatusOr<std::string> Read(const std::string& sha256, uint64_t offset, uint64_t size);
  // Where the store keeps replicas: fetches those pieces of a file that this machine does not have. `here` as Here().
  absl::Status Fetch(const std::string& sha256, uint64_t size_bytes, const std::set<std::string>& here);
  // The names of the pieces that are here.
  absl::StatusOr<std::set<std::string>> Here();

 private:
  objects::ObjectStore* const store_;
  const ledger::Key256 key_;
};

}  // namespace yizhan::audit
