#include "ledger/writer.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/metrics.h"
#include "base/status.h"
#include "base/thread_name.h"
#include "ledger/pending_state.h"

namespace yizhan::ledger {
namespace {
constexpr size_t kMaxIdBytes = 256;
constexpr size_t kMaxRecords = 4'096;
constexpr size_t kMaxRecordBytes = 4 << 20;
constexpr size_t kMaxCommandBytes = 16 << 20;
// A batch ends behind the command that reaches this.
constexpr size_t kBatchBytes = 4 << 20;
// Calls of Own and Ingest waiting at most, and the bytes of what Ingest has brought.
constexpr size_t kMaxTasks = 65'536;
constexpr size_t kMaxIngestBytes = 64 << 20;

int64_t SteadyNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

absl::Status NotRunning() {
  return RefuseForNow(absl::StatusCode::kUnavailable, "NOT_RUNNING", "the ledger is not running; try again later",
                      1'000);
}

metrics::Counter& Records() {
  static metrics::Counter& counter = metrics::GetCounter("yizhan_ledger_records_total", "Records committed.");
  return counter;
}
metrics::Counter& Refused() {
  static metrics::Counter& counter =
      metrics::GetCounter("yizhan_ledger_not_committed_total", "Commands whose batch could not be committed.");
  return counter;
}
metrics::Histogram& CommitSeconds() {
  static metrics::Histogram& histogram =
      metrics::GetHistogram("yizhan_ledger_commit_seconds", "From a batch's last decision to its durability.");
  return histogram;
}
}  // namespace

Writer::Writer(const Options* options, Folder* folder, Committer* committer, Completion* completion)
    : options_(*options),
      folder_(*folder),
      committer_(*committer),
      completion_(*completion),
      queue_length_("yizhan_ledger_queue_length", "Commands waiting to be decided.", {},
                    [this] { return static_cast<double>(Waiting()); }),
      stalled_ns_(options_.committer == nullptr ? 0 : absl::ToInt64Nanoseconds(options_.stalled_after)),
      room_(&options_, folder_.store.get()),
      batch_(&folder_, &room_),
      ingester_(&folder_, &batch_, &room_) {
  // There from the start, and not made by several writers at once (the registry's lock is one that ThreadSanitizer does
  // not see).
  Records();
  Refused();
  CommitSeconds();
}

size_t Writer::Waiting() {
  std::lock_guard lock(mutex_);
  return queue_.size() + taken_.load(std::memory_order_relaxed);
}

Writer::~Writer() { Stop(); }

void Writer::Start() {
  std::lock_guard lock(mutex_);
  running_ = true;
  thread_ = std::thread([this] {
    NameThread("ledger-writer");
    Loop();
  });
}

void Writer::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Writer::Submit(PartitionCore* partition, Command command) {
  if (command.actor.size() > kMaxIdBytes || command.request_id.size() > kMaxIdBytes) {
    command.done(Refuse(absl::StatusCode::kInvalidArgument, "REQUEST_ID",
                        absl::StrCat("an actor or request id is longer than ", kMaxIdBytes, " bytes")));
    return;
  }
  if (!partition->owned.load(std::memory_order_relaxed)) return command.done(NotOwner(partition->id));
  if (Stalled()) {
    command.done(RefuseForNow(absl::StatusCode::kUnavailable, "NO_QUORUM",
                              "the cluster's log does not answer; what is written is kept, try again", 1'000));
    return;
  }
  absl::Status refused;
  {
    std::lock_guard lock(mutex_);
    if (!running_ || stopping_) {
      refused = NotRunning();
    } else if (queue_.size() + taken_.load(std::memory_order_relaxed) >= options_.max_queued) {
      refused = RefuseForNow(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                             absl::StrCat(options_.max_queued, " commands are waiting already; try again"), 50);
    } else {
      queue_.push_back({partition, std::move(command)});
      if (queue_.size() > 1) return;  // the writer has been woken for the first one
    }
  }
  if (refused.ok()) {
    changed_.notify_all();
  } else {
    command.done(std::move(refused));
  }
}

bool Writer::Stalled() const {
  const int64_t since = commit_since_ns_.load(std::memory_order_relaxed);
  return since != 0 && SteadyNs() - since > stalled_ns_;
}

void Writer::Own(PartitionCore* partition, bool owned, absl::AnyInvocable<void(absl::Status)> done) {
  Post([this, partition, owned, done = std::move(done)](absl::Status refused) mutable {
    if (!refused.ok()) return done(std::move(refused));
    Tell(std::make_unique<Completed>(), std::move(done), SetOwned(*partition, owned));
  });
}

absl::Status Writer::SetOwned(PartitionCore& partition, bool owned) {
  // One whose state does not follow from its records must not decide.
  if (owned) YZ_RETURN_IF_ERROR(partition.status());
  partition.owned.store(owned, std::memory_order_release);
  return absl::OkStatus();
}

void Writer::Ingest(std::vector<Arrived> arrived, absl::AnyInvocable<void(absl::Status)> done) {
  const size_t weight = Ingester::Weight(arrived);
  if (ingest_bytes_.fetch_add(weight) + weight > kMaxIngestBytes) {
    ingest_bytes_.fetch_sub(weight);
    done(RefuseForNow(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                      absl::StrCat(kMaxIngestBytes >> 20, " MiB of records are waiting to be taken in; try again"),
                      50));
    return;
  }
  Post([this, weight, arrived = std::move(arrived), done = std::move(done)](absl::Status refused) mutable {
    auto completed = std::make_unique<Completed>();
    absl::Status status = refused.ok() ? ingester_.Carry(arrived, *completed) : refused;
    arrived.clear();
    ingest_bytes_.fetch_sub(weight);
    if (!refused.ok()) return done(std::move(refused));
    Tell(std::move(completed), std::move(done), std::move(status));
  });
}

void Writer::LookForRoom() {
  Post([this](absl::Status refused) {
    if (refused.ok()) (void)room_.Check();
  });
}

void Writer::Tell(std::unique_ptr<Completed> completed, absl::AnyInvocable<void(absl::Status)> done,
                  absl::Status status) {
  completed->after = [done = std::move(done), status = std::move(status)]() mutable { done(std::move(status)); };
  completion_.HandOver(std::move(completed));
}

void Writer::Post(Task task) {
  absl::Status refused;
  {
    std::lock_guard lock(mutex_);
    if (!running_ || stopping_) {
      refused = NotRunning();
    } else if (tasks_.size() >= kMaxTasks) {
      refused = RefuseForNow(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                             absl::StrCat(kMaxTasks, " calls are waiting for the ledger already; try again"), 50);
    } else {
      tasks_.push_back(std::move(task));
      tasks_wait_.store(true, std::memory_order_relaxed);
    }
  }
  if (!refused.ok()) return task(std::move(refused));
  changed_.notify_all();
}

void Writer::RunTasks() {
  std::vector<Task> tasks;
  {
    std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
    tasks_wait_.store(false, std::memory_order_relaxed);
  }
  for (Task& task : tasks) task(absl::OkStatus());
}

void Writer::Loop() {
  std::vector<Queued> taken;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || !queue_.empty() || !tasks_.empty(); });
      taken.swap(queue_);
      taken_.store(taken.size(), std::memory_order_relaxed);
      if (taken.empty() && tasks_.empty()) {
        running_ = false;
        return;
      }
    }
    for (size_t at = 0;;) {
      if (tasks_wait_.load(std::memory_order_relaxed)) RunTasks();
      if (at == taken.size()) break;
      at = Batch(taken, at);
    }
    taken.clear();
  }
}

size_t Writer::Batch(std::vector<Queued>& taken, size_t begin) {
  auto completed = std::make_unique<Completed>();
  const absl::Status room = room_.Check();
  const CommitLimits limits = committer_.limits();
  const size_t max_partitions = std::max<size_t>(1, limits.max_partitions);
  const size_t full = std::min(kBatchBytes, limits.max_bytes / 2);
  max_command_bytes_ = std::min(kMaxCommandBytes, limits.max_bytes / 2);
  size_t at = begin;
  do {
    Queued& queued = taken[at];
    if (!queued.partition->touched && batch_.touched().size() >= max_partitions) break;
    absl::StatusOr<Command::Outcome> outcome = Carry(*queued.partition, queued.command, room);
    completed->answers.push_back({std::move(queued.command.done), std::move(outcome), queued.partition});
    queued.command.decide = nullptr;
    ++at;
  } while (at < taken.size() && at - begin < options_.max_batch && batch_.bytes() < full);
  taken_.fetch_sub(at - begin, std::memory_order_relaxed);
  if (!batch_.touched().empty()) {
    if (absl::Status committed = Commit(); committed.ok()) {
      for (const PartitionCore* partition : batch_.touched()) Records().Add(partition->records.size());
      batch_.Publish(*completed);
    } else {
      Refused().Add(completed->answers.size());
      batch_.TakeBack();
      // Whatever was answered in this batch was answered over a state that never came to be.
      for (Completed::Answer& answer : completed->answers)
        answer.outcome =
            answer.partition->owned.load(std::memory_order_relaxed) ? committed : NotOwner(answer.partition->id);
    }
  }
  completion_.HandOver(std::move(completed));
  return at;
}

absl::StatusOr<Command::Outcome> Writer::Carry(PartitionCore& partition, Command& command, const absl::Status& room) {
  if (!partition.owned.load(std::memory_order_relaxed)) return NotOwner(partition.id);
  YZ_RETURN_IF_ERROR(partition.status());
  uint64_t fingerprint = 0;
  if (!command.request_id.empty()) {
    fingerprint = RequestFingerprint(folder_.fingerprint_key, command.actor, command.request_id);
    YZ_ASSIGN_OR_RETURN(auto earlier, Repeated(partition, fingerprint, command));
    if (earlier) return *std::move(earlier);
  }
  const DecideContext context{partition.id, std::max(NowUs(options_.hooks), partition.last_time_us + 1),
                              partition.last_seq + 1};
  PendingState state = batch_.StateOf(partition);
  YZ_ASSIGN_OR_RETURN(Proposal proposal, command.decide(context, state));
  Command::Outcome outcome;
  outcome.result = proposal.result;
  if (proposal.records.empty()) return outcome;
  YZ_RETURN_IF_ERROR(room);
  if (proposal.records.size() > kMaxRecords) {
    return Refuse(absl::StatusCode::kInvalidArgument, "COMMAND_TOO_LARGE",
                  absl::StrCat("a command may append ", kMaxRecords, " records at most"));
  }

  std::vector<Record> records(proposal.records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    Record& record = records[i];
    record.set_partition(partition.name);
    record.set_seq(context.next_seq + i);
    record.set_time_us(context.time_us);
    record.set_actor(command.actor);
    record.set_request_id(command.request_id);
    record.set_type(std::move(proposal.records[i].type));
    record.set_payload(std::move(proposal.records[i].payload));
  }
  records.back().set_result(std::move(proposal.result));
  partition.overlay.Begin();
  absl::Status applied;
  for (const Record& record : records) {
    applied = partition.service->machine->Apply(record, state);
    if (!applied.ok()) break;
  }
  if (applied.ok()) applied = Append(partition, std::move(records), fingerprint);
  if (!applied.ok()) {
    partition.overlay.RollBack();
    return applied;
  }
  outcome.first_seq = context.next_seq;
  outcome.last_seq = partition.last_seq;
  return outcome;
}

absl::StatusOr<std::optional<Command::Outcome>> Writer::Repeated(const PartitionCore& partition, uint64_t fingerprint,
                                                                 const Command& command) const {
  for (uint64_t seq : partition.requests.Find(fingerprint)) {
    YZ_ASSIGN_OR_RETURN(Record record, RecordAt(partition, seq));
    auto same = [&](const Record& r) { return r.actor() == command.actor && r.request_id() == command.request_id; };
    if (!same(record)) continue;
    Command::Outcome outcome{std::move(*record.mutable_result()), seq, seq, true};
    while (outcome.first_seq > partition.first.load()) {
      YZ_ASSIGN_OR_RETURN(Record before, RecordAt(partition, outcome.first_seq - 1));
      if (!same(before)) break;
      --outcome.first_seq;
    }
    return outcome;
  }
  return std::nullopt;
}

absl::StatusOr<Record> Writer::RecordAt(const PartitionCore& partition, uint64_t seq) const {
  const uint64_t committed = partition.last_seq - partition.records.size();
  if (seq > committed) return partition.records[seq - committed - 1];
  YZ_ASSIGN_OR_RETURN(auto bytes, folder_.store->Get(Table::kRecords, RecordKey{partition.number, seq}.Encode()));
  if (!bytes)
    return Refuse(absl::StatusCode::kDataLoss, "DAMAGED_STORE",
                  absl::StrCat("partition ", partition.name, ": record ", seq, " is missing"));
  return ParseRecord(partition, seq, *bytes);
}

absl::Status Writer::Append(PartitionCore& partition, std::vector<Record> records, uint64_t fingerprint) {
  // Sizes first: from the first Add on, nothing can be taken back.
  size_t total = 0, largest = 0;
  for (const Record& record : records) {
    const size_t size = record.ByteSizeLong();
    total += size;
    largest = std::max(largest, size);
  }
  if (largest > kMaxRecordBytes || total > max_command_bytes_) {
    return Refuse(absl::StatusCode::kInvalidArgument, "COMMAND_TOO_LARGE",
                  absl::StrCat("a record may have ", kMaxRecordBytes, " bytes and a command ", max_command_bytes_,
                               " at most; this one's records have ", total, ", the largest of them ", largest));
  }
  for (Record& record : records) {
    const size_t size = static_cast<size_t>(record.GetCachedSize());
    char* at = folder_.arena->Allocate(size);
    record.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(at));
    batch_.Add(partition, std::move(record), {at, size}, fingerprint);
  }
  return absl::OkStatus();
}

absl::Status Writer::Commit() {
  batch_.Seal();
  const std::vector<PartitionBatch> batches = batch_.Contents();
  const int64_t begin = SteadyNs();
  if (stalled_ns_ > 0) commit_since_ns_.store(begin, std::memory_order_relaxed);
  CommitResult result = committer_.Commit(batches, batch_);
  commit_since_ns_.store(0, std::memory_order_relaxed);
  CommitSeconds().Observe(1e-9 * static_cast<double>(SteadyNs() - begin));
  if (result.verdict == CommitResult::Verdict::kOk) return absl::OkStatus();
  for (const PartitionId& id : result.fenced) {
    if (PartitionCore* partition = folder_.Find(id)) partition->owned.store(false, std::memory_order_release);
  }
  if (result.verdict == CommitResult::Verdict::kFenced || result.status.ok())
    return RefuseForNow(absl::StatusCode::kUnavailable, "NOT_COMMITTED", "the batch was not committed; try again", 100);
  return result.status;
}

}  // namespace yizhan::ledger
