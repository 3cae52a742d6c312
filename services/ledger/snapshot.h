// Snapshot files: one partition's state at one seq, with the records behind it that idempotence needs.
// docs/formats/ledger.md is the grammar.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/core.h"

namespace yizhan::ledger {

// Writes the file (under another name until it is whole and synced), then the partition's mark. Answers the seq.
absl::StatusOr<uint64_t> SavePartition(const Store& store, const PartitionCore& partition, const std::string& path);

enum class Loading {
  kWhole,      // state, records, head and request blocks: the partition goes on behind it
  kStateOnly,  // into the store of a replay
};

// DataLoss when the file is not whole, not a snapshot, or its state has not the digest that it says; FailedPrecondition
// when it is another partition's or of a newer version. Answers the snapshot's seq. Replaces what the store holds of
// the partition, which counts as empty until the load is complete.
absl::StatusOr<uint64_t> LoadPartition(const Store& store, const PartitionCore& partition, const std::string& path,
                                       Loading loading);

// Drops records up to `upto` (see Ledger::CutLog).
absl::Status CutPartition(const Store& store, PartitionCore& partition, uint64_t upto);

// The newest snapshot's mark; NotFound when none was written. The file may be newer than its mark, when the process
// died between the two.
absl::StatusOr<SnapshotMark> MarkOf(const Store& store, const PartitionCore& partition);

}  // namespace yizhan::ledger
