#include "ledger/pending_batch.h"

#include <optional>
#include <string>
#include <utility>

#include "base/status.h"
#include "ledger/rocks.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace yizhan::ledger {
namespace {

// Visits every changed row of a partition with its whole key; one buffer for all.
template <typename Visit>
void ForEachRow(const PartitionCore& partition, std::string& key, Visit visit) {
  key.clear();
  AppendU32(key, partition.number);
  for (const auto& [service_key, entry] : partition.overlay.map()) {
    key.resize(4);
    key += service_key;
    visit(key, entry);
  }
}
}  // namespace

PendingBatch::PendingBatch(Folder* folder, Room* room)
    : folder_(*folder), room_(*room), write_(new rocksdb::WriteBatch) {}

PendingBatch::~PendingBatch() = default;

PendingState PendingBatch::StateOf(PartitionCore& partition) {
  return PendingState(&partition.overlay, StoredState(folder_.store.get(), partition.number, nullptr), &rows_);
}

void PendingBatch::Add(PartitionCore& partition, Record record, std::string_view bytes, uint64_t fingerprint) {
  if (!partition.touched) {
    partition.touched = true;
    touched_.push_back(&partition);
  }
  bytes_ += bytes.size();
  const uint64_t seq = record.seq();
  partition.raw.push_back(bytes);
  write_->Put(folder_.store->table(Table::kRecords), RecordKey{partition.number, seq}.Encode(), ToSlice(bytes));
  partition.requests.Add(seq, fingerprint);
  if (seq % kRequestBlock == 0) {
    auto* requests = folder_.store->table(Table::kRequests);
    const uint64_t block = seq / kRequestBlock - 1;
    write_->Put(requests, RequestBlockKey(partition.number, block), partition.requests.EncodeBlock(seq));
    const uint64_t kept = partition.requests.window() / kRequestBlock + 1;
    if (block > kept) write_->Delete(requests, RequestBlockKey(partition.number, block - kept - 1));
  }
  partition.last_seq = seq;
  partition.last_time_us = record.time_us();
  partition.records.push_back(std::move(record));
}

void PendingBatch::Seal() {
  auto* state = folder_.store->table(Table::kState);
  std::string key;
  for (PartitionCore* partition : touched_) {
    // Only the last value of a key that changed many times in the batch is written.
    ForEachRow(*partition, key, [&](const std::string& row, const Overlay::Entry& entry) {
      if (entry.deleted) {
        write_->Delete(state, row);
      } else {
        write_->Put(state, row, ToSlice(entry.value));
      }
    });
    write_->Put(folder_.store->table(Table::kMeta), meta::HeadKey(partition->number),
                Head{partition->last_seq, partition->last_time_us}.Encode());
  }
}

std::vector<PartitionBatch> PendingBatch::Contents() {
  std::vector<PartitionBatch> batches;
  batches.reserve(touched_.size());
  for (PartitionCore* partition : touched_)
    batches.push_back({partition->id, partition->head.load() + 1, std::move(partition->raw)});
  return batches;
}

absl::Status PendingBatch::Write(bool sync) {
  YZ_RETURN_IF_ERROR(room_.Resume());
  rocksdb::WriteOptions options;
  options.sync = sync;
  rocksdb::Status status = folder_.store->db()->Write(options, write_.get());
  if (!status.ok()) return room_.Refused(status);
  // RocksDB has put the batch's first sequence number into its head: fixed64, little-endian (write_batch.cc, "rep_").
  const std::string& rep = write_->Data();
  uint64_t sequence = 0;
  for (int i = 7; i >= 0; --i) sequence = sequence << 8 | static_cast<unsigned char>(rep[static_cast<size_t>(i)]);
  if (sync) folder_.store->MarkSynced(sequence + write_->Count() - 1);
  return absl::OkStatus();
}

void PendingBatch::Publish(Completed& completed) {
  std::string key;
  for (PartitionCore* partition : touched_) {
    ForEachRow(*partition, key, [&](const std::string& row, const Overlay::Entry& entry) {
      rows_.Committed(row, entry.deleted ? std::nullopt : std::optional(entry.value));
    });
    partition->head_time_us.store(partition->last_time_us, std::memory_order_relaxed);
    partition->head.store(partition->last_seq, std::memory_order_release);
    completed.appended.emplace_back(partition, std::move(partition->records));
  }
  Clear();
}

void PendingBatch::TakeBack() {
  rows_.Clear();  // whether it was committed after all is for the store to say
  for (PartitionCore* partition : touched_) {
    partition->last_seq = partition->head.load();
    partition->last_time_us = partition->head_time_us.load();
    partition->requests.Truncate(partition->last_seq);
  }
  Clear();
}

void PendingBatch::Clear() {
  for (PartitionCore* partition : touched_) {
    partition->records.clear();
    partition->raw.clear();
    partition->overlay.Clear();
    partition->touched = false;
  }
  touched_.clear();
  folder_.arena->Clear();
  write_->Clear();
  bytes_ = 0;
}

}  // namespace yizhan::ledger
