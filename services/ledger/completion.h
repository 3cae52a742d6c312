// Telling those who wait: listeners, then the commands' answers, on a thread of their own and in order of commit, so
// that the writer goes on.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "ledger/core.h"
#include "ledger/ledger.h"

namespace yizhan::ledger {

// What is to be told at once: a batch after its commit, or what the writer did between two.
struct Completed {
  // What was appended, by partition; empty when nothing was committed.
  std::vector<std::pair<PartitionCore*, std::vector<Record>>> appended;
  struct Answer {
    absl::AnyInvocable<void(absl::StatusOr<Command::Outcome>)> done;
    absl::StatusOr<Command::Outcome> outcome;
    const PartitionCore* partition;
  };
  std::vector<Answer> answers;
  // Called behind everything else.
  absl::AnyInvocable<void()> after;
};

class Completion {
 public:
  ~Completion() { Stop(); }
  // Before Start.
  void OnCommit(absl::AnyInvocable<void()> wake);
  void Start();
  // Finishes what was handed over.
  void Stop();
  // Waits while 4 batches are waiting already: that is the bound.
  void HandOver(std::unique_ptr<Completed> batch);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Completed>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
  std::mutex wakes_mutex_;  // a projection may come while the ledger runs
  std::vector<std::shared_ptr<absl::AnyInvocable<void()>>> wakes_;
};

}  // namespace yizhan::ledger
