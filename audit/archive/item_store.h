// The archive's own copy of every record, by leaf: sealed, exactly the bytes that the leaf commits to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace yizhan::audit {

class ItemStore {
 public:
  static absl::StatusOr<std::unique_ptr<ItemStore>> Open(const std::string& path);
  virtual ~ItemStore() = default;
  // Closes `store` and writes other bytes where a leaf's were: what a forger with the files would do.
  static absl::Status OverwriteForTest(std::unique_ptr<ItemStore> store, uint64_t leaf, const std::string& bytes);

  // The first leaf that is not here: leaves 0 to end() - 1 are.
  virtual uint64_t end() const = 0;
  // Appends records of leaves end(), end() + 1, … Not synced: what a crash takes is taken in again from its source.
  virtual absl::Status Append(const std::vector<std::string>& records) = 0;
  // NotFound beyond end(); DataLoss, naming the file, when it is damaged.
  virtual absl::StatusOr<std::string> Get(uint64_t leaf) const = 0;
  // Visits from `first` on, in order, until `visit` returns false.
  virtual absl::Status Scan(uint64_t first, absl::FunctionRef<bool(uint64_t leaf, std::string_view record)> visit) const = 0;
  // Makes what was appended durable: before its source cuts its log.
  virtual absl::Status Sync() = 0;
};

}  // namespace yizhan::audit
