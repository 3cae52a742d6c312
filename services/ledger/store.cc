#include "ledger/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/logging.h"
#include "base/status.h"
#include "ledger/fault_file_system.h"
#include "ledger/log_scan.h"
#include "ledger/padded_logs.h"
#include "ledger/rocks.h"
#include "ledger/smooth_writes.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/sst_file_reader.h"
#include "rocksdb/table.h"

namespace yizhan::ledger {
namespace {

rocksdb::ColumnFamilyOptions OptionsOf(Tuning tuning, const std::shared_ptr<rocksdb::Cache>& cache,
                                       const Hooks& hooks) {
  rocksdb::ColumnFamilyOptions options;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.format_version = 5;
  options.compression = rocksdb::kNoCompression;
  options.level_compaction_dynamic_level_bytes = true;
  switch (tuning) {
    case Tuning::kSmall:
      options.write_buffer_size = 4 << 20;
      break;
    case Tuning::kLog:
      options.write_buffer_size = 32 << 20;
      // Appends to one partition go to one place of the skip list: remember it instead of searching for it.
      options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(4));
      options.bottommost_compression = rocksdb::kZSTD;
      table.block_size = 16 << 10;
      break;
    case Tuning::kPointReads:
      options.write_buffer_size = 32 << 20;
      // A batch's keys of one partition come in order.
      options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(4));
      options.memtable_whole_key_filtering = true;
      options.memtable_prefix_bloom_size_ratio = 0.05;
      table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
      table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
      options.bottommost_compression = rocksdb::kZSTD;
      break;
  }
  if (hooks.write_buffer_bytes != 0) {
    options.write_buffer_size = hooks.write_buffer_bytes;
    options.target_file_size_base = hooks.write_buffer_bytes;
  }
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::DBOptions DatabaseOptions() {
  rocksdb::DBOptions options;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  options.track_and_verify_wals_in_manifest = true;
  // Replays up to the first damage. Whether that is the end that was being written is found out by ourselves, before
  // (CheckEnds).
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // Bounds what a start has to read again.
  options.max_total_wal_size = 96 << 20;
  // There is one writer: nothing to arrange between several.
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  options.max_background_jobs = 2;
  SmoothWrites(options);
  options.max_open_files = 512;
  options.keep_log_file_num = 4;
  options.max_log_file_size = 4 << 20;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.stats_dump_period_sec = 0;
  options.max_manifest_file_size = 16 << 20;
  return options;
}

// SYNCED: u64 sequence number, u32 CRC-32C of these 8 bytes, big-endian.
std::string EncodeSynced(uint64_t sequence) {
  std::string bytes;
  AppendU64(bytes, sequence);
  AppendU32(bytes, Crc32c(0, bytes));
  return bytes;
}

// 0 when there is no such file, or none that can be believed: then less is known, and nothing is wrong.
uint64_t ReadSynced(const std::string& path) {
  std::ifstream in(path + "/SYNCED", std::ios::binary);
  std::string bytes(12, '\0');
  if (!in.read(bytes.data(), 12) ||
      ReadU32(std::string_view(bytes).substr(8)) != Crc32c(0, std::string_view(bytes).substr(0, 8)))
    return 0;
  return ReadU64(bytes);
}

std::string Where(const std::optional<LogDamage>& damage) {
  return damage ? absl::StrCat("; ", damage->path, " is damaged at byte ", damage->offset) : "";
}

// RocksDB does not always say which table file it stumbled over: looks for one that does not open or does not fit its
// checksums.
std::string DamagedTable(const std::string& path) {
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(path, error)) {
    if (file.path().extension() != ".sst") continue;
    rocksdb::SstFileReader reader{rocksdb::Options()};
    rocksdb::Status status = reader.Open(file.path().string());
    if (status.ok()) status = reader.VerifyChecksum();
    if (!status.ok()) return absl::StrCat("; ", file.path().string(), " is damaged");
  }
  return "";
}

// What opening ended with, with the damaged file's name where one can be found.
absl::Status OpenFailed(const std::string& path, const rocksdb::Status& status,
                        const std::optional<LogDamage>& damage) {
  // A file that one of the others names and that is not there is damage too.
  if (!damage && !status.IsCorruption() && !status.IsPathNotFound())
    return FromRocks(status, absl::StrCat("opening the ledger in ", path));
  return Refuse(absl::StatusCode::kDataLoss, "DAMAGED_STORE",
                absl::StrCat("opening the ledger in ", path, ": ", status.ToString(),
                             damage ? Where(damage) : DamagedTable(path), ". Restore a backup, or the damaged file"));
}

absl::Status Missing(const std::string& path, uint64_t got, uint64_t synced, const std::optional<LogDamage>& damage) {
  return Refuse(absl::StatusCode::kDataLoss, "DAMAGED_STORE",
                absl::StrCat("the ledger in ", path, " has lost what was committed: it can be read up to write ", got,
                             ", and ", synced, " were on the disk", Where(damage),
                             ". Nothing was changed. Restore a backup, or the damaged file"));
}

absl::Status CheckTables(const std::string& path, const rocksdb::DBOptions& options,
                         const std::optional<LogDamage>& damage) {
  std::vector<std::string> names;
  rocksdb::Status status = rocksdb::DB::ListColumnFamilies(options, path, &names);
  if (!status.ok()) return OpenFailed(path, status, damage);
  for (const std::string& name : names) {
    bool known = name == rocksdb::kDefaultColumnFamilyName;
    for (const TableSpec& spec : kTables) known |= name == spec.name;
    if (!known) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "NEWER_FORMAT",
                    absl::StrCat("the ledger in ", path, " holds a table '", name,
                                 "' that this version does not know: a newer Yizhan made it. Start that version, or "
                                 "restore a backup of this one"));
    }
  }
  return absl::OkStatus();
}

absl::Status Held(const std::string& path) {
  return Refuse(absl::StatusCode::kFailedPrecondition, "FOLDER_IN_USE",
                absl::StrCat("another process uses this folder: ", path, ". Stop it, or choose another data folder"));
}
}  // namespace

void Die(absl::string_view reason) {
  fprintf(stderr, "yizhan: fatal: %.*s; stopping, start again once the disk is well\n", static_cast<int>(reason.size()),
          reason.data());
  fflush(stderr);
  _exit(kDiedExitCode);
}

absl::Status FromRocks(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat(std::string(doing), ": ", status.ToString());
  if (status.IsNoSpace()) return RefuseForNow(absl::StatusCode::kResourceExhausted, "DISK_FULL", message, 1'000);
  if (status.IsCorruption()) return Refuse(absl::StatusCode::kDataLoss, "DAMAGED_STORE", message);
  if (status.IsNotFound()) return absl::NotFoundError(message);
  if (status.IsIOError()) return Refuse(absl::StatusCode::kUnavailable, "IO_ERROR", message);
  return absl::InternalError(message);
}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& path, Mode mode, const Hooks& hooks) {
  std::unique_ptr<Store> store(new Store);
  store->path_ = path;
  const bool exists = std::filesystem::exists(path + "/CURRENT");
  if (mode == Mode::kReadOnly && !exists) return absl::NotFoundError(absl::StrCat("there is no ledger in ", path));
  rocksdb::DBOptions options = DatabaseOptions();
  auto files = rocksdb::FileSystem::Default();
  if (hooks.fault) files = FailOnDemand(std::move(files), hooks.fault);
  store->env_ = rocksdb::NewCompositeEnv(PadLogs(std::move(files)));
  options.env = store->env_.get();
  uint64_t synced = 0;
  std::optional<LogDamage> damage;
  if (!exists) {
    YZ_RETURN_IF_ERROR(MakePrivateFolder(path));
    options.create_if_missing = true;
  } else {
    if (access((path + "/LOCK").c_str(), R_OK | W_OK) != 0 && errno != ENOENT) {
      return absl::FailedPreconditionError(absl::StrCat("the folder ", path, " cannot be written by this user"));
    }
    if (!options.env->LockFile(path + "/LOCK", &store->lock_).ok()) return Held(path);
    synced = ReadSynced(path);
    YZ_ASSIGN_OR_RETURN(damage, ScanLogs(path));
    YZ_RETURN_IF_ERROR(CheckTables(path, options, damage));
  }
  auto cache = rocksdb::NewLRUCache(64 << 20);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const TableSpec& spec : kTables) families.emplace_back(spec.name, OptionsOf(spec.tuning, cache, hooks));
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, OptionsOf(Tuning::kSmall, cache, hooks));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  auto open = [&](bool read_only) -> absl::Status {
    rocksdb::Status status = read_only ? rocksdb::DB::OpenForReadOnly(options, path, families, &handles, &store->db_)
                                       : rocksdb::DB::Open(options, path, families, &handles, &store->db_);
    if (status.IsIOError() && absl::StrContains(status.ToString(), "/LOCK")) return Held(path);
    if (!status.ok()) return OpenFailed(path, status, damage);
    for (const TableSpec& spec : kTables)
      store->tables_[static_cast<size_t>(spec.id)] = handles[static_cast<size_t>(spec.id)];
    store->default_ = handles.back();
    if (const uint64_t got = store->db_->GetLatestSequenceNumber(); got < synced)
      return Missing(path, got, synced, damage);
    return absl::OkStatus();
  };
  // A log that does not end well is first read without touching it: opening for writing drops what stands behind the
  // damage.
  if (mode == Mode::kReadWrite && damage) {
    YZ_RETURN_IF_ERROR(open(/*read_only=*/true));
    store->CloseDatabase();
    log::Warning("ledger",
                 "the end of a log was being written when the process died; what was not committed is dropped")
        .With("file", damage->path)
        .With("byte", damage->offset);
  }
  // RocksDB locks by itself when it opens for writing.
  if (mode == Mode::kReadWrite) store->Unlock();
  YZ_RETURN_IF_ERROR(open(mode == Mode::kReadOnly));
  if (mode == Mode::kReadWrite) {
    store->synced_fd_ = ::open((path + "/SYNCED").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (store->synced_fd_ < 0)
      return absl::FailedPreconditionError(absl::StrCat("cannot write ", path, "/SYNCED: ", strerror(errno)));
  }
  return store;
}

void Store::CloseDatabase() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* handle : tables_) db_->DestroyColumnFamilyHandle(handle);
  db_->DestroyColumnFamilyHandle(default_);
  db_->Close();
  delete db_;
  db_ = nullptr;
}

bool Store::Resumable() const {
  for (rocksdb::ColumnFamilyHandle* handle : tables_) {
    uint64_t entries = 0;
    if (db_->GetIntProperty(handle, rocksdb::DB::Properties::kNumEntriesActiveMemTable, &entries) && entries > 0)
      return true;
  }
  return false;
}

absl::Status Store::Resume() {
  rocksdb::Status status = db_->Resume();
  // It tries by itself, too.
  if (status.IsBusy())
    return RefuseForNow(absl::StatusCode::kResourceExhausted, "DISK_FULL",
                        "the disk was full; the ledger is being resumed", 1'000);
  YZ_RETURN_IF_ERROR(FromRocks(status, "resuming after a full disk"));
  YZ_RETURN_IF_ERROR(TouchMemory());
  sync_failed_ = false;
  return absl::OkStatus();
}

absl::Status Store::TouchMemory() {
  absl::Status status = Put(Table::kMeta, meta::TouchedKey(), {});
  if (!status.ok() && !Resumable()) Die(status.message());
  return status;
}

void Store::MarkSynced(uint64_t sequence) {
  std::lock_guard lock(mark_mutex_);
  if (sequence <= marked_) return;
  marked_ = sequence;
  const std::string bytes = EncodeSynced(sequence);
  // A mark that cannot be written is an old mark: it says less.
  (void)!pwrite(synced_fd_, bytes.data(), bytes.size(), 0);
}

absl::Status Store::Sync() {
  std::lock_guard lock(sync_mutex_);
  // After a failed sync the log may have a hole, and syncing it again would not tell. What it held is in memory still,
  // and resuming writes that into tables.
  if (sync_failed_) {
    return RefuseForNow(absl::StatusCode::kResourceExhausted, "DISK_FULL",
                        "the disk was full; the ledger is to be resumed", 1'000);
  }
  const uint64_t sequence = db_->GetLatestSequenceNumber();
  rocksdb::Status status = db_->SyncWAL();
  if (status.ok()) {
    MarkSynced(sequence);
    return absl::OkStatus();
  }
  absl::Status refused = FromRocks(status, "syncing");
  if (status.IsIOError() && !(status.IsNoSpace() && Resumable())) Die(refused.message());
  sync_failed_ = true;
  return refused;
}

Store::~Store() {
  CloseDatabase();
  if (synced_fd_ >= 0) close(synced_fd_);
  Unlock();
}

void Store::Unlock() {
  if (lock_ != nullptr) env_->UnlockFile(lock_);
  lock_ = nullptr;
}

absl::StatusOr<std::optional<std::string>> Store::Get(Table table, std::string_view key,
                                                      const rocksdb::Snapshot* snapshot) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  rocksdb::PinnableSlice value;
  rocksdb::Status status = db_->Get(options, this->table(table), ToSlice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return FromRocks(status, "reading the ledger");
  return std::string(value.data(), value.size());
}

absl::Status Store::Put(Table table, std::string_view key, std::string_view value) const {
  rocksdb::WriteOptions options;
  options.sync = true;
  return FromRocks(db_->Put(options, this->table(table), ToSlice(key), ToSlice(value)), "writing the ledger");
}

absl::Status Store::Scan(Table table, std::string_view from, std::string_view end, const rocksdb::Snapshot* snapshot,
                         absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  const rocksdb::Slice upper = ToSlice(end);
  if (!end.empty()) options.iterate_upper_bound = &upper;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, this->table(table)));
  for (it->Seek(ToSlice(from)); it->Valid(); it->Next()) {
    if (!visit(ToView(it->key()), ToView(it->value()))) break;
  }
  return FromRocks(it->status(), "reading the ledger");
}

absl::Status Store::VerifyChecksums() const {
  return FromRocks(db_->VerifyChecksum(), absl::StrCat("verifying ", path_));
}

}  // namespace yizhan::ledger
