// Whether the disk takes more: while it does not, what would have to be written is refused.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "ledger/ledger.h"
#include "ledger/store.h"

namespace yizhan::ledger {

// The writer's thread.
class Room {
 public:
  // Both outlive it.
  Room(const Options* options, Store* store) : options_(*options), store_(*store) {}

  // Ok while there is room on the disk and the store takes writes, else ResourceExhausted DISK_FULL; looks again about
  // once a second.
  absl::Status Check();
  // Before a write that cannot wait for Check(): if the store refuses writes and there is room, has it take them again.
  absl::Status Resume();
  // A write has failed. Answers DISK_FULL when there was no room, and then until the store has been resumed; ends the
  // process when the disk failed.
  absl::Status Refused(const rocksdb::Status& status);

 private:
  absl::Status FreeSpace() const;

  const Options& options_;
  Store& store_;
  int64_t checked_us_ = 0;
  absl::Status room_;
  bool store_refuses_ = false;
};

}  // namespace yizhan::ledger
