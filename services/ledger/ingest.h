// Following: takes in records that another machine has committed.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ledger/completion.h"
#include "ledger/core.h"
#include "ledger/ledger.h"
#include "ledger/pending_batch.h"
#include "ledger/room.h"

namespace yizhan::ledger {

// The writer's thread, between two of its batches.
class Ingester {
 public:
  // All outlive it. `batch` is the writer's own, empty whenever Carry is called.
  Ingester(Folder* folder, PendingBatch* batch, Room* room);

  // As Ledger::Ingest says; what was taken is in `completed`.
  absl::Status Carry(const std::vector<Arrived>& arrived, Completed& completed);

  // What a batch counts against the bound of those that wait: its bytes, and something for each of its pieces.
  static size_t Weight(const std::vector<Arrived>& arrived);

 private:
  absl::Status Take(const Arrived& arrived);
  absl::Status TakeOne(PartitionCore& partition, const std::string& bytes);

  Folder& folder_;
  PendingBatch& batch_;
  Room& room_;
};

}  // namespace yizhan::ledger
