// Opening a data folder: the partition table, and each partition's recovery.
#include <openssl/rand.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ledger/core.h"
#include "ledger/rocks.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace yizhan::ledger {
namespace {
constexpr uint64_t kDefaultWindow = 65'536;

absl::Status CheckWanted(const std::vector<std::pair<std::string, uint32_t>>& wanted) {
  std::map<std::string, uint32_t> seen;
  for (const auto& [service, count] : wanted) {
    if (!PartitionId::Parse(service + "/0").ok() || count == 0 || count > 4'096 ||
        !seen.emplace(service, count).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("partitions of '", service, "': ", count,
                       "; a service is named once, [a-z]{1,16}, and has 1 to 4096 partitions"));
    }
  }
  return absl::OkStatus();
}

// Reads the folder's table, ordered by number, and adds what is wanted and new.
absl::Status LoadTable(Folder& folder, const std::string& data_dir, Store::Mode mode,
                       std::vector<std::pair<std::string, uint32_t>> wanted) {
  const Store& store = *folder.store;
  rocksdb::WriteBatch changes;
  auto* meta_table = store.table(Table::kMeta);
  YZ_ASSIGN_OR_RETURN(auto format, store.Get(Table::kMeta, meta::FormatKey()));
  if (!format) {
    if (mode == Store::Mode::kReadOnly)
      return absl::NotFoundError(
          absl::StrCat("the ledger in ", data_dir, " was never finished; there is nothing in it"));
    std::string version, key(16, '\0');
    AppendU32(version, kFormatVersion);
    if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), 16) != 1)
      return absl::InternalError("no random bytes");
    changes.Put(meta_table, meta::FormatKey(), version);
    changes.Put(meta_table, meta::FingerprintKey(), key);
    folder.fingerprint_key = {ReadU64(key), ReadU64(std::string_view(key).substr(8))};
  } else {
    if (format->size() != 4)
      return Refuse(absl::StatusCode::kDataLoss, "DAMAGED_STORE", "the ledger's format version is not a number");
    if (const uint32_t version = ReadU32(*format); version > kFormatVersion) {
      return Refuse(
          absl::StatusCode::kFailedPrecondition, "NEWER_FORMAT",
          absl::StrCat("the ledger in ", data_dir, " has format ", version, ", this version knows formats up to ",
                       kFormatVersion, ". Start the version that made it, or restore a backup of this one"));
    }
    YZ_ASSIGN_OR_RETURN(auto key, store.Get(Table::kMeta, meta::FingerprintKey()));
    if (!key || key->size() != 16)
      return Refuse(absl::StatusCode::kDataLoss, "DAMAGED_STORE", "the ledger has no fingerprint key");
    folder.fingerprint_key = {ReadU64(*key), ReadU64(std::string_view(*key).substr(8))};
  }

  absl::Status damaged;
  const std::string prefix = meta::ServiceKey("");
  YZ_RETURN_IF_ERROR(
      store.Scan(Table::kMeta, prefix, PrefixEnd(prefix), nullptr, [&](std::string_view key, std::string_view value) {
        if (value.size() != 8) {
          damaged = Refuse(absl::StatusCode::kDataLoss, "DAMAGED_STORE",
                           "an entry of the ledger's partition table has not 8 bytes");
          return false;
        }
        auto service = std::make_unique<ServiceCore>();
        service->name = key.substr(1);
        service->first_number = ReadU32(value);
        service->count = ReadU32(value.substr(4));
        folder.services.push_back(std::move(service));
        return true;
      }));
  YZ_RETURN_IF_ERROR(damaged);
  std::sort(folder.services.begin(), folder.services.end(),
            [](auto& a, auto& b) { return a->first_number < b->first_number; });
  uint32_t next = 0;
  for (auto& service : folder.services) {
    if (service->first_number != next || service->count == 0 || service->count > 4'096) {
      return Refuse(absl::StatusCode::kDataLoss, "DAMAGED_STORE", "the ledger's partition table does not add up");
    }
    next += service->count;
  }

  if (mode == Store::Mode::kReadWrite) {
    if (std::none_of(wanted.begin(), wanted.end(), [](auto& w) { return w.first == "keyring"; }))
      wanted.emplace_back("keyring", 1);
  }
  for (const auto& [name, count] : wanted) {
    if (ServiceCore* known = folder.FindService(name)) {
      if (known->count != count) {
        return Refuse(
            absl::StatusCode::kFailedPrecondition, "PARTITIONS_DIFFER",
            absl::StrCat("the ledger in ", data_dir, " was made with ", known->count, " partitions of '", name,
                         "' and cannot become one with ", count, "; set the configuration back to ", known->count));
      }
      continue;
    }
    auto service = std::make_unique<ServiceCore>();
    service->name = name;
    service->first_number = next;
    service->count = count;
    next += count;
    std::string value;
    AppendU32(value, service->first_number);
    AppendU32(value, service->count);
    changes.Put(meta_table, meta::ServiceKey(name), value);
    folder.services.push_back(std::move(service));
  }
  if (changes.Count() == 0) return absl::OkStatus();
  rocksdb::WriteOptions options;
  options.sync = true;
  return FromRocks(store.db()->Write(options, &changes), absl::StrCat("making the ledger in ", data_dir));
}

absl::Status Damaged(const PartitionCore& partition, std::string_view what) {
  return Refuse(absl::StatusCode::kDataLoss, "DAMAGED_STORE",
                absl::StrCat("partition ", partition.name, ": ", std::string(what),
                             ". Restore it from a backup or another replica"));
}

}  // namespace

absl::Status RecoverPartition(const Folder& folder, PartitionCore& partition) {
  const Store& store = *folder.store;
  YZ_ASSIGN_OR_RETURN(auto loading, store.Get(Table::kMeta, meta::LoadingKey(partition.number)));
  if (loading)
    return absl::OkStatus();  // a snapshot that was not loaded to its end: empty, and LoadSnapshot starts over
  YZ_ASSIGN_OR_RETURN(auto first, store.Get(Table::kMeta, meta::FirstKey(partition.number)));
  if (first) {
    if (first->size() != 8) return Damaged(partition, "its first seq is not a number");
    partition.first = ReadU64(*first);
  }
  YZ_ASSIGN_OR_RETURN(const Head head, HeadOf(store, partition.number, nullptr));
  partition.head = partition.last_seq = head.seq;
  partition.head_time_us = partition.last_time_us = head.time_us;

  // Nothing may stand behind the head: records, state and head are written together.
  bool beyond = false;
  YZ_RETURN_IF_ERROR(store.Scan(Table::kRecords, RecordKey{partition.number, head.seq + 1}.Encode(),
                                StateKey(partition.number + 1, {}), nullptr,
                                [&](std::string_view, std::string_view) { return !(beyond = true); }));
  if (beyond) return Damaged(partition, absl::StrCat("there are records behind its head ", head.seq));
  if (head.seq == 0) return absl::OkStatus();

  // Full blocks of fingerprints, then the records of the last, unfinished block (at least one record, whatever
  // happens).
  const uint64_t kept = partition.first;
  uint64_t block = head.seq / kRequestBlock;
  if (block * kRequestBlock == head.seq) --block;
  const uint64_t blocks = partition.requests.window() / kRequestBlock + 1;
  for (uint64_t b = block > blocks ? block - blocks : 0; b < block; ++b) {
    YZ_ASSIGN_OR_RETURN(auto bytes, store.Get(Table::kRequests, RequestBlockKey(partition.number, b)));
    if (!bytes) {
      if ((b + 1) * kRequestBlock < kept) continue;  // cut away with its records
      return Damaged(partition, absl::StrCat("block ", b, " of its requests is missing"));
    }
    YZ_RETURN_IF_ERROR(Annotate(partition.requests.AddBlock(b, *bytes), partition.name));
  }
  uint64_t next = std::max(block * kRequestBlock + 1, kept);
  int64_t time_us = 0;
  while (next <= head.seq) {
    YZ_ASSIGN_OR_RETURN(auto raw, ReadRawRecords(store, partition, next, head.seq, 4 << 20));
    if (raw.empty()) return Damaged(partition, absl::StrCat("its record ", next, " is missing"));
    for (const auto& one : raw) {
      YZ_ASSIGN_OR_RETURN(Record record, ParseRecord(partition, one.seq, one.bytes));
      if (record.time_us() < time_us)
        return Damaged(partition, absl::StrCat("the time of its record ", one.seq, " goes backwards"));
      time_us = record.time_us();
      partition.requests.Add(one.seq,
                             record.request_id().empty()
                                 ? 0
                                 : RequestFingerprint(folder.fingerprint_key, record.actor(), record.request_id()));
    }
    next = raw.back().seq + 1;
  }
  if (time_us != head.time_us)
    return Damaged(partition, absl::StrCat("its head ", head.seq, " and its last record disagree about the time"));
  return absl::OkStatus();
}

Pinned::Pinned(const Store* store) : store_(store), snapshot_(store->db()->GetSnapshot()) {}
Pinned::~Pinned() { store_->db()->ReleaseSnapshot(snapshot_); }

ServiceCore* Folder::FindService(std::string_view name) const {
  for (const auto& service : services) {
    if (service->name == name) return service.get();
  }
  return nullptr;
}

PartitionCore* Folder::Find(const PartitionId& id) const {
  const ServiceCore* service = FindService(id.service);
  if (service == nullptr || id.index >= service->count) return nullptr;
  return partitions[service->first_number + id.index].get();
}

absl::StatusOr<std::unique_ptr<Folder>> OpenFolder(const std::string& data_dir, Store::Mode mode,
                                                   std::vector<std::pair<std::string, uint32_t>> wanted,
                                                   const Hooks& hooks) {
  YZ_RETURN_IF_ERROR(CheckWanted(wanted));
  auto folder = std::make_unique<Folder>();
  YZ_ASSIGN_OR_RETURN(folder->store, Store::Open(data_dir + "/ledger", mode, hooks));
  YZ_RETURN_IF_ERROR(LoadTable(*folder, data_dir, mode, std::move(wanted)));
  if (mode == Store::Mode::kReadWrite) YZ_RETURN_IF_ERROR(folder->store->Put(Table::kMeta, meta::TouchedKey(), {}));
  const uint64_t window = hooks.idempotence_window != 0 ? hooks.idempotence_window : kDefaultWindow;
  for (const auto& service : folder->services) {
    for (uint32_t i = 0; i < service->count; ++i) {
      folder->partitions.push_back(std::make_unique<PartitionCore>(
          PartitionId{service->name, i}, service->first_number + i, service.get(), window, folder->arena.get()));
      YZ_RETURN_IF_ERROR(RecoverPartition(*folder, *folder->partitions.back()));
    }
  }
  return folder;
}

absl::StatusOr<std::vector<Ledger::RawRecord>> ReadRawRecords(const Store& store, const PartitionCore& partition,
                                                              uint64_t from_seq, uint64_t head, size_t max_bytes) {
  std::vector<Ledger::RawRecord> out;
  if (from_seq == 0) return absl::InvalidArgumentError("records are counted from 1");
  if (const uint64_t first = partition.first.load(); from_seq < first) {
    return absl::OutOfRangeError(absl::StrCat("partition ", partition.name, " keeps records from seq ", first, " on; ",
                                              from_seq, " was cut behind a snapshot"));
  }
  if (from_seq > head) return out;
  size_t bytes = 0;
  uint64_t next = from_seq;
  YZ_RETURN_IF_ERROR(store.Scan(Table::kRecords, RecordKey{partition.number, from_seq}.Encode(),
                                RecordKey{partition.number, head + 1}.Encode(), nullptr,
                                [&](std::string_view key, std::string_view value) {
                                  if (key.size() != 12 || ReadU64(key.substr(4)) != next) return false;
                                  bytes += value.size();
                                  if (!out.empty() && bytes > max_bytes) {
                                    next = 0;  // enough
                                    return false;
                                  }
                                  out.push_back({next++, std::string(value)});
                                  return true;
                                }));
  if (next != 0 && next <= head && partition.first.load() > from_seq) {
    return absl::OutOfRangeError(
        absl::StrCat("the log of partition ", partition.name, " was cut while it was being read"));
  }
  if (next != 0 && next <= head) return Damaged(partition, absl::StrCat("its record ", next, " is missing"));
  return out;
}

absl::StatusOr<Record> ParseRecord(const PartitionCore& partition, uint64_t seq, std::string_view bytes) {
  Record record;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || record.seq() != seq ||
      record.partition() != partition.name) {
    return Damaged(partition, absl::StrCat("what stands under seq ", seq, " is not that record"));
  }
  return record;
}

}  // namespace yizhan::ledger
