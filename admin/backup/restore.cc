#include "admin/backup/restore.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "admin/backup/sealed.h"
#include "base/files.h"
#include "base/status.h"
#include "yizhan/audit/v1/record.pb.h"

namespace yizhan::admin {
namespace {

using ledger::PartitionId;
using yizhan::admin::v1::BackupKeys;
using yizhan::admin::v1::BackupRecords;

constexpr size_t kHashBytes = 32;

class RecordRestorer {
 public:
  RecordRestorer(const Restoration& restoration, ledger::Ledger& ledger)
      : restoration_(restoration), ledger_(ledger), until_(restoration.until) {}

  absl::StatusOr<Heads> Do() {
    YZ_RETURN_IF_ERROR(FindPoint());
    std::vector<const BackupPartition*> order;
    for (const BackupPartition& partition : restoration_.manifest->partitions()) {
      all_ += partition.head();
      order.push_back(&partition);
    }
    // The keys first, the archive last.
    const auto rank = [](const BackupPartition* p) {
      return p->partition() == kArchive.ToString() ? 2 : p->partition() == "keyring/0" ? 0 : 1;
    };
    std::stable_sort(order.begin(), order.end(), [&](auto* a, auto* b) { return rank(a) < rank(b); });
    for (const BackupPartition* partition : order) YZ_RETURN_IF_ERROR(RestorePartition(*partition));
    YZ_RETURN_IF_ERROR(ledger_.Sync().status());
    return std::move(heads_);
  }

 private:
  // The moment of the record that `until` names.
  absl::Status FindPoint() {
    if (!until_.partition) return absl::OkStatus();
    const std::string name = until_.partition->ToString();
    for (const BackupPartition& partition : restoration_.manifest->partitions()) {
      if (partition.partition() != name) continue;
      for (const BackupSegment& segment : partition.segments()) {
        if (until_.seq < segment.first_seq() || until_.seq > segment.last_seq()) continue;
        YZ_ASSIGN_OR_RETURN(const BackupRecords records, ReadSegment(partition, segment));
        ledger::Record record;
        if (!record.ParseFromString(records.records(static_cast<int>(until_.seq - segment.first_seq()))))
          return absl::DataLossError(absl::StrCat("record ", until_.seq, " of ", name, " cannot be read"));
        until_.time_us = record.time_us();
        return absl::OkStatus();
      }
      return absl::NotFoundError(
          absl::StrCat("the backup has ", name, " up to record ", partition.head(), ", and not ", until_.seq));
    }
    return absl::NotFoundError(absl::StrCat("the backup has no partition ", name));
  }

  absl::StatusOr<BackupRecords> ReadSegment(const BackupPartition& partition, const BackupSegment& segment) {
    YZ_ASSIGN_OR_RETURN(const std::string sealed,
                        GetObject(restoration_.stores.For(partition.partition()), segment.object()));
    BackupRecords records;
    if (absl::Status status = OpenMessage(sealed, restoration_.identities, records); !status.ok())
      return Annotate(status, segment.object().name());
    if (records.partition() != partition.partition() || records.first_seq() != segment.first_seq() ||
        static_cast<uint64_t>(records.records_size()) != segment.last_seq() - segment.first_seq() + 1) {
      return absl::DataLossError(absl::StrCat(segment.object().name(), " holds other records than its manifest says"));
    }
    return records;
  }

  absl::Status RestorePartition(const BackupPartition& partition) {
    YZ_ASSIGN_OR_RETURN(const PartitionId id, PartitionId::Parse(partition.partition()));
    uint64_t& head = heads_[id];
    std::string last;
    for (const BackupSegment& segment : partition.segments()) {
      if (segment.first_time_us() > until_.time_us) break;
      YZ_ASSIGN_OR_RETURN(BackupRecords records, ReadSegment(partition, segment));
      YZ_ASSIGN_OR_RETURN(const int count, Wanted(id, records));
      if (count > 0) last = records.records(count - 1);
      YZ_RETURN_IF_ERROR(Ingest(id, records, count));
      head = segment.first_seq() + count - 1;
      done_ += count;
      if (restoration_.on_progress) restoration_.on_progress(done_, all_);
      if (count < records.records_size()) break;
    }
    all_ -= partition.head() - head;
    if (head > 0 && head == partition.head() && Sha256(last) != partition.head_sha256())
      return absl::DataLossError(
          absl::StrCat("the last record of ", partition.partition(), " is not the one that the manifest says"));
    if (restoration_.more && head == partition.head()) YZ_RETURN_IF_ERROR(RestoreMore(id, head));
    YZ_ASSIGN_OR_RETURN(const ledger::PartitionInfo info, ledger_.Info(id));
    YZ_RETURN_IF_ERROR(info.status);
    if (info.head != head)
      return absl::InternalError(absl::StrCat(id.ToString(), " was restored up to ", info.head, " of ", head));
    return absl::OkStatus();
  }

  absl::Status RestoreMore(const PartitionId& id, uint64_t& head) {
    while (true) {
      YZ_ASSIGN_OR_RETURN(std::vector<std::string> more, restoration_.more(id, head + 1));
      BackupRecords records;
      records.set_partition(id.ToString());
      records.set_first_seq(head + 1);
      for (std::string& record : more) records.add_records(std::move(record));
      YZ_ASSIGN_OR_RETURN(const int count, Wanted(id, records));
      YZ_RETURN_IF_ERROR(Ingest(id, records, count));
      head += count;
      if (count == 0 || count < records.records_size()) return absl::OkStatus();
    }
  }

  // How many of a segment's records come before the point.
  absl::StatusOr<int> Wanted(const PartitionId& id, const BackupRecords& records) {
    if (until_.time_us == INT64_MAX && id != kArchive) return records.records_size();
    for (int i = 0; i < records.records_size(); ++i) {
      ledger::Record record;
      if (!record.ParseFromString(records.records(i)))
        return absl::DataLossError(
            absl::StrCat("record ", records.first_seq() + i, " of ", id.ToString(), " cannot be read"));
      const bool before = until_.partition == id ? record.seq() <= until_.seq : record.time_us() <= until_.time_us;
      if (!before || !IsCovered(record)) return i;
    }
    return records.records_size();
  }

  // Whether the archive's record speaks of records that were restored.
  bool IsCovered(const ledger::Record& record) const {
    if (record.partition() != kArchive.ToString()) return true;
    yizhan::audit::v1::AuditRecord audit;
    if (!audit.ParseFromString(record.payload()) || !audit.has_leaves()) return true;
    const auto id = PartitionId::Parse(audit.leaves().partition());
    const auto head = id.ok() ? heads_.find(*id) : heads_.end();
    // What the archive has taken of itself stands before this record.
    if (audit.leaves().partition() == kArchive.ToString()) return true;
    return head != heads_.end() &&
           audit.leaves().first_seq() + audit.leaves().leaf_hashes().size() / kHashBytes <= head->second + 1;
  }

  absl::Status Ingest(const PartitionId& id, BackupRecords& records, int count) {
    if (count == 0) return absl::OkStatus();
    std::vector<ledger::Arrived> batch(1);
    batch[0].partition = id;
    batch[0].first_seq = records.first_seq();
    for (int i = 0; i < count; ++i) batch[0].records.push_back(std::move(*records.mutable_records(i)));
    absl::Notification taken;
    absl::Status status;
    ledger_.Ingest(std::move(batch), [&](absl::Status how) {
      status = std::move(how);
      taken.Notify();
    });
    taken.WaitForNotification();
    return status;
  }

  const Restoration& restoration_;
  ledger::Ledger& ledger_;
  RestorePoint until_;
  Heads heads_;
  uint64_t done_ = 0, all_ = 0;
};

}  // namespace

absl::StatusOr<RestorePoint> RestorePoint::Parse(std::string_view text) {
  RestorePoint point;
  if (const size_t at = text.find('@'); at != std::string_view::npos) {
    auto partition = PartitionId::Parse(text.substr(0, at));
    if (partition.ok() && absl::SimpleAtoi(std::string(text.substr(at + 1)), &point.seq) && point.seq > 0) {
      point.partition = *partition;
      return point;
    }
  }
  absl::Time time;
  std::string why;
  if (absl::ParseTime(absl::RFC3339_full, std::string(text), &time, &why)) {
    point.time_us = absl::ToUnixMicros(time);
    return point;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", std::string(text), "\" is neither a record (im/3@4711) nor a time (2026-11-30T18:00:00+08:00)"));
}

absl::Status RestoreKeys(const Restoration& restoration, const std::string& data_dir) {
  const BackupManifest& manifest = *restoration.manifest;
  YZ_ASSIGN_OR_RETURN(const std::string sealed, GetObject(*restoration.stores.keys, manifest.keys()));
  BackupKeys keys;
  if (absl::Status status = OpenMessage(sealed, restoration.identities, keys); !status.ok())
    return Annotate(status, manifest.keys().name());
  YZ_RETURN_IF_ERROR(MakePrivateFolder(data_dir + "/keys"));
  for (const auto& file : keys.files()) {
    if (file.name().empty() || file.name().find('/') != std::string::npos || file.name()[0] == '.')
      return absl::DataLossError(
          absl::StrCat(manifest.keys().name(), " holds a file of the name \"", file.name(), "\""));
    YZ_RETURN_IF_ERROR(WriteNewFile(absl::StrCat(data_dir, "/keys/", file.name()), file.content()));
  }
  return absl::OkStatus();
}

std::vector<std::pair<std::string, uint32_t>> PartitionsOf(const BackupManifest& manifest) {
  std::map<std::string, uint32_t> counts;
  for (const BackupPartition& partition : manifest.partitions())
    if (auto id = PartitionId::Parse(partition.partition()); id.ok())
      counts[id->service] = std::max(counts[id->service], id->index + 1);
  return {counts.begin(), counts.end()};
}

absl::StatusOr<Heads> RestoreRecords(const Restoration& restoration, ledger::Ledger& ledger) {
  return RecordRestorer(restoration, ledger).Do();
}

}  // namespace yizhan::admin
