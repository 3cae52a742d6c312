#include "ledger/snapshot.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ledger/rocks.h"
#include "ledger/snapshot_file.h"
#include "rocksdb/convenience.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace yizhan::ledger {
namespace {
enum Tag : uint8_t { kEnd = 0, kStateEntry = 1, kRecordEntry = 2 };
constexpr size_t kFlushBytes = 4 << 20;

// Many writes, in batches.
class Loader {
 public:
  explicit Loader(const Store& store) : store_(store) {}
  void Put(Table table, std::string_view key, std::string_view value) {
    batch_.Put(store_.table(table), ToSlice(key), ToSlice(value));
  }
  void Delete(Table table, std::string_view key) { batch_.Delete(store_.table(table), ToSlice(key)); }
  // Key by key: RocksDB 7.8 mixes up the insertion hints of a table (store.cc) and of its range deletions.
  absl::Status DeleteAll(Table table, std::string_view from, std::string_view end) {
    absl::Status failed;
    YZ_RETURN_IF_ERROR(store_.Scan(table, from, end, nullptr, [&](std::string_view key, std::string_view) {
      Delete(table, key);
      return (failed = FlushIfLarge()).ok();
    }));
    return failed;
  }
  absl::Status Flush(bool sync) {
    rocksdb::WriteOptions options;
    options.sync = sync;
    absl::Status status = FromRocks(store_.db()->Write(options, &batch_), "writing the ledger");
    batch_.Clear();
    return status;
  }
  absl::Status FlushIfLarge() { return batch_.GetDataSize() > kFlushBytes ? Flush(false) : absl::OkStatus(); }

 private:
  const Store& store_;
  rocksdb::WriteBatch batch_;
};

struct Header {
  uint64_t seq, first_record;
  int64_t time_us;
};

absl::StatusOr<Header> ReadHeader(SnapshotReader& reader, const PartitionCore& partition) {
  YZ_ASSIGN_OR_RETURN(std::string name, reader.Text());
  if (name != partition.name)
    return absl::FailedPreconditionError(
        absl::StrCat("the snapshot is one of partition ", name, ", not of ", partition.name));
  Header header;
  YZ_ASSIGN_OR_RETURN(header.seq, reader.U64());
  YZ_ASSIGN_OR_RETURN(uint64_t time_us, reader.U64());
  YZ_ASSIGN_OR_RETURN(header.first_record, reader.U64());
  header.time_us = static_cast<int64_t>(time_us);
  if (header.first_record == 0 || header.first_record > header.seq + 1) return reader.Damaged("does not add up");
  return header;
}
}  // namespace

absl::StatusOr<uint64_t> SavePartition(const Store& store, const PartitionCore& partition, const std::string& path) {
  const Pinned pinned(&store);
  YZ_ASSIGN_OR_RETURN(const Head head, HeadOf(store, partition.number, pinned.get()));
  // Whole blocks of requests and the records of the same seqs.
  const uint64_t window = partition.requests.window();
  uint64_t first_record = head.seq > window ? (head.seq - window) / kRequestBlock * kRequestBlock + 1 : 1;
  first_record = std::max(first_record, partition.first.load());
  YZ_ASSIGN_OR_RETURN(auto writer, SnapshotWriter::Create(path));
  writer->Bytes(kSnapshotMagic);
  writer->U32(kSnapshotVersion);
  writer->Text(partition.name);
  writer->U64(head.seq);
  writer->U64(static_cast<uint64_t>(head.time_us));
  writer->U64(first_record);
  StateDigester digester;
  YZ_RETURN_IF_ERROR(StoredState(&store, partition.number, pinned.get())
                         .Scan({}, {}, [&](std::string_view key, std::string_view value) {
                           digester.Add(key, value);
                           writer->U8(kStateEntry);
                           writer->Text(key);
                           writer->Text(value);
                           return true;
                         }));
  for (uint64_t next = first_record; next <= head.seq;) {
    YZ_ASSIGN_OR_RETURN(auto records, ReadRawRecords(store, partition, next, head.seq, 1 << 20));
    if (records.empty())
      return absl::DataLossError(absl::StrCat("partition ", partition.name, ": record ", next, " is missing"));
    for (const auto& record : records) {
      writer->U8(kRecordEntry);
      writer->Text(record.bytes);
    }
    next = records.back().seq + 1;
  }
  const std::string digest = digester.Finish();
  writer->U8(kEnd);
  writer->Bytes(digest);
  YZ_RETURN_IF_ERROR(writer->Finish());

  YZ_RETURN_IF_ERROR(store.Put(Table::kMeta, meta::MarkKey(partition.number),
                               SnapshotMark{head.seq, digest, std::filesystem::absolute(path).string()}.Encode()));
  return head.seq;
}

absl::StatusOr<uint64_t> LoadPartition(const Store& store, const PartitionCore& partition, const std::string& path,
                                       Loading loading) {
  YZ_ASSIGN_OR_RETURN(auto reader, SnapshotReader::Open(path));
  YZ_ASSIGN_OR_RETURN(const Header header, ReadHeader(*reader, partition));
  const bool whole = loading == Loading::kWhole;
  Loader loader(store);
  if (whole) {
    loader.Put(Table::kMeta, meta::LoadingKey(partition.number), {});
    YZ_RETURN_IF_ERROR(loader.Flush(true));
  }
  for (Table table : {Table::kRecords, Table::kState, Table::kRequests}) {
    YZ_RETURN_IF_ERROR(loader.DeleteAll(table, StateKey(partition.number, {}), StateKey(partition.number + 1, {})));
  }

  StateDigester digester;
  RecordKey record_key{partition.number, header.first_record};
  // The fingerprints are this folder's own: they are made from the records.
  YZ_ASSIGN_OR_RETURN(auto secret, store.Get(Table::kMeta, meta::FingerprintKey()));
  const std::array<uint64_t, 2> fingerprint_key =
      secret && secret->size() == 16
          ? std::array<uint64_t, 2>{ReadU64(*secret), ReadU64(std::string_view(*secret).substr(8))}
          : std::array<uint64_t, 2>{};
  Requests requests(partition.requests.window());
  for (;;) {
    YZ_ASSIGN_OR_RETURN(uint8_t tag, reader->U8());
    if (tag == kEnd) break;
    if (tag == kStateEntry) {
      YZ_ASSIGN_OR_RETURN(std::string key, reader->Text());
      YZ_ASSIGN_OR_RETURN(std::string value, reader->Text());
      digester.Add(key, value);
      loader.Put(Table::kState, StateKey(partition.number, key), value);
    } else if (tag == kRecordEntry) {
      YZ_ASSIGN_OR_RETURN(std::string bytes, reader->Text());
      if (whole) {
        YZ_ASSIGN_OR_RETURN(Record record, ParseRecord(partition, record_key.seq, bytes));
        loader.Put(Table::kRecords, record_key.Encode(), bytes);
        requests.Add(record_key.seq, record.request_id().empty()
                                         ? 0
                                         : RequestFingerprint(fingerprint_key, record.actor(), record.request_id()));
        if (record_key.seq % kRequestBlock == 0) {
          loader.Put(Table::kRequests, RequestBlockKey(partition.number, record_key.seq / kRequestBlock - 1),
                     requests.EncodeBlock(record_key.seq));
        }
      }
      ++record_key.seq;
    } else {
      return reader->Damaged("holds an entry of an unknown kind");
    }
    YZ_RETURN_IF_ERROR(loader.FlushIfLarge());
  }
  YZ_ASSIGN_OR_RETURN(std::string digest, reader->Bytes(32));
  if (!reader->AtEnd() || record_key.seq != header.seq + 1) return reader->Damaged("does not add up");
  if (digester.Finish() != digest) return reader->Damaged("holds a state that has not the digest it says");
  if (!whole) {
    YZ_RETURN_IF_ERROR(loader.Flush(false));
    return header.seq;
  }
  loader.Put(Table::kMeta, meta::HeadKey(partition.number), Head{header.seq, header.time_us}.Encode());
  std::string first;
  AppendU64(first, header.first_record);
  loader.Put(Table::kMeta, meta::FirstKey(partition.number), first);
  loader.Put(Table::kMeta, meta::MarkKey(partition.number),
             SnapshotMark{header.seq, digest, std::filesystem::absolute(path).string()}.Encode());
  loader.Delete(Table::kMeta, meta::LoadingKey(partition.number));
  YZ_RETURN_IF_ERROR(loader.Flush(true));
  return header.seq;
}

absl::StatusOr<SnapshotMark> MarkOf(const Store& store, const PartitionCore& partition) {
  YZ_ASSIGN_OR_RETURN(auto stored, store.Get(Table::kMeta, meta::MarkKey(partition.number)));
  if (!stored)
    return absl::NotFoundError(absl::StrCat("no snapshot of partition ", partition.name, " was ever written"));
  return SnapshotMark::Decode(*stored);
}

absl::Status CutPartition(const Store& store, PartitionCore& partition, uint64_t upto) {
  if (upto < partition.first.load()) return absl::OkStatus();
  auto mark = MarkOf(store, partition);
  if (absl::IsNotFound(mark.status())) return absl::FailedPreconditionError(mark.status().message());
  YZ_RETURN_IF_ERROR(mark.status());
  if (mark->seq < upto) {
    return absl::FailedPreconditionError(absl::StrCat("the newest snapshot of partition ", partition.name,
                                                      " is of seq ", mark->seq, "; the log cannot be cut up to ",
                                                      upto));
  }
  if (access(mark->path.c_str(), R_OK) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the snapshot ", mark->path, " is gone; write another before the log is cut"));
  }
  const uint64_t head = partition.head.load();
  if (head < partition.requests.window() || upto > head - partition.requests.window()) {
    return absl::FailedPreconditionError(absl::StrCat("the last ", partition.requests.window(),
                                                      " records of partition ", partition.name,
                                                      " are kept: retries are answered from them"));
  }
  std::string first;
  AppendU64(first, upto + 1);
  // A reader that finds nothing must know why: first the bound, then the records.
  const uint64_t before = partition.first.exchange(upto + 1);
  Loader writes(store);
  writes.Put(Table::kMeta, meta::FirstKey(partition.number), first);
  if (absl::Status status = writes.Flush(true); !status.ok()) {
    partition.first.store(before);
    return status;
  }
  const std::string from = RecordKey{partition.number, 0}.Encode(),
                    end = RecordKey{partition.number, upto + 1}.Encode();
  const rocksdb::Slice from_slice = ToSlice(from), end_slice = ToSlice(end);
  YZ_RETURN_IF_ERROR(FromRocks(rocksdb::DeleteFilesInRange(store.db(), store.table(Table::kRecords), &from_slice,
                                                           &end_slice, /*include_end=*/false),
                               "cutting a log"));
  YZ_RETURN_IF_ERROR(writes.DeleteAll(Table::kRecords, from, end));
  return writes.Flush(false);
}

}  // namespace yizhan::ledger
