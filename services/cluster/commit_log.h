// Commits by the owner: one transaction for a batch, whatever partitions it touches, that holds only while the head of
// each of them is where this owner left it. An answer that was lost is found out before anything else is said.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cluster/context.h"
#include "cluster/ownership.h"

namespace yizhan::cluster {

// What a batch appends to one partition.
struct CommitEntry {
  std::string partition;
  uint64_t first_seq = 0;
  uint64_t last_seq = 0;
  // A serialised LogEntry of these records, without its nonce.
  std::string value;
};

struct CommitOutcome {
  enum class Verdict {
    kOk,           // in the log
    kFenced,       // nothing was committed: another machine owns some of it
    kUnavailable,  // nothing was committed, or (reason OUTCOME_UNKNOWN) nobody can tell any more
  };
  Verdict verdict = Verdict::kOk;
  absl::Status status;
  std::vector<std::string> fenced;
};

class CommitLog {
 public:
  using Done = absl::AnyInvocable<void(CommitOutcome)>;

  // `window_full` says why nothing more may be committed; ok when it may.
  CommitLog(Context* context, Ownership* ownership, std::function<absl::Status()> window_full,
            std::function<void(const std::string& partition, uint64_t last_seq, size_t bytes)> committed);

  // On the loop. One at a time for each partition. `done` comes when it is known what happened, which may take as long
  // as the store is away.
  void Commit(std::vector<CommitEntry> entries, Done done);
  // Answers what is under way with kUnavailable. Nothing is committed afterwards, except what was sent before.
  void Stop();

 private:
  struct Attempt;
  void Send(std::shared_ptr<Attempt> attempt);
  void Answered(const std::shared_ptr<Attempt>& attempt, absl::StatusOr<TxnResult> result);
  void Refused(const std::shared_ptr<Attempt>& attempt, const TxnResult& result);
  void Finish(const std::shared_ptr<Attempt>& attempt, CommitOutcome outcome);

  Context* const context_;
  Ownership* const ownership_;
  const std::function<absl::Status()> window_full_;
  const std::function<void(const std::string&, uint64_t, size_t)> committed_;
  std::map<uint64_t, std::shared_ptr<Attempt>> under_way_;  // by nonce
  bool stopped_ = false;
};

}  // namespace yizhan::cluster
