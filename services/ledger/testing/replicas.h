// Replicas of a ledger in one process, for tests: what one commits is handed to the others.
#pragma once

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ledger/commit.h"
#include "ledger/testing/counters.h"

namespace yizhan::ledger::testing {

// Waits for the status of a call that has a done().
template <typename Call>
absl::Status Wait(Call call) {
  std::promise<absl::Status> promise;
  auto answer = promise.get_future();
  call([&](absl::Status status) { promise.set_value(std::move(status)); });
  return answer.get();
}

inline absl::Status Own(Ledger& ledger, const PartitionId& id, bool owned) {
  return Wait([&](auto done) { ledger.Own(id, owned, std::move(done)); });
}

// An empty batch: waits for everything that was ingested before.
inline absl::Status Ingest(Ledger& ledger, std::vector<Arrived> batch = {}) {
  return Wait([&](auto done) { ledger.Ingest(std::move(batch), std::move(done)); });
}

// In place of a cluster's log: takes every batch, and hands it to the followers before its owner writes it.
class Handing : public Committer {
 public:
  CommitResult Commit(absl::Span<const PartitionBatch> batches, LocalWrite& local) override {
    std::vector<Arrived> arrived;
    CommitResult result;
    {
      std::unique_lock lock(mutex_);
      for (const PartitionBatch& batch : batches) {
        if (fenced_.contains(batch.partition)) result.fenced.push_back(batch.partition);
      }
      committing_ = true;
      changed_.notify_all();
      changed_.wait(lock, [&] { return !held_; });
      committing_ = false;
      partitions_.push_back(batches.size());
      bytes_.push_back(0);
      for (const PartitionBatch& batch : batches) {
        arrived.push_back({batch.partition, batch.first_seq, {batch.records.begin(), batch.records.end()}});
        for (std::string_view record : batch.records) bytes_.back() += record.size();
      }
    }
    if (!result.fenced.empty()) {
      result.verdict = CommitResult::Verdict::kFenced;
      return result;
    }
    for (Ledger* follower : followers) follower->Ingest(arrived, [](absl::Status) {});
    result.status = local.Write(/*sync=*/false);
    if (!result.status.ok()) result.verdict = CommitResult::Verdict::kUnavailable;
    return result;
  }
  CommitLimits limits() const override { return limits_; }

  // While nothing is committed.
  std::vector<Ledger*> followers;
  CommitLimits limits_;

  // From the next Commit on.
  void Fence(std::set<PartitionId> fenced) {
    std::lock_guard lock(mutex_);
    fenced_ = std::move(fenced);
  }
  // From here on a Commit does not come back.
  void Hold() {
    std::lock_guard lock(mutex_);
    held_ = true;
  }
  void WaitUntilHeld() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_ && committing_; });
  }
  void LetGo() {
    std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  // Of each batch so far: partitions, and bytes of records.
  std::vector<size_t> partitions() const {
    std::lock_guard lock(mutex_);
    return partitions_;
  }
  std::vector<size_t> bytes() const {
    std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  bool committing_ = false;
  std::set<PartitionId> fenced_;
  std::vector<size_t> partitions_, bytes_;
};

// One machine: {"im", 4} and a keyring, all followed at first.
struct Node {
  Node() {
    options.replicated = true;
    options.committer = &committer;
    options.hooks.idempotence_window = 1'024;
  }
  ~Node() { ledger.reset(); }

  // Opened and not started.
  absl::Status Open() {
    ledger.reset();
    auto opened = Ledger::Open(options);
    if (!opened.ok()) return opened.status();
    ledger = *std::move(opened);
    ledger->Register(&machine);
    return absl::OkStatus();
  }
  absl::Status Start() {
    absl::Status opened = Open();
    return opened.ok() ? ledger->Start() : opened;
  }

  TempDir dir;
  Counters machine;
  Handing committer;
  Options options = OptionsFor(dir);
  std::unique_ptr<Ledger> ledger;
};

}  // namespace yizhan::ledger::testing
