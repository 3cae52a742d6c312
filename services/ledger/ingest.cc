#include "ledger/ingest.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/metrics.h"
#include "base/status.h"

namespace yizhan::ledger {
namespace {
metrics::Counter& Ingested() {
  static metrics::Counter& counter =
      metrics::GetCounter("yizhan_ledger_ingested_records_total", "Records taken in from other machines.");
  return counter;
}
}  // namespace

Ingester::Ingester(Folder* folder, PendingBatch* batch, Room* room) : folder_(*folder), batch_(*batch), room_(*room) {
  Ingested();  // as the writer's
}

size_t Ingester::Weight(const std::vector<Arrived>& arrived) {
  size_t weight = sizeof(Arrived);
  for (const Arrived& one : arrived) {
    weight += sizeof(Arrived) + one.records.size() * sizeof(std::string);
    for (const std::string& record : one.records) weight += record.size();
  }
  return weight;
}

absl::Status Ingester::Carry(const std::vector<Arrived>& arrived, Completed& completed) {
  if (arrived.empty()) return absl::OkStatus();
  YZ_RETURN_IF_ERROR(room_.Check());
  absl::Status first;
  for (const Arrived& one : arrived) first.Update(Take(one));
  if (batch_.touched().empty()) return first;
  batch_.Seal();
  // Not synced: what a crash takes is there where it came from, until Sync has said otherwise.
  if (absl::Status written = batch_.Write(/*sync=*/false); !written.ok()) {
    batch_.TakeBack();
    return written;
  }
  for (const PartitionCore* partition : batch_.touched()) Ingested().Add(partition->records.size());
  batch_.Publish(completed);
  return first;
}

absl::Status Ingester::Take(const Arrived& arrived) {
  PartitionCore* partition = folder_.Find(arrived.partition);
  if (partition == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("records arrived for partition ", arrived.partition.ToString(), ", and there is none here"));
  }
  if (partition->owned.load(std::memory_order_relaxed)) {
    return absl::FailedPreconditionError(
        absl::StrCat("records arrived for partition ", partition->name, ", which is owned here and decides its own"));
  }
  if (partition->service->machine == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("records arrived for partition ", partition->name,
                                                      ", and nothing in this program understands them"));
  }
  YZ_RETURN_IF_ERROR(partition->status());
  if (arrived.first_seq == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("records arrived for partition ", partition->name, " from seq 0 on; the first is 1"));
  }
  if (arrived.first_seq > partition->last_seq + 1) {
    return absl::OutOfRangeError(absl::StrCat("records arrived for partition ", partition->name, " from seq ",
                                              arrived.first_seq, " on, and its head is ", partition->last_seq,
                                              "; fetch what is between"));
  }
  for (size_t i = partition->last_seq + 1 - arrived.first_seq; i < arrived.records.size(); ++i) {
    if (absl::Status taken = TakeOne(*partition, arrived.records[i]); !taken.ok()) {
      partition->SetStatus(taken);
      return taken;
    }
  }
  return absl::OkStatus();
}

absl::Status Ingester::TakeOne(PartitionCore& partition, const std::string& bytes) {
  const uint64_t seq = partition.last_seq + 1;
  auto refused = [&](absl::string_view why) {
    return Refuse(absl::StatusCode::kDataLoss, "DAMAGED_RECORD",
                  absl::StrCat("partition ", partition.name, " has stopped before seq ", seq, ": ", why,
                               ". Start this machine again, with the version that the others have; if that does not "
                               "help, let it take a copy of another's data"));
  };
  auto record = ParseRecord(partition, seq, bytes);
  if (!record.ok()) return refused("what arrived is not that record");
  PendingState state = batch_.StateOf(partition);
  partition.overlay.Begin();
  if (absl::Status applied = partition.service->machine->Apply(*record, state); !applied.ok()) {
    partition.overlay.RollBack();
    return refused(absl::StrCat("the record (", record->type(), ") cannot be applied: ", applied.message()));
  }
  const uint64_t fingerprint = record->request_id().empty()
                                   ? 0
                                   : RequestFingerprint(folder_.fingerprint_key, record->actor(), record->request_id());
  batch_.Add(partition, *std::move(record), bytes, fingerprint);
  return absl::OkStatus();
}

}  // namespace yizhan::ledger
