#include "admin/backup/backup.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "admin/backup/sealed.h"
#include "base/logging.h"
#include "base/status.h"

namespace yizhan::admin {
namespace {

using ledger::PartitionId;
using yizhan::admin::v1::BackupKeys;
using yizhan::admin::v1::BackupRecords;
namespace fs = std::filesystem;

constexpr size_t kSegmentBytes = 16 << 20;  // of records; one record more at most
constexpr size_t kReadBytes = 1 << 20;
constexpr size_t kKeptManifests = 10;

// Contiguous records on their way into a segment.
struct Gathered {
  uint64_t first_seq = 0;
  std::vector<std::string> records;
  size_t bytes = 0;

  void Add(ledger::Ledger::RawRecord record) {
    if (records.empty()) first_seq = record.seq;
    bytes += record.bytes.size();
    records.push_back(std::move(record.bytes));
  }
};

class Run {
 public:
  Run(const BackupSource& source, const BackupStores& stores, absl::Span<const age::Recipient> recipients,
      const BackupProgress& progress)
      : source_(source), stores_(stores), recipients_(recipients), progress_(progress) {}

  absl::StatusOr<BackupManifest> Do() {
    YZ_RETURN_IF_ERROR(ReadLast());
    YZ_RETURN_IF_ERROR(ListObjects());
    manifest_.set_format_version(kBackupFormat);
    manifest_.set_number(last_.number() + 1);
    manifest_.set_begun_at_us(absl::ToUnixMicros(absl::Now()));
    manifest_.set_program_version(source_.program_version);
    manifest_.set_archive_key(source_.archive_key());
    YZ_ASSIGN_OR_RETURN(*manifest_.mutable_checkpoint(), source_.checkpoint());
    YZ_RETURN_IF_ERROR(TakeHeads());
    YZ_RETURN_IF_ERROR(PutKeys());
    for (const auto& [partition, head] : heads_) YZ_RETURN_IF_ERROR(PutPartition(partition, head));
    manifest_.set_finished_at_us(absl::ToUnixMicros(absl::Now()));
    YZ_RETURN_IF_ERROR(WriteManifest(*stores_.records, manifest_));
    if (absl::Status status = Sweep(); !status.ok()) {
      log::Warning("backup", "what is not needed any more could not be removed from the backup").With("error", status);
    }
    return std::move(manifest_);
  }

 private:
  absl::Status ReadLast() {
    auto last = ReadLatestManifest(*stores_.records);
    if (absl::IsNotFound(last.status())) return absl::OkStatus();
    YZ_RETURN_IF_ERROR(last.status());
    last_ = *std::move(last);
    if (last_.archive_key() == source_.archive_key()) return absl::OkStatus();
    return Refuse(
        absl::StatusCode::kFailedPrecondition, "BACKUP_OF_ANOTHER",
        absl::StrCat(stores_.records->place(), " holds the backup of another installation (", last_.archive_key(),
                     "), or of this one before it was restored; name an empty place in backup.to"));
  }

  // audit/0's first: what it speaks of has been committed before, so the heads that are read after it cover it, at the
  // latest once this machine has followed the others that far.
  absl::Status TakeHeads() {
    YZ_ASSIGN_OR_RETURN(const ledger::PartitionInfo archive, source_.ledger->Info(kArchive));
    const absl::Time give_up = absl::Now() + source_.catch_up;
    for (const ledger::PartitionInfo& partition : source_.ledger->Partitions()) {
      const BackupPartition* before = Before(partition.id);
      const uint64_t had = before ? before->head() : 0;
      uint64_t& head = heads_[partition.id];
      head = partition.id == kArchive ? archive.head : partition.head;
      while (head < std::max(had, source_.archived_seq(partition.id)) && source_.ledger->replicated() &&
             partition.id != kArchive && absl::Now() < give_up) {
        absl::SleepFor(absl::Milliseconds(20));
        YZ_ASSIGN_OR_RETURN(const ledger::PartitionInfo now, source_.ledger->Info(partition.id));
        head = now.head;
      }
      left_ += head - std::min(head, had);
    }
    Tell(0);
    return absl::OkStatus();
  }

  absl::Status PutKeys() {
    BackupKeys keys;
    std::error_code error;
    std::vector<fs::path> files;
    for (fs::directory_iterator it(source_.data_dir + "/keys", error), end; !error && it != end; it.increment(error))
      if (it->path().extension() == ".key") files.push_back(it->path());
    std::sort(files.begin(), files.end());
    for (const fs::path& path : files) {
      std::ifstream in(path, std::ios::binary);
      auto& file = *keys.add_files();
      file.set_name(path.filename().string());
      file.set_content(std::string(std::istreambuf_iterator<char>(in), {}));
      if (!in.good() && !in.eof()) return absl::UnavailableError(absl::StrCat("cannot read ", path.string()));
    }
    if (keys.files().empty())
      return absl::UnavailableError(absl::StrCat("there are no keys in ", source_.data_dir, "/keys to be backed up"));
    YZ_ASSIGN_OR_RETURN(const std::string sealed, SealMessage(keys, recipients_));
    YZ_ASSIGN_OR_RETURN(*manifest_.mutable_keys(), PutObject(*stores_.keys, KeysName(manifest_.number()), sealed));
    return absl::OkStatus();
  }

  absl::Status PutPartition(const PartitionId& id, uint64_t head) {
    BackupPartition& partition = *manifest_.add_partitions();
    partition.set_partition(id.ToString());
    uint64_t had = 0;
    if (const BackupPartition* before = Before(id)) {
      YZ_RETURN_IF_ERROR(CheckContinues(id, head, *before));
      partition = *before;
      had = KeepWhole(partition);
    }
    if (head == had) return absl::OkStatus();

    Gathered gathered;
    YZ_RETURN_IF_ERROR(Read(id, had + 1, head, [&](ledger::Ledger::RawRecord record) {
      gathered.Add(std::move(record));
      return gathered.bytes < kSegmentBytes ? absl::OkStatus() : Flush(partition, gathered, had);
    }));
    YZ_RETURN_IF_ERROR(TakeInSmall(id, partition, gathered));
    YZ_RETURN_IF_ERROR(Flush(partition, gathered, had));
    return SetHead(id, head, partition);
  }

  const BackupPartition* Before(const PartitionId& id) const {
    const std::string name = id.ToString();
    for (const BackupPartition& partition : last_.partitions())
      if (partition.partition() == name) return &partition;
    return nullptr;
  }

  // Whether the ledger still is the one that the backup is of.
  absl::Status CheckContinues(const PartitionId& id, uint64_t head, const BackupPartition& before) const {
    if (before.head() == 0) return absl::OkStatus();
    const auto ahead = [&](const std::string& what) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "BACKUP_AHEAD",
                    absl::StrCat("the backup in ", stores_.records->place(), " holds ", id.ToString(), " up to record ",
                                 before.head(), ", and this ledger ", what,
                                 ": it was restored from something older. Name an empty place in backup.to"));
    };
    if (head < before.head()) return ahead(absl::StrCat("has only ", head));
    YZ_ASSIGN_OR_RETURN(const auto records, source_.ledger->ReadRaw(id, before.head(), 1));
    if (records.empty() || Sha256(records[0].bytes) != before.head_sha256()) return ahead("has another record there");
    return absl::OkStatus();
  }

  absl::Status SetHead(const PartitionId& id, uint64_t head, BackupPartition& partition) {
    YZ_ASSIGN_OR_RETURN(const auto records, source_.ledger->ReadRaw(id, head, 1));
    ledger::Record record;
    if (records.empty() || !record.ParseFromString(records[0].bytes))
      return absl::DataLossError(absl::StrCat("record ", head, " of ", id.ToString(), " cannot be read"));
    partition.set_head(head);
    partition.set_head_time_us(record.time_us());
    partition.set_head_sha256(Sha256(records[0].bytes));
    return absl::OkStatus();
  }

  template <typename Take>
  absl::Status Read(const PartitionId& id, uint64_t from, uint64_t to, Take take) {
    while (from <= to) {
      if (progress_.stop && progress_.stop()) return absl::CancelledError("the backup was told to stop");
      auto records = source_.ledger->ReadRaw(id, from, kReadBytes);
      if (absl::IsOutOfRange(records.status())) {
        return Refuse(absl::StatusCode::kFailedPrecondition, "BACKUP_LOG_CUT",
                      absl::StrCat("the ledger no longer has record ", from, " of ", id.ToString(), ", and ",
                                   stores_.records->place(),
                                   " has not got it: go on with the place that has, or restore from that one"));
      }
      YZ_RETURN_IF_ERROR(records.status());
      if (records->empty())
        return absl::DataLossError(absl::StrCat("record ", from, " of ", id.ToString(), " cannot be read"));
      for (auto& record : *records) {
        if (record.seq > to) break;
        from = record.seq + 1;
        YZ_RETURN_IF_ERROR(take(std::move(record)));
      }
    }
    return absl::OkStatus();
  }

  // Makes the last segments one with what follows them while they are small beside it: a record is put again a few
  // times at most, and a thousand small runs leave ten segments and not a thousand.
  absl::Status TakeInSmall(const PartitionId& id, BackupPartition& partition, Gathered& gathered) {
    while (!gathered.records.empty() && !partition.segments().empty()) {
      const BackupSegment& last = *partition.segments().rbegin();
      if (last.record_bytes() > 2 * gathered.bytes || last.record_bytes() + gathered.bytes > kSegmentBytes) break;
      Gathered before;
      const absl::Status status = Read(id, last.first_seq(), last.last_seq(), [&](ledger::Ledger::RawRecord record) {
        before.Add(std::move(record));
        return absl::OkStatus();
      });
      if (ReasonOf(status) == "BACKUP_LOG_CUT") break;
      YZ_RETURN_IF_ERROR(status);
      before.bytes += gathered.bytes;
      std::move(gathered.records.begin(), gathered.records.end(), std::back_inserter(before.records));
      gathered = std::move(before);
      partition.mutable_segments()->RemoveLast();
    }
    return absl::OkStatus();
  }

  // Puts them as one segment; those up to `had` were in the backup before.
  absl::Status Flush(BackupPartition& partition, Gathered& gathered, uint64_t had) {
    if (gathered.records.empty()) return absl::OkStatus();
    ledger::Record first;
    if (!first.ParseFromString(gathered.records.front()))
      return absl::DataLossError(
          absl::StrCat("record ", gathered.first_seq, " of ", partition.partition(), " cannot be read"));
    const uint64_t count = gathered.records.size(), last_seq = gathered.first_seq + count - 1;
    BackupRecords records;
    records.set_partition(partition.partition());
    records.set_first_seq(gathered.first_seq);
    for (std::string& record : gathered.records) records.add_records(std::move(record));
    YZ_ASSIGN_OR_RETURN(const std::string sealed, SealMessage(records, recipients_));
    YZ_ASSIGN_OR_RETURN(BackupObject object,
                        PutObject(stores_.For(partition.partition()),
                                  SegmentName(partition.partition(), gathered.first_seq, last_seq), sealed));
    BackupSegment& segment = *partition.add_segments();
    segment.set_first_seq(gathered.first_seq);
    segment.set_last_seq(last_seq);
    segment.set_first_time_us(first.time_us());
    segment.set_record_bytes(gathered.bytes);
    *segment.mutable_object() = std::move(object);
    gathered = Gathered();
    Tell(last_seq - std::max(had, segment.first_seq() - 1));
    return absl::OkStatus();
  }

  void Tell(uint64_t done) {
    left_ -= std::min(left_, done);
    if (progress_.on_progress) progress_.on_progress(left_);
  }

  // What lies in the stores now.
  absl::Status ListObjects() {
    for (objects::ObjectStore* store : {stores_.records, stores_.keys}) {
      if (there_.count(store)) continue;
      YZ_ASSIGN_OR_RETURN(const auto objects, store->List(std::string(SegmentsPrefix())));
      for (const auto& object : objects) there_[store][object.name] = object.size;
    }
    return absl::OkStatus();
  }

  // Drops segments from the first one on that has gone or is of another size: they are put again. Answers up to where
  // the rest goes.
  uint64_t KeepWhole(BackupPartition& partition) {
    objects::ObjectStore& store = stores_.For(partition.partition());
    const auto& objects = there_[&store];
    for (int i = 0; i < partition.segments_size(); ++i) {
      const BackupSegment& segment = partition.segments(i);
      const auto it = objects.find(segment.object().name());
      if (it != objects.end() && it->second == segment.object().bytes()) continue;
      log::Warning("backup",
                   "a part of the backup has gone or is of another size; it is written again, with what follows it")
          .With("object", segment.object().name())
          .With("place", store.place());
      const uint64_t whole = segment.first_seq() - 1;
      partition.mutable_segments()->DeleteSubrange(i, partition.segments_size() - i);
      return whole;
    }
    return partition.head();
  }

  // Removes manifests beyond the last ten, and the keys and segments that none of these names.
  absl::Status Sweep() {
    YZ_ASSIGN_OR_RETURN(std::vector<uint64_t> numbers, ListManifests(*stores_.records));
    const size_t old = numbers.size() - std::min(numbers.size(), kKeptManifests);
    std::set<std::string> named;
    for (size_t i = old; i < numbers.size(); ++i) {
      auto manifest = ReadManifest(*stores_.records, numbers[i]);
      if (!manifest.ok()) return manifest.status();
      named.insert(manifest->keys().name());
      for (const BackupPartition& partition : manifest->partitions())
        for (const BackupSegment& segment : partition.segments()) named.insert(segment.object().name());
    }
    for (size_t i = 0; i < old; ++i) YZ_RETURN_IF_ERROR(stores_.records->Delete(ManifestName(numbers[i])));
    for (objects::ObjectStore* store : {stores_.records, stores_.keys}) {
      for (const std::string_view prefix : {SegmentsPrefix(), std::string_view("keys/")}) {
        YZ_ASSIGN_OR_RETURN(const auto objects, store->List(std::string(prefix)));
        for (const auto& object : objects)
          if (!named.count(object.name)) YZ_RETURN_IF_ERROR(store->Delete(object.name));
      }
    }
    return absl::OkStatus();
  }

  const BackupSource& source_;
  const BackupStores& stores_;
  const absl::Span<const age::Recipient> recipients_;
  const BackupProgress& progress_;
  BackupManifest last_, manifest_;
  std::map<PartitionId, uint64_t> heads_;
  std::map<objects::ObjectStore*, std::map<std::string, uint64_t>> there_;
  uint64_t left_ = 0;
};

}  // namespace

absl::StatusOr<BackupManifest> RunBackup(const BackupSource& source, const BackupStores& stores,
                                         absl::Span<const age::Recipient> recipients, const BackupProgress& progress) {
  return Run(source, stores, recipients, progress).Do();
}

}  // namespace yizhan::admin
