#include "cluster/ledger_replica.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/status.h"
#include "base/thread_name.h"
#include "yizhan/cluster/v1/store.pb.h"

namespace yizhan::cluster {
namespace {

class LedgerReplica : public Replica {
 public:
  LedgerReplica(ledger::Ledger* ledger, Loop* loop) : ledger_(ledger), loop_(loop) {
    for (const ledger::PartitionInfo& partition : ledger_->Partitions())
      ids_.emplace(partition.id.ToString(), partition.id);
    for (const auto& [name, id] : ids_) names_.push_back(name);
    syncer_ = std::thread([this] {
      NameThread("cluster-sync");
      RunSyncs();
    });
  }

  ~LedgerReplica() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    syncer_.join();
  }

  const std::vector<std::string>& Partitions() const override { return names_; }

  uint64_t Head(const std::string& partition) const override {
    auto info = ledger_->Info(ids_.at(partition));
    return info.ok() ? info->head : 0;
  }

  void Ingest(std::vector<Run> runs, absl::AnyInvocable<void(absl::Status)> done) override {
    std::vector<ledger::Arrived> batch;
    batch.reserve(runs.size());
    for (Run& run : runs) batch.push_back({ids_.at(run.partition), run.first_seq, std::move(run.records)});
    ledger_->Ingest(std::move(batch), OnLoop(std::move(done)));
  }

  void Own(const std::string& partition, bool owned, absl::AnyInvocable<void(absl::Status)> done) override {
    ledger_->Own(ids_.at(partition), owned, OnLoop(std::move(done)));
  }

  void Sync(absl::AnyInvocable<void(absl::StatusOr<std::map<std::string, uint64_t>>)> done) override {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(done));
    changed_.notify_all();
  }

 private:
  absl::AnyInvocable<void(absl::Status)> OnLoop(absl::AnyInvocable<void(absl::Status)> done) {
    return [loop = loop_, done = std::move(done)](absl::Status status) mutable {
      loop->Post([done = std::move(done), status = std::move(status)]() mutable { done(std::move(status)); });
    };
  }

  // The disk takes its time, and the loop does not wait for it.
  void RunSyncs() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      auto waiting = std::exchange(waiting_, {});
      lock.unlock();
      absl::StatusOr<std::map<std::string, uint64_t>> heads = std::map<std::string, uint64_t>();
      if (auto synced = ledger_->Sync(); synced.ok()) {
        for (const auto& [id, seq] : *synced) heads->emplace(id.ToString(), seq);
      } else {
        heads = synced.status();
      }
      for (auto& done : waiting) {
        loop_->Post([done = std::move(done), heads]() mutable { done(std::move(heads)); });
      }
      lock.lock();
    }
  }

  ledger::Ledger* const ledger_;
  Loop* const loop_;
  std::map<std::string, ledger::PartitionId> ids_;
  std::vector<std::string> names_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<absl::AnyInvocable<void(absl::StatusOr<std::map<std::string, uint64_t>>)>> waiting_;
  bool stopping_ = false;
  std::thread syncer_;
};

// One answer that a thread waits for; given, too, when everybody who could give it has gone.
class Promise {
 public:
  ~Promise() {
    Give({CommitOutcome::Verdict::kUnavailable, absl::UnavailableError("this machine has left the cluster"), {}});
  }
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    bool given = false;
    CommitOutcome outcome;
  };
  explicit Promise(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  void Give(CommitOutcome outcome) {
    std::lock_guard lock(shared_->mutex);
    if (std::exchange(shared_->given, true)) return;
    shared_->outcome = std::move(outcome);
    shared_->changed.notify_all();
  }

 private:
  const std::shared_ptr<Shared> shared_;
};

}  // namespace

std::unique_ptr<Replica> MakeLedgerReplica(ledger::Ledger* ledger, Loop* loop) {
  return std::make_unique<LedgerReplica>(ledger, loop);
}

void LogCommitter::Attach(Commit_ commit) {
  loop_->Post([this, commit = std::move(commit)]() mutable { commit_ = std::move(commit); });
}

void LogCommitter::Detach() {
  loop_->Post([this] { commit_ = nullptr; });
}

CommitOutcome LogCommitter::CommitToLog(std::vector<CommitEntry> entries) {
  auto shared = std::make_shared<Promise::Shared>();
  auto promise = std::make_shared<Promise>(shared);
  loop_->Post([this, entries = std::move(entries), promise = std::move(promise)]() mutable {
    if (!commit_) return;
    commit_(std::move(entries),
            [promise = std::move(promise)](CommitOutcome outcome) { promise->Give(std::move(outcome)); });
  });
  std::unique_lock lock(shared->mutex);
  shared->changed.wait(lock, [&] { return shared->given; });
  return std::move(shared->outcome);
}

ledger::CommitResult LogCommitter::Commit(absl::Span<const ledger::PartitionBatch> batches, ledger::LocalWrite& local) {
  using Verdict = ledger::CommitResult::Verdict;
  std::vector<CommitEntry> entries;
  entries.reserve(batches.size());
  for (const ledger::PartitionBatch& batch : batches) {
    yizhan::cluster::v1::LogEntry entry;
    entry.set_first_seq(batch.first_seq);
    for (std::string_view record : batch.records) entry.add_records(record.data(), record.size());
    entries.push_back({batch.partition.ToString(), batch.first_seq, batch.first_seq + batch.records.size() - 1,
                       entry.SerializeAsString()});
  }
  CommitOutcome outcome = CommitToLog(std::move(entries));
  ledger::CommitResult result;
  result.status = std::move(outcome.status);
  switch (outcome.verdict) {
    case CommitOutcome::Verdict::kOk:
      // It is committed, so the replica may not go on without it; another start gets it from the log.
      if (absl::Status written = local.Write(/*sync=*/false); !written.ok())
        ledger::Die(
            absl::StrCat("what the cluster has committed cannot be written here: ", std::string(written.message())));
      return {};
    case CommitOutcome::Verdict::kFenced:
      result.verdict = Verdict::kFenced;
      for (const std::string& name : outcome.fenced) {
        if (auto id = ledger::PartitionId::Parse(name); id.ok()) result.fenced.push_back(*std::move(id));
      }
      return result;
    case CommitOutcome::Verdict::kUnavailable:
      result.verdict = Verdict::kUnavailable;
      return result;
  }
  return result;
}

}  // namespace yizhan::cluster
