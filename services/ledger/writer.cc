#include "ledger/writer.h"

#include <sys/statvfs.h>

#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/metrics.h"
#include "base/status.h"
#include "base/thread_name.h"
#include "ledger/pending_state.h"
#include "ledger/rocks.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace yizhan::ledger {
namespace {
constexpr size_t kMaxIdBytes = 256;
constexpr size_t kMaxRecords = 4'096;
constexpr size_t kMaxRecordBytes = 4 << 20;
constexpr size_t kMaxCommandBytes = 16 << 20;
// A batch ends behind the command that reaches this.
constexpr size_t kBatchBytes = 4 << 20;

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

// Records, state and heads of the current batch into RocksDB.
class Writer::StoreWrite : public LocalWrite {
 public:
  explicit StoreWrite(Writer* writer) : writer_(writer) {}

  absl::Status Write(bool sync) override {
    rocksdb::WriteOptions options;
    options.sync = sync;
    rocksdb::Status status = writer_->folder_.store->db()->Write(options, writer_->write_.get());
    if (status.ok()) {
      // RocksDB has put the batch's first sequence number into its head: fixed64, little-endian (write_batch.cc,
      // "rep_").
      const std::string& rep = writer_->write_->Data();
      uint64_t sequence = 0;
      for (int i = 7; i >= 0; --i) sequence = sequence << 8 | static_cast<unsigned char>(rep[static_cast<size_t>(i)]);
      if (sync) writer_->folder_.store->MarkSynced(sequence + writer_->write_->Count() - 1);
      return absl::OkStatus();
    }
    absl::Status refused = FromRocks(status, "committing");
    if (status.IsIOError() && !(status.IsNoSpace() && writer_->folder_.store->Resumable())) Die(refused.message());
    writer_->store_refuses_ = true;
    writer_->room_ = refused;
    writer_->room_checked_us_ = writer_->NowUs();
    return refused;
  }

 private:
  Writer* const writer_;
};

Writer::Writer(const Options* options, Folder* folder, Committer* committer, Completion* completion)
    : options_(*options),
      folder_(*folder),
      committer_(*committer),
      completion_(*completion),
      queue_length_("yizhan_ledger_queue_length", "Commands waiting to be decided.", {},
                    [this] { return static_cast<double>(Waiting()); }),
      write_(new rocksdb::WriteBatch) {}

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
  absl::Status refused;
  {
    std::lock_guard lock(mutex_);
    if (!running_ || stopping_) {
      refused = RefuseForNow(absl::StatusCode::kUnavailable, "NOT_RUNNING",
                             "the ledger is not running; try again later", 1'000);
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

absl::Status Writer::Run(absl::AnyInvocable<absl::Status()> run) {
  Task task{std::move(run), {}, false};
  {
    std::unique_lock lock(mutex_);
    if (running_ && !stopping_) {
      tasks_.push_back(&task);
      changed_.notify_all();
      changed_.wait(lock, [&] { return task.done; });
      return task.status;
    }
  }
  if (thread_.joinable()) return absl::UnavailableError("the ledger is stopping");
  return task.run();
}

void Writer::Loop() {
  std::vector<Queued> taken;
  for (;;) {
    std::vector<Task*> tasks;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || !queue_.empty() || !tasks_.empty(); });
      taken.swap(queue_);
      tasks.swap(tasks_);
      taken_.store(taken.size(), std::memory_order_relaxed);
      if (taken.empty() && tasks.empty()) {
        running_ = false;
        return;
      }
    }
    for (size_t at = 0; at < taken.size();) at = Batch(taken, at);
    taken.clear();
    for (Task* task : tasks) {
      absl::Status status = task->run();
      rows_.Clear();  // it may have put a whole state in place
      std::lock_guard lock(mutex_);
      task->status = std::move(status);
      task->done = true;
    }
    if (!tasks.empty()) changed_.notify_all();
  }
}

size_t Writer::Batch(std::vector<Queued>& taken, size_t begin) {
  auto completed = std::make_unique<Completed>();
  const absl::Status room = CheckRoom();
  size_t at = begin;
  for (; at < taken.size() && at - begin < options_.max_batch && batch_bytes_ < kBatchBytes; ++at) {
    Queued& queued = taken[at];
    absl::StatusOr<Command::Outcome> outcome = Carry(*queued.partition, queued.command, room);
    completed->answers.push_back({std::move(queued.command.done), std::move(outcome)});
    queued.command.decide = nullptr;
  }
  taken_.fetch_sub(at - begin, std::memory_order_relaxed);
  if (!touched_.empty()) {
    if (absl::Status committed = Commit(); committed.ok()) {
      for (PartitionCore* partition : touched_) {
        partition->head_time_us.store(partition->last_time_us, std::memory_order_relaxed);
        partition->head.store(partition->last_seq, std::memory_order_release);
        Records().Add(partition->records.size());
        completed->appended.emplace_back(partition, std::move(partition->records));
      }
    } else {
      Refused().Add(completed->answers.size());
      // Whatever was answered in this batch was answered over a state that never came to be.
      for (Completed::Answer& answer : completed->answers) answer.outcome = committed;
      for (PartitionCore* partition : touched_) {
        partition->last_seq = partition->head.load();
        partition->last_time_us = partition->head_time_us.load();
        partition->requests.Truncate(partition->last_seq);
      }
    }
    Forget();
  }
  completion_.HandOver(std::move(completed));
  return at;
}

void Writer::Forget() {
  for (PartitionCore* partition : touched_) {
    partition->records.clear();
    partition->raw.clear();
    partition->overlay.Clear();
    partition->touched = false;
  }
  touched_.clear();
  folder_.arena->Clear();
  write_->Clear();
  batch_bytes_ = 0;
}

absl::StatusOr<Command::Outcome> Writer::Carry(PartitionCore& partition, Command& command, const absl::Status& room) {
  YZ_RETURN_IF_ERROR(partition.status());
  uint64_t fingerprint = 0;
  if (!command.request_id.empty()) {
    fingerprint = RequestFingerprint(folder_.fingerprint_key, command.actor, command.request_id);
    YZ_ASSIGN_OR_RETURN(auto earlier, Repeated(partition, fingerprint, command));
    if (earlier) return *std::move(earlier);
  }
  const DecideContext context{partition.id, std::max(NowUs(), partition.last_time_us + 1), partition.last_seq + 1};
  PendingState state(&partition.overlay, StoredState(folder_.store.get(), partition.number, nullptr), &rows_);
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
  // Sizes first: from the first Put on, nothing can be taken back.
  size_t total = 0;
  for (const Record& record : records) {
    const size_t size = record.ByteSizeLong();
    total += size;
    if (size > kMaxRecordBytes || total > kMaxCommandBytes) {
      return Refuse(
          absl::StatusCode::kInvalidArgument, "COMMAND_TOO_LARGE",
          absl::StrCat("a record may have ", kMaxRecordBytes, " bytes and a command ", kMaxCommandBytes, " at most"));
    }
  }
  if (!partition.touched) {
    partition.touched = true;
    touched_.push_back(&partition);
  }
  batch_bytes_ += total;
  RecordKey key{partition.number, 0};
  for (Record& record : records) {
    const size_t size = static_cast<size_t>(record.GetCachedSize());
    char* at = folder_.arena->Allocate(size);
    record.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(at));
    partition.raw.emplace_back(at, size);
    key.seq = record.seq();
    write_->Put(folder_.store->table(Table::kRecords), key.Encode(), rocksdb::Slice(at, size));
    partition.requests.Add(key.seq, fingerprint);
    if (key.seq % kRequestBlock == 0) {
      auto* requests = folder_.store->table(Table::kRequests);
      const uint64_t block = key.seq / kRequestBlock - 1;
      write_->Put(requests, RequestBlockKey(partition.number, block), partition.requests.EncodeBlock(key.seq));
      const uint64_t kept = partition.requests.window() / kRequestBlock + 1;
      if (block > kept) write_->Delete(requests, RequestBlockKey(partition.number, block - kept - 1));
    }
    partition.last_seq = key.seq;
    partition.last_time_us = record.time_us();
    partition.records.push_back(std::move(record));
  }
  return absl::OkStatus();
}

absl::Status Writer::Commit() {
  std::vector<PartitionBatch> batches;
  batches.reserve(touched_.size());
  auto* state = folder_.store->table(Table::kState);
  std::string key;
  for (PartitionCore* partition : touched_) {
    key.clear();
    AppendU32(key, partition->number);
    // Only the last value of a key that changed many times in the batch is written.
    for (const auto& [service_key, entry] : partition->overlay.map()) {
      key.resize(4);
      key += service_key;
      if (entry.deleted) {
        write_->Delete(state, key);
      } else {
        write_->Put(state, key, ToSlice(entry.value));
      }
    }
    write_->Put(folder_.store->table(Table::kMeta), meta::HeadKey(partition->number),
                Head{partition->last_seq, partition->last_time_us}.Encode());
    batches.push_back({partition->id, partition->head.load() + 1, std::move(partition->raw)});
  }
  StoreWrite local(this);
  const auto begin = std::chrono::steady_clock::now();
  CommitResult result = committer_.Commit(batches, local);
  CommitSeconds().Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  if (result.verdict == CommitResult::Verdict::kOk) {
    for (PartitionCore* partition : touched_) {
      key.clear();
      AppendU32(key, partition->number);
      for (const auto& [service_key, entry] : partition->overlay.map()) {
        key.resize(4);
        key += service_key;
        rows_.Committed(key, entry.deleted ? std::nullopt : std::optional(entry.value));
      }
    }
    return absl::OkStatus();
  }
  rows_.Clear();  // whether it was committed after all is for the store to say
  for (const PartitionId& id : result.fenced) {
    if (PartitionCore* partition = folder_.Find(id)) {
      partition->SetStatus(Refuse(absl::StatusCode::kUnavailable, "FENCED",
                                  absl::StrCat("another machine owns partition ", partition->name, " now; ask there")));
    }
  }
  if (result.status.ok())
    return RefuseForNow(absl::StatusCode::kUnavailable, "NOT_COMMITTED", "the batch was not committed; try again", 100);
  return result.status;
}

absl::Status Writer::CheckRoom() {
  const int64_t now = NowUs();
  if (now >= room_checked_us_ && now - room_checked_us_ < 1'000'000 && room_checked_us_ != 0) return room_;
  room_checked_us_ = now;
  uint64_t free_bytes = 0;
  if (options_.hooks.free_bytes) {
    free_bytes = options_.hooks.free_bytes();
  } else {
    struct statvfs disk;
    if (statvfs(folder_.store->path().c_str(), &disk) == 0)
      free_bytes = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
  }
  if (free_bytes < options_.min_free_bytes) {
    room_ =
        RefuseForNow(absl::StatusCode::kResourceExhausted, "DISK_FULL",
                     absl::StrCat("the data folder's disk has ", free_bytes >> 20, " MiB free and needs ",
                                  options_.min_free_bytes >> 20, " MiB; free some space, then it goes on by itself"),
                     1'000);
    return room_;
  }
  if (store_refuses_) {
    room_ = folder_.store->Resume();
    if (!room_.ok()) return room_;
    store_refuses_ = false;
  }
  room_ = absl::OkStatus();
  return room_;
}

int64_t Writer::NowUs() const {
  if (options_.hooks.now_us) return options_.hooks.now_us();
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace yizhan::ledger
