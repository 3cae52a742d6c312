#include "cluster/commit_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "base/status.h"
#include "cluster/keys.h"
#include "yizhan/cluster/v1/store.pb.h"

namespace yizhan::cluster {

using yizhan::cluster::v1::HeadInfo;
using yizhan::cluster::v1::LogEntry;

namespace {
constexpr absl::Duration kTimeout = absl::Seconds(2);
constexpr absl::Duration kFirstPause = absl::Milliseconds(10);
constexpr absl::Duration kLongestPause = absl::Milliseconds(500);

metrics::Counter& Repeated() {
  static metrics::Counter& counter = metrics::GetCounter("yizhan_cluster_commits_repeated_total",
                                                         "Commits that were sent again because no answer had come.");
  return counter;
}
}  // namespace

struct CommitLog::Attempt {
  std::vector<CommitEntry> entries;
  uint64_t nonce = 0;
  Txn txn;
  absl::Duration pause = kFirstPause;
  int sent = 0;
  Done done;
};

CommitLog::CommitLog(Context* context, Ownership* ownership, std::function<absl::Status()> window_full,
                     std::function<void(const std::string&, uint64_t, size_t)> committed)
    : context_(context),
      ownership_(ownership),
      window_full_(std::move(window_full)),
      committed_(std::move(committed)) {}

void CommitLog::Commit(std::vector<CommitEntry> entries, Done done) {
  if (stopped_)
    return done(
        {CommitOutcome::Verdict::kUnavailable, absl::UnavailableError("this machine is leaving the cluster"), {}});
  CommitOutcome refused;
  for (const CommitEntry& entry : entries) {
    if (ownership_->FenceOf(entry.partition) == nullptr) refused.fenced.push_back(entry.partition);
  }
  if (!refused.fenced.empty()) {
    refused.verdict = CommitOutcome::Verdict::kFenced;
    return done(std::move(refused));
  }
  if (absl::Status full = window_full_(); !full.ok())
    return done({CommitOutcome::Verdict::kUnavailable, std::move(full), {}});

  auto attempt = std::make_shared<Attempt>();
  attempt->nonce = context_->random();
  LogEntry nonce;
  nonce.set_nonce(attempt->nonce);
  const std::string nonce_bytes =
      nonce.SerializeAsString();  // a message's fields may stand in pieces, one behind the other
  for (CommitEntry& entry : entries) {
    const Ownership::Fence& fence = *ownership_->FenceOf(entry.partition);
    HeadInfo head;
    head.set_epoch(fence.epoch);
    head.set_seq(entry.last_seq);
    head.set_nonce(attempt->nonce);
    entry.value += nonce_bytes;
    attempt->txn.compares.push_back({Compare::Kind::kModRevision, keys::Head(entry.partition), fence.head_revision});
    attempt->txn.then.push_back(Op::Put(keys::Log(entry.partition, entry.last_seq), entry.value));
    attempt->txn.then.push_back(Op::Put(keys::Head(entry.partition), head.SerializeAsString()));
    attempt->txn.otherwise.push_back(Op::Get(keys::Head(entry.partition)));
    attempt->txn.otherwise.push_back(Op::Get(keys::Log(entry.partition, entry.last_seq)));
  }
  attempt->entries = std::move(entries);
  attempt->done = std::move(done);
  under_way_[attempt->nonce] = attempt;
  Send(std::move(attempt));
}

void CommitLog::Send(std::shared_ptr<Attempt> attempt) {
  if (!attempt->done) return;
  if (++attempt->sent > 1) Repeated().Add();
  context_->kv.Transact(attempt->txn, kTimeout,
                        [this, attempt](absl::StatusOr<TxnResult> result) { Answered(attempt, std::move(result)); });
}

// The same transaction again is harmless: its comparison holds once at most.
void CommitLog::Answered(const std::shared_ptr<Attempt>& attempt, absl::StatusOr<TxnResult> result) {
  if (!attempt->done) return;
  if (!result.ok()) {
    if (absl::IsInvalidArgument(result.status()) || absl::IsPermissionDenied(result.status()))
      return Finish(attempt, {CommitOutcome::Verdict::kUnavailable, result.status(), {}});
    context_->loop->After(attempt->pause, [this, attempt] { Send(attempt); });
    attempt->pause = std::min(attempt->pause * 2, kLongestPause);
    return;
  }
  if (!result->succeeded) return Refused(attempt, *result);
  for (const CommitEntry& entry : attempt->entries) {
    if (Ownership::Fence* fence = ownership_->FenceOf(entry.partition)) fence->head_revision = result->revision;
    committed_(entry.partition, entry.last_seq, entry.value.size());
  }
  Finish(attempt, {});
}

// Some head is not where it was left: because an earlier sending of this very transaction went through, or because
// another machine owns the partition now, or both, one after the other.
void CommitLog::Refused(const std::shared_ptr<Attempt>& attempt, const TxnResult& result) {
  CommitOutcome outcome;
  bool ours = false, gone = false;
  for (size_t i = 0; i < attempt->entries.size(); ++i) {
    const CommitEntry& entry = attempt->entries[i];
    const auto& heads = result.gets[2 * i];
    const auto& logs = result.gets[2 * i + 1];
    HeadInfo head;
    if (heads.empty() || !head.ParseFromString(heads[0].value)) {
      gone = true;
      continue;
    }
    LogEntry log;
    if (!logs.empty() && log.ParseFromString(logs[0].value) && log.nonce() == attempt->nonce) ours = true;
    if (head.nonce() == attempt->nonce) {
      ours = true;
      if (Ownership::Fence* fence = ownership_->FenceOf(entry.partition)) fence->head_revision = heads[0].mod_revision;
      continue;
    }
    const Ownership::Fence* fence = ownership_->FenceOf(entry.partition);
    if (fence == nullptr || heads[0].mod_revision != fence->head_revision) {
      outcome.fenced.push_back(entry.partition);
      // Committed and cut from the log meanwhile, or never: the head is beyond it either way.
      if (attempt->sent > 1 && head.seq() >= entry.last_seq && logs.empty()) gone = true;
    }
  }
  for (const std::string& partition : outcome.fenced) ownership_->Fenced(partition);
  if (ours) {
    for (const CommitEntry& entry : attempt->entries) committed_(entry.partition, entry.last_seq, entry.value.size());
    return Finish(attempt, {});
  }
  if (gone) {
    outcome.verdict = CommitOutcome::Verdict::kUnavailable;
    outcome.status = RefuseForNow(absl::StatusCode::kUnavailable, "OUTCOME_UNKNOWN",
                                  "the cluster went on without this machine, which cannot tell whether this was "
                                  "recorded; ask again with the same request id",
                                  1'000);
    return Finish(attempt, std::move(outcome));
  }
  outcome.verdict = CommitOutcome::Verdict::kFenced;
  Finish(attempt, std::move(outcome));
}

void CommitLog::Finish(const std::shared_ptr<Attempt>& attempt, CommitOutcome outcome) {
  under_way_.erase(attempt->nonce);
  std::exchange(attempt->done, nullptr)(std::move(outcome));
}

void CommitLog::Stop() {
  stopped_ = true;
  auto under_way = std::exchange(under_way_, {});
  for (auto& [nonce, attempt] : under_way)
    Finish(attempt, {CommitOutcome::Verdict::kUnavailable,
                     RefuseForNow(absl::StatusCode::kUnavailable, "OUTCOME_UNKNOWN",
                                  "this machine is stopping; ask again with the same request id", 1'000),
                     {}});
}

}  // namespace yizhan::cluster
