// What makes a batch durable. The only thing that differs between one machine and a cluster.
#pragma once

#include <cstddef>
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
  // Once for each batch, and again after a failure: that leaves the store as it was (ResourceExhausted DISK_FULL; the
  // next call finds out whether there is room). With `sync` it returns after the disk has it.
  virtual absl::Status Write(bool sync) = 0;
};

struct CommitResult {
  enum class Verdict {
    kOk,           // durable; the local store has it
    kFenced,       // another writer owns some of the partitions: nothing was committed
    kUnavailable,  // nothing was committed; may be tried again
  };
  Verdict verdict = Verdict::kOk;
  // Why, for what is not kOk; with a reason (base/status.h) where there is one.
  absl::Status status;
  // kFenced: which. They are not owned here from now on (Ledger::Own): the batch's commands on them are refused with
  // NotOwner(), all others of the batch with NOT_COMMITTED.
  std::vector<PartitionId> fenced;
};

// What one batch may be at most.
struct CommitLimits {
  // At least 1: a batch ends before the command that would touch one more.
  size_t max_partitions = SIZE_MAX;
  // Bytes of all records of a batch, as PartitionBatch holds them. A batch ends behind the command with which it has
  // half of it, and one command may have half of it (or it is refused, COMMAND_TOO_LARGE): so no batch has more, and
  // nothing that was decided has to be put off.
  size_t max_bytes = 4 << 20;
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
  // Asked at the beginning of each batch, on the writer.
  virtual CommitLimits limits() const { return {}; }
};

// One RocksDB, one WAL sync for each batch. Its limits are above those of Command::decide.
std::unique_ptr<Committer> MakeEmbeddedCommitter();

}  // namespace yizhan::ledger
