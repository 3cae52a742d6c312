// What the parts of the ledger share about services and partitions.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "ledger/ledger.h"
#include "ledger/overlay.h"
#include "ledger/requests.h"
#include "ledger/store.h"

struct evp_md_ctx_st;

// The ledger locks with std::mutex and not with absl::Mutex: Debian's Abseil is not instrumented, and ThreadSanitizer,
// which this folder is tested with, cannot see what its Mutex orders.

namespace yizhan::ledger {

struct ServiceCore {
  std::string name;
  uint32_t first_number = 0;
  uint32_t count = 0;
  StateMachine* machine = nullptr;
  std::vector<Ledger::Listener> listeners;
};

struct PartitionCore {
  PartitionCore(PartitionId partition, uint32_t n, ServiceCore* s, uint64_t window, Arena* arena)
      : id(std::move(partition)), name(id.ToString()), number(n), service(s), requests(window), overlay(arena) {}

  const PartitionId id;
  const std::string name;
  const uint32_t number;
  ServiceCore* const service;

  // Any thread. What is committed.
  std::atomic<uint64_t> head{0};
  std::atomic<int64_t> head_time_us{0};
  std::atomic<uint64_t> first{1};
  // Whether commands are decided here; changed on the writer alone once it runs.
  std::atomic<bool> owned{true};
  absl::Status status() const {
    if (!stopped_.load(std::memory_order_acquire)) return absl::OkStatus();
    std::lock_guard lock(mutex_);
    return status_;
  }
  void SetStatus(absl::Status status) {
    std::lock_guard lock(mutex_);
    status_ = std::move(status);
    stopped_.store(!status_.ok(), std::memory_order_release);
  }

  // The writer's. What is committed or on the way.
  uint64_t last_seq = 0;
  int64_t last_time_us = 0;
  Requests requests;
  Overlay overlay;
  // Of the batch that is being decided.
  std::vector<Record> records;
  std::vector<std::string_view> raw;
  bool touched = false;

 private:
  mutable std::mutex mutex_;
  absl::Status status_;
  std::atomic<bool> stopped_{false};
};

// Every partition of an opened folder, in the order of their numbers.
struct Folder {
  std::unique_ptr<Store> store;
  std::array<uint64_t, 2> fingerprint_key{};
  std::vector<std::unique_ptr<ServiceCore>> services;
  std::vector<std::unique_ptr<PartitionCore>> partitions;
  std::unique_ptr<Arena> arena = std::make_unique<Arena>();

  // Null when unknown.
  ServiceCore* FindService(std::string_view name) const;
  PartitionCore* Find(const PartitionId& id) const;
};

// Opens DIR/ledger, makes or checks its partition table, and recovers every partition: its head, its tail's records,
// its request memory. An empty `wanted` takes the folder's own table.
absl::StatusOr<std::unique_ptr<Folder>> OpenFolder(const std::string& data_dir, Store::Mode mode,
                                                   std::vector<std::pair<std::string, uint32_t>> wanted,
                                                   const Hooks& hooks);

// Reads a partition's head, first seq and request memory, and checks that its tail is whole.
absl::Status RecoverPartition(const Folder& folder, PartitionCore& partition);

// The records [from_seq, up to `head`] as stored, contiguous (a gap is DataLoss), at least one if there is one, at most
// max_bytes.
absl::StatusOr<std::vector<Ledger::RawRecord>> ReadRawRecords(const Store& store, const PartitionCore& partition,
                                                              uint64_t from_seq, uint64_t head, size_t max_bytes);

// A stored record, checked against its key. DataLoss when it is not that record.
absl::StatusOr<Record> ParseRecord(const PartitionCore& partition, uint64_t seq, std::string_view bytes);

// Holds a RocksDB snapshot.
class Pinned {
 public:
  explicit Pinned(const Store* store);
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  ~Pinned();
  const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  const Store* const store_;
  const rocksdb::Snapshot* const snapshot_;
};

// The head as of a snapshot of the store.
absl::StatusOr<Head> HeadOf(const Store& store, uint32_t partition, const rocksdb::Snapshot* snapshot);

// SHA-256 over state in key order, as Ledger::StateDigest describes.
class StateDigester {
 public:
  StateDigester();
  void Add(std::string_view key, std::string_view value);
  std::string Finish();  // 32 bytes

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
  std::string lengths_;
};

// Of a whole partition, 32 bytes.
absl::StatusOr<std::string> DigestState(const Store& store, uint32_t partition, const rocksdb::Snapshot* snapshot);

}  // namespace yizhan::ledger
