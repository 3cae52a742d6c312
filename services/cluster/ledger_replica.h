// The cluster's two ends at the ledger: this machine's replica, and the commit that the ledger's writer waits for.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cluster/commit_log.h"
#include "cluster/loop.h"
#include "cluster/replica.h"
#include "ledger/commit.h"
#include "ledger/ledger.h"

namespace yizhan::cluster {

// Both outlive it. The ledger is one with Options::replicated, started before anything is asked for.
std::unique_ptr<Replica> MakeLedgerReplica(ledger::Ledger* ledger, Loop* loop);

// Made before the ledger, which is given it (Options::committer), and before the node, which it is given (Attach).
class LogCommitter : public ledger::Committer {
 public:
  // What one transaction of etcd takes by default: 128 operations, two for each partition; 1.5 MiB.
  static constexpr ledger::CommitLimits kLimits = {60, 1 << 20};

  using Commit_ = std::function<void(std::vector<CommitEntry>, CommitLog::Done)>;

  explicit LogCommitter(Loop* loop) : loop_(loop) {}
  // Where batches go, on the loop. Until then, and after Detach, nothing is committed (kUnavailable).
  void Attach(Commit_ commit);
  void Detach();

  // Waits for as long as it takes to know what happened. Without a sync: what a crash takes from the replica is in the
  // cluster's log.
  ledger::CommitResult Commit(absl::Span<const ledger::PartitionBatch> batches, ledger::LocalWrite& local) override;
  ledger::CommitLimits limits() const override { return kLimits; }

 private:
  CommitOutcome CommitToLog(std::vector<CommitEntry> entries);

  Loop* const loop_;
  Commit_ commit_;  // the loop's
};

}  // namespace yizhan::cluster
