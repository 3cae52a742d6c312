// One write on the way: records of some partitions, the state that follows from them, their heads and the memory of
// their requests. The writer fills it with what commands append, the ingester with what has arrived.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "ledger/commit.h"
#include "ledger/completion.h"
#include "ledger/core.h"
#include "ledger/pending_state.h"
#include "ledger/room.h"
#include "ledger/row_cache.h"

namespace yizhan::ledger {

// The writer's thread.
class PendingBatch : public LocalWrite {
 public:
  // Both outlive it.
  PendingBatch(Folder* folder, Room* room);
  ~PendingBatch() override;

  // The partitions that have records in it.
  const std::vector<PartitionCore*>& touched() const { return touched_; }
  // Of the records.
  size_t bytes() const { return bytes_; }

  // The partition's state as of its last record, to be changed by the next.
  PendingState StateOf(PartitionCore& partition);
  // Takes the partition's next record, applied already. `bytes` lives until the batch has been published or taken
  // back. Cannot be undone for itself.
  void Add(PartitionCore& partition, Record record, std::string_view bytes, uint64_t fingerprint);
  // Behind the last Add and before the write: adds state and heads.
  void Seal();
  // What a Committer gets to see of a sealed batch; asked once.
  std::vector<PartitionBatch> Contents();
  // Into RocksDB, all or nothing. DISK_FULL: nothing, and it may be tried again. A disk that fails ends the process.
  absl::Status Write(bool sync) override;

  // Behind a write that succeeded: the heads are seen, the records are to be told. Empties the batch.
  void Publish(Completed& completed);
  // Nothing was written, or nobody knows: partitions are as they were before. Empties the batch.
  void TakeBack();

 private:
  void Clear();

  Folder& folder_;
  Room& room_;
  std::unique_ptr<rocksdb::WriteBatch> write_;
  std::vector<PartitionCore*> touched_;
  size_t bytes_ = 0;
  RowCache rows_{16 << 20};
};

}  // namespace yizhan::ledger
