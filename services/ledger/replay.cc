#include "ledger/replay.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ledger/pending_state.h"
#include "ledger/rocks.h"
#include "ledger/snapshot.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace yizhan::ledger {
namespace {
constexpr size_t kReadBytes = 4 << 20;

// The changes of some records, into the scratch store.
absl::Status Flush(const Store& scratch, uint32_t partition, Overlay& overlay, Arena& arena) {
  rocksdb::WriteBatch batch;
  for (const auto& [key, entry] : overlay.map()) {
    const std::string full = StateKey(partition, key);
    if (entry.deleted) {
      batch.Delete(scratch.table(Table::kState), full);
    } else {
      batch.Put(scratch.table(Table::kState), full, ToSlice(entry.value));
    }
  }
  rocksdb::WriteOptions options;
  options.disableWAL = true;  // nobody reads it after this process
  YZ_RETURN_IF_ERROR(FromRocks(scratch.db()->Write(options, &batch), "replaying"));
  overlay.Clear();
  arena.Clear();
  return absl::OkStatus();
}

absl::StatusOr<ReplayResult> ReplayPartition(const Store& store, const PartitionCore& partition, const Store& scratch) {
  const Pinned pinned(&store);
  YZ_ASSIGN_OR_RETURN(const Head head, HeadOf(store, partition.number, pinned.get()));
  ReplayResult result;
  result.id = partition.id;
  result.seq = head.seq;
  uint64_t next = 1;
  if (partition.first.load() > 1) {
    YZ_ASSIGN_OR_RETURN(SnapshotMark mark, MarkOf(store, partition));
    YZ_ASSIGN_OR_RETURN(const uint64_t seq, LoadPartition(scratch, partition, mark.path, Loading::kStateOnly));
    if (seq < mark.seq || seq > head.seq) {
      return absl::DataLossError(absl::StrCat("the snapshot ", mark.path, " is of seq ", seq, ", which partition ",
                                              partition.name, " did not cut its log behind"));
    }
    next = seq + 1;
  }
  Arena arena;
  Overlay overlay(&arena);
  PendingState state(&overlay, StoredState(&scratch, partition.number, nullptr));
  while (next <= head.seq) {
    YZ_ASSIGN_OR_RETURN(auto records, ReadRawRecords(store, partition, next, head.seq, kReadBytes));
    if (records.empty())
      return absl::DataLossError(absl::StrCat("partition ", partition.name, ": record ", next, " is missing"));
    for (const auto& raw : records) {
      YZ_ASSIGN_OR_RETURN(Record record, ParseRecord(partition, raw.seq, raw.bytes));
      if (absl::Status applied = partition.service->machine->Apply(record, state); !applied.ok()) {
        return Refuse(absl::StatusCode::kDataLoss, "REPLAY_DIFFERS",
                      absl::StrCat("partition ", partition.name, ": record ", raw.seq, " (", record.type(),
                                   ") cannot be applied: ", applied.message()));
      }
    }
    result.records += records.size();
    next = records.back().seq + 1;
    YZ_RETURN_IF_ERROR(Flush(scratch, partition.number, overlay, arena));
  }
  YZ_ASSIGN_OR_RETURN(const std::string live, DigestState(store, partition.number, pinned.get()));
  YZ_ASSIGN_OR_RETURN(const std::string replayed, DigestState(scratch, partition.number, nullptr));
  result.digest = absl::BytesToHexString(live);
  if (live != replayed) {
    return Refuse(absl::StatusCode::kDataLoss, "REPLAY_DIFFERS",
                  absl::StrCat("partition ", partition.name, ": the state at seq ", head.seq,
                               " does not follow from its records: it has digest ", result.digest, ", a replay gives ",
                               absl::BytesToHexString(replayed)));
  }
  return result;
}
}  // namespace

absl::StatusOr<std::vector<ReplayResult>> ReplayFolder(const Folder& folder, const std::string& scratch_dir,
                                                       const std::optional<PartitionId>& only) {
  const std::string path = absl::StrCat(scratch_dir, "/replay-", getpid());
  std::error_code error;
  std::filesystem::remove_all(path, error);
  std::vector<ReplayResult> results;
  absl::Status status;
  {
    YZ_ASSIGN_OR_RETURN(auto scratch, Store::Open(path, Store::Mode::kReadWrite));
    for (const auto& partition : folder.partitions) {
      if (only && partition->id != *only) continue;
      if (partition->service->machine == nullptr) {
        if (partition->head.load() == 0) continue;
        status = absl::FailedPreconditionError(
            absl::StrCat("nothing in this program understands the records of partition ", partition->name));
        break;
      }
      auto replayed = ReplayPartition(*folder.store, *partition, *scratch);
      if (!replayed.ok()) {
        status = replayed.status();
        break;
      }
      results.push_back(*std::move(replayed));
    }
  }
  std::filesystem::remove_all(path, error);
  if (!status.ok()) return status;
  return results;
}

}  // namespace yizhan::ledger
