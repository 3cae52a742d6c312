#include "cluster/follower.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/status.h"
#include "cluster/keys.h"

namespace yizhan::cluster {

using yizhan::cluster::v1::HeadInfo;
using yizhan::cluster::v1::LogEntry;

namespace {
constexpr absl::Duration kTimeout = absl::Seconds(2);
constexpr absl::Duration kAgain = absl::Milliseconds(200);
constexpr absl::Duration kLookAgain = absl::Seconds(2);
// Entries of the log that are read at once.
constexpr int64_t kEntries = 32;

// The run of a log's entry; an error says what is wrong with it.
absl::StatusOr<Run> RunOf(const KeyValue& kv) {
  const auto position = keys::ParseLog(kv.key);
  LogEntry entry;
  if (!position || !entry.ParseFromString(kv.value) || entry.records().empty())
    return absl::DataLossError(absl::StrCat("the cluster's log has an entry that cannot be read: ", kv.key));
  Run run{position->partition, entry.first_seq(), {}};
  run.records.assign(std::make_move_iterator(entry.mutable_records()->begin()),
                     std::make_move_iterator(entry.mutable_records()->end()));
  if (run.last_seq() != position->last_seq)
    return absl::DataLossError(
        absl::StrCat("the cluster's log has an entry with another length than its key says: ", kv.key));
  return run;
}

size_t BytesOf(const Run& run) {
  size_t bytes = 0;
  for (const std::string& record : run.records) bytes += record.size();
  return bytes;
}
}  // namespace

Follower::Follower(Context* context, const Roster* roster, std::function<bool(const std::string&)> owned)
    : context_(context), roster_(roster), owned_(std::move(owned)) {}

void Follower::Start() {
  for (const std::string& partition : context_->replica->Partitions()) {
    states_[partition].next = context_->replica->Head(partition) + 1;
  }
  List();
  context_->loop->After(kLookAgain, [this] { LookAgain(); });
}

// A watch that has lost its last events says nothing of it.
void Follower::LookAgain() {
  Check();
  context_->loop->After(kLookAgain, [this] { LookAgain(); });
}

void Follower::Check() {
  context_->kv.Get({std::string(keys::kHeads), PrefixEnd(keys::kHeads)}, kTimeout,
                   [this, asked = context_->loop->Now()](absl::StatusOr<RangeResult> heads) {
                     if (!heads.ok() || !watching_) return;
                     checked_ = asked;
                     TakeHeads(*heads);
                   });
}

void Follower::TakeHeads(const RangeResult& heads) {
  for (const KeyValue& kv : heads.kvs) {
    HeadInfo head;
    auto it = states_.find(*keys::NameIn(kv.key, keys::kHeads));
    if (it == states_.end() || !head.ParseFromString(kv.value)) continue;
    it->second.known = std::max(it->second.known, head.seq());
    if (!owned_(it->first)) Fetch(it->first);
  }
}

uint64_t Follower::Known(const std::string& partition) const {
  auto it = states_.find(partition);
  return it == states_.end() ? 0 : it->second.known;
}

absl::Status Follower::Problem(const std::string& partition) const {
  auto it = states_.find(partition);
  return it == states_.end() ? absl::OkStatus() : it->second.problem;
}

bool Follower::caught_up(absl::Time since) const {
  if (!watching_ || checked_ < since) return false;
  for (const auto& [partition, state] : states_) {
    if (context_->replica->Head(partition) < state.known) return false;
  }
  return true;
}

// The heads first, then the log from there on: what was committed before is fetched, what comes after is seen.
void Follower::List() {
  watching_ = false;
  watch_.reset();
  context_->kv.Get({std::string(keys::kHeads), PrefixEnd(keys::kHeads)}, kTimeout,
                   [this](absl::StatusOr<RangeResult> heads) { Listed(std::move(heads)); });
}

void Follower::Listed(absl::StatusOr<RangeResult> heads) {
  if (!heads.ok()) {
    context_->loop->After(kAgain, [this] { List(); });
    return;
  }
  TakeHeads(*heads);
  revision_ = heads->revision;
  Watch();
}

void Follower::Watch() {
  watching_ = true;
  watch_ = context_->kv.StartWatch(
      std::string(keys::kLog), PrefixEnd(keys::kLog), revision_ + 1,
      {[this](std::vector<Event> events, int64_t revision) { Take(std::move(events), revision); },
       [this](absl::Status why) {
         log::Warning("cluster", "the watch of the log was lost; what is missing is fetched").With("why", why);
         context_->loop->After(kAgain, [this] { List(); });
       }});
}

void Follower::Take(std::vector<Event> events, int64_t revision) {
  std::vector<Run> batch;
  for (Event& event : events) {
    if (event.kind != Event::Kind::kPut) continue;
    auto run = RunOf(event.kv);
    if (!run.ok()) {
      log::Error("cluster", "an entry was passed over").With("why", run.status());
      continue;
    }
    auto it = states_.find(run->partition);
    if (it == states_.end()) continue;
    it->second.known = std::max(it->second.known, run->last_seq());
    if (owned_(it->first)) continue;
    Offer(it->second, *std::move(run), batch);
  }
  revision_ = revision;
  Ingest(std::move(batch));
}

void Follower::Offer(State& state, Run run, std::vector<Run>& batch) {
  if (state.fetching || run.last_seq() < state.next) return;
  const size_t bytes = BytesOf(run);
  // Beyond the bound it is left for later: the log keeps it, and the end of what is being taken in asks for it.
  if (run.first_seq > state.next || ingesting_bytes_ + bytes > context_->options.max_ingest_bytes) {
    return Fetch(run.partition);
  }
  state.next = run.last_seq() + 1;
  ingesting_bytes_ += bytes;
  batch.push_back(std::move(run));
}

void Follower::Ingest(std::vector<Run> batch) {
  if (batch.empty()) return;
  size_t bytes = 0;
  std::vector<std::string> partitions;
  for (const Run& run : batch) {
    bytes += BytesOf(run);
    if (std::find(partitions.begin(), partitions.end(), run.partition) == partitions.end())
      partitions.push_back(run.partition);
  }
  context_->replica->Ingest(std::move(batch), [this, bytes, partitions = std::move(partitions)](absl::Status status) {
    ingesting_bytes_ -= bytes;
    Ingested(partitions, status);
  });
}

void Follower::Ingested(const std::vector<std::string>& partitions, const absl::Status& status) {
  for (const std::string& partition : partitions) {
    State& state = states_[partition];
    const uint64_t head = context_->replica->Head(partition);
    if (status.ok() || head + 1 >= state.next) {
      state.problem = absl::OkStatus();
    } else if (!owned_(partition)) {
      // Something of it was not taken: again from where the replica is.
      state.next = head + 1;
      state.problem = status;
    }
    Answer(partition, state);
    if (!owned_(partition) && head < state.known && state.next == head + 1 && !state.fetching) {
      if (state.problem.ok()) {
        Fetch(partition);
      } else {
        FetchLater(partition, state.problem);
      }
    }
  }
}

void Follower::CatchUp(const std::string& partition, uint64_t seq, absl::AnyInvocable<void(absl::Status)> done) {
  State& state = states_[partition];
  state.known = std::max(state.known, seq);
  const uint64_t head = context_->replica->Head(partition);
  if (head >= seq) return done(absl::OkStatus());
  state.waiters.push_back({seq, std::move(done)});
  Fetch(partition);
}

void Follower::Resume(const std::string& partition) {
  State& state = states_[partition];
  state.next = context_->replica->Head(partition) + 1;
  Fetch(partition);
}

void Follower::Answer(const std::string& partition, State& state) {
  const uint64_t head = context_->replica->Head(partition);
  std::vector<Waiter> ready;
  std::erase_if(state.waiters, [&](Waiter& waiter) {
    if (waiter.seq > head) return false;
    ready.push_back(std::move(waiter));
    return true;
  });
  for (Waiter& waiter : ready) waiter.done(absl::OkStatus());
}

void Follower::Fetch(const std::string& partition) {
  State& state = states_[partition];
  if (state.fetching) return;
  // What was handed over is on its way; from there on is missing.
  state.next = std::max(state.next, context_->replica->Head(partition) + 1);
  if (state.next > state.known) return Answer(partition, state);
  state.fetching = true;
  context_->kv.Get({keys::Log(partition, state.next), keys::LogEnd(partition), kEntries}, kTimeout,
                   [this, partition](absl::StatusOr<RangeResult> result) { Fetched(partition, std::move(result)); });
}

void Follower::FetchLater(const std::string& partition, const absl::Status& why) {
  State& state = states_[partition];
  state.problem = why;
  state.fetching = true;  // one at a time, the waiting included
  context_->loop->After(kAgain, [this, partition] {
    State& state = states_[partition];
    state.fetching = false;
    if (context_->replica->Head(partition) >= state.known) state.problem = absl::OkStatus();
    Fetch(partition);
  });
}

void Follower::Fetched(const std::string& partition, absl::StatusOr<RangeResult> result) {
  State& state = states_[partition];
  state.fetching = false;
  if (!result.ok()) return FetchLater(partition, result.status());
  std::vector<Run> batch;
  bool gap = result->kvs.empty();
  for (const KeyValue& kv : result->kvs) {
    auto run = RunOf(kv);
    if (!run.ok()) return FetchLater(partition, run.status());
    if (run->last_seq() < state.next) continue;
    if (run->first_seq > state.next) {
      gap = true;
      break;
    }
    const size_t bytes = BytesOf(*run);
    if (!batch.empty() && ingesting_bytes_ + bytes > context_->options.max_ingest_bytes) break;
    state.known = std::max(state.known, run->last_seq());
    state.next = run->last_seq() + 1;
    ingesting_bytes_ += bytes;
    batch.push_back(*std::move(run));
  }
  if (!batch.empty()) return Ingest(std::move(batch));  // and on, once it is in
  if (gap && state.next <= state.known) return FetchFromPeer(partition);
  Answer(partition, state);
}

void Follower::FetchFromPeer(const std::string& partition) {
  State& state = states_[partition];
  std::vector<std::string> addresses;
  for (const auto& [node, member] : roster_->members()) {
    if (node != context_->options.node) addresses.push_back(member.info.address());
  }
  if (addresses.empty()) {
    return FetchLater(partition,
                      Refuse(absl::StatusCode::kUnavailable, "RECORDS_MISSING",
                             absl::StrCat("partition ", partition, " lacks records from ", state.next,
                                          " on, the log does not hold them any more, and no other machine is there")));
  }
  state.fetching = true;
  const std::string address = addresses[peer_turn_++ % addresses.size()];
  context_->peers->Fetch(
      address, partition, state.next, [this, partition](absl::StatusOr<std::vector<std::string>> records) {
        State& state = states_[partition];
        state.fetching = false;
        if (!records.ok()) return FetchLater(partition, records.status());
        if (records->empty())
          return FetchLater(partition, absl::UnavailableError("the other machine has no more of it"));
        Run run{partition, state.next, *std::move(records)};
        state.next = run.last_seq() + 1;
        ingesting_bytes_ += BytesOf(run);
        std::vector<Run> batch;
        batch.push_back(std::move(run));
        Ingest(std::move(batch));
      });
}

}  // namespace yizhan::cluster
