// The ledger's RocksDB: opening it, its tables, its errors as statuses. Only .cc files of this folder include rocksdb
// itself.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ledger/hooks.h"
#include "ledger/state.h"
#include "ledger/tables.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class FileLock;
class Snapshot;
class Status;
class WriteBatch;
}  // namespace rocksdb

namespace yizhan::ledger {

class Store {
 public:
  enum class Mode {
    kReadWrite,  // creates what is missing
    kReadOnly,   // refuses a folder that is not there; changes nothing in it but the padding of logs
  };
  // Looks through the logs before anything is replayed: an end that was being written is dropped, anything else that is
  // missing is refused. FailedPrecondition: another process holds it; a newer program made it (says what to do);
  // NotFound: nothing there to read. DataLoss: damaged; names the file where RocksDB does.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& path, Mode mode, const Hooks& hooks = {});
  ~Store();

  rocksdb::DB* db() const { return db_; }
  rocksdb::ColumnFamilyHandle* table(Table table) const { return tables_[static_cast<size_t>(table)]; }
  const std::string& path() const { return path_; }

  absl::StatusOr<std::optional<std::string>> Get(Table table, std::string_view key,
                                                 const rocksdb::Snapshot* snapshot = nullptr) const;
  // One synced write.
  absl::Status Put(Table table, std::string_view key, std::string_view value) const;
  // Keys in [from, end) in order, until `visit` returns false. An empty `end` is the table's.
  absl::Status Scan(Table table, std::string_view from, std::string_view end, const rocksdb::Snapshot* snapshot,
                    absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const;
  // After a write that found the disk full RocksDB takes nothing more until it has been resumed; and it can only be
  // resumed onto a fresh log while some memory table holds something (7.8 keeps the broken log otherwise, and trips
  // over it). So one always does: whether it can be resumed at all,
  bool Resumable() const;
  // resuming; ok when writes are taken again,
  absl::Status Resume();
  // and the write that keeps it so, after opening and resuming.
  absl::Status TouchMemory();
  // Remembers, in the file SYNCED beside RocksDB's, that everything up to this RocksDB sequence number is on the disk.
  // Not synced itself: it may fall behind in a power cut, never be ahead. With it a start tells an end that was being
  // written from one that has been lost. Any thread.
  void MarkSynced(uint64_t sequence);
  // Brings every write that has returned onto the disk, and marks it. Any thread; may wait for another's. DISK_FULL:
  // not all of it, and so until it has been resumed. A disk that fails otherwise ends the process.
  absl::Status Sync();
  bool sync_failed() const { return sync_failed_; }
  // Reads and checks every block of every table file against its checksum.
  absl::Status VerifyChecksums() const;

 private:
  Store() = default;
  void CloseDatabase();
  void Unlock();

  std::string path_;
  std::unique_ptr<rocksdb::Env> env_;
  rocksdb::FileLock* lock_ = nullptr;  // while the logs are looked through; as long as this is open for reading
  rocksdb::DB* db_ = nullptr;
  std::array<rocksdb::ColumnFamilyHandle*, kTables.size()> tables_{};
  rocksdb::ColumnFamilyHandle* default_ = nullptr;
  int synced_fd_ = -1;
  std::mutex mark_mutex_;
  uint64_t marked_ = 0;
  std::mutex sync_mutex_;
  std::atomic<bool> sync_failed_{false};
};

// RocksDB's status as ours: no space → ResourceExhausted DISK_FULL, corruption → DataLoss DAMAGED_STORE, other I/O →
// Unavailable IO_ERROR.
absl::Status FromRocks(const rocksdb::Status& status, std::string_view doing);

// One partition's state as it is in the store: of a snapshot, or as of each call.
class StoredState : public StateReader {
 public:
  StoredState(const Store* store, uint32_t partition, const rocksdb::Snapshot* snapshot)
      : store_(store), partition_(partition), snapshot_(snapshot) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override;
  absl::Status Scan(std::string_view prefix, std::string_view from,
                    absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const override;
  absl::Status ScanBack(std::string_view prefix, std::string_view below,
                        absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const override;

  const Store* store() const { return store_; }
  uint32_t partition() const { return partition_; }

 private:
  const Store* store_;
  uint32_t partition_;
  const rocksdb::Snapshot* snapshot_;
};

}  // namespace yizhan::ledger
