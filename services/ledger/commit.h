// What makes a batch durable. The only thing that differs between one machine and a cluster.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "ledger/partition.h"

namespace yizhan::ledger {

// The records that a batch appends to one partition, contiguous.
struct PartitionBatch {
  PartitionId partition;
  // The seq of the first record: the batch holds only while the partition's head is first_seq - 1.
  uint64_t first_seq = 0;
  // Serialised records; valid during Commit.
  std::vector<std::string_view> records;
};

// This replica's own store: records, state and heads of the batch, in one atomic write.
class LocalWrite {
 public:
  virtual ~LocalWrite() = default;
  // Once for each batch. With `sync` it returns after the disk has it. A failure leaves the store as it was.
  virtual absl::Status Write(bool sync) = 0;
};

struct CommitResult {
  enum class Verdict {
    kOk,           // durable; the local store has it
    kFenced,       // another writer owns one of the partitions: nothing was committed
    kUnavailable,  // nothing was committed; may be tried again
  };
  Verdict verdict = Verdict::kOk;
  // Why, for what is not kOk; with a reason (base/status.h) where there is one.
  absl::Status status;
  // kFenced: which.
  std::vector<PartitionId> fenced;
};

// Decides when a batch is durable. Called on the ledger's writer thread, one batch at a time, in order; may block.
//
// The embedded engine makes the local write the commit: one write, one sync. A quorum engine first puts `batches` where
// the quorum keeps them, with the comparison of heads that fences a writer which has lost its partition, and then
// writes locally without a sync; a local write lost in a crash is fetched again from the quorum. What the quorum has
// taken is committed: an engine whose local write fails behind that may try again or end the process, but not answer
// kUnavailable.
class Committer {
 public:
  virtual ~Committer() = default;
  virtual CommitResult Commit(absl::Span<const PartitionBatch> batches, LocalWrite& local) = 0;
};

// One RocksDB, one WAL sync for each batch.
std::unique_ptr<Committer> MakeEmbeddedCommitter();

}  // namespace yizhan::ledger
