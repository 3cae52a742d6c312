#include "audit/archive/intake.h"

#include <map>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "audit/archive/leaf.h"
#include "audit/archive/machine.h"
#include "audit/tlog/checkpoint.h"
#include "audit/tlog/entry.h"
#include "base/status.h"
#include "base/thread_name.h"

namespace yizhan::audit {
namespace {

using ledger::PartitionId;

constexpr size_t kMaxLeaves = 8'192;    // in one checkpoint
constexpr size_t kMaxRestored = 512;    // items written at once
constexpr size_t kReadBytes = 1 << 20;  // from one partition at a time
constexpr std::string_view kActor = "service:audit";

// Records that go into the log together.
struct Batch {
  std::vector<yizhan::audit::v1::LeavesTaken> runs;
  std::vector<std::string> records;         // in the order of the leaves
  std::map<PartitionId, uint64_t> cursors;  // as they are once the batch is in
};

class IntakeImpl : public Intake {
 public:
  explicit IntakeImpl(Options options)
      : options_(std::move(options)), leaves_(*options_.keyring) {}
  ~IntakeImpl() override { Stop(); }

  absl::Status Start() override {
    const auto view = options_.ledger->View(kPartition);
    const TreeState state(view.get());
    for (const ledger::PartitionInfo& partition : options_.ledger->Partitions()) {
      YZ_ASSIGN_OR_RETURN(uint64_t cursor, state.Cursor(partition.id.ToString()));
      absl::MutexLock lock(&mutex_);
      taken_[partition.id] = cursor;
    }
    YZ_RETURN_IF_ERROR(RestoreItems(state));
    options_.ledger->OnCommit([this] { Wake(); });
    thread_ = std::thread([this] {
      NameThread("archive-intake");
      Run();
    });
    return absl::OkStatus();
  }

  void Stop() override {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    if (thread_.joinable()) thread_.join();
  }

  absl::Status WaitFor(const PartitionId& partition, uint64_t seq, absl::Duration timeout) override {
    absl::MutexLock lock(&mutex_);
    ++waiters_;
    auto there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return taken_[partition] >= seq || stopping_; };
    const bool in_time = mutex_.AwaitWithTimeout(absl::Condition(&there), timeout);
    --waiters_;
    if (in_time && taken_[partition] >= seq) return absl::OkStatus();
    return RefuseForNow(
        absl::StatusCode::kUnavailable, "ARCHIVE_BEHIND",
        absl::StrCat("the archive is behind: ", partition.ToString(), " is taken in up to ", taken_[partition], " of ",
                     seq, problem_.ok() ? "" : absl::StrCat(" (", std::string(problem_.message()), ")"),
                     "; try again in a moment"),
        1000);
  }

  uint64_t Taken(const PartitionId& partition) const override {
    absl::MutexLock lock(&mutex_);
    auto it = taken_.find(partition);
    return it == taken_.end() ? 0 : it->second;
  }
  absl::Status problem() const override {
    absl::MutexLock lock(&mutex_);
    return problem_;
  }
  int64_t checkpoint_time_us() const override {
    absl::MutexLock lock(&mutex_);
    return checkpoint_time_us_;
  }

 private:

  void Wake() {
    absl::MutexLock lock(&mutex_);
    woken_ = true;
  }

  void Run() {
    absl::Time last = absl::InfinitePast();
    while (true) {
      {
        absl::MutexLock lock(&mutex_);
        auto due = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return woken_ || stopping_; };
        mutex_.Await(absl::Condition(&due));
        // While nobody waits, records gather for a moment: a checkpoint for each of them would cost a sync each.
        auto pressed = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return waiters_ > 0 || stopping_; };
        mutex_.AwaitWithDeadline(absl::Condition(&pressed), last + options_.interval);
        if (stopping_) return;
        woken_ = false;
      }
      // Where this machine is one of several, the one that owns audit/0 takes in; the others follow it with their copies.
      const absl::Status status = options_.ledger->Owns(kPartition) ? TakeAll() : Follow();
      last = absl::Now();
      absl::MutexLock lock(&mutex_);
      problem_ = status;
      if (!status.ok()) {
        auto stopping = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; };
        mutex_.AwaitWithTimeout(absl::Condition(&stopping), absl::Seconds(1));
        woken_ = true;  // try again
      }
    }
  }

  // What another machine has taken in, as far as it has arrived here.
  absl::Status Follow() {
    const auto view = options_.ledger->View(kPartition);
    const TreeState state(view.get());
    const uint64_t before = options_.items->end();
    YZ_RETURN_IF_ERROR(RestoreItems(state));
    for (const ledger::PartitionInfo& partition : options_.ledger->Partitions()) {
      YZ_ASSIGN_OR_RETURN(uint64_t cursor, state.Cursor(partition.id.ToString()));
      absl::MutexLock lock(&mutex_);
      taken_[partition.id] = cursor;
    }
    if (options_.items->end() != before && options_.on_items) options_.on_items();
    return absl::OkStatus();
  }

  // Until every partition's head as of the beginning is in.
  absl::Status TakeAll() {
    // The log may have grown by another machine's hand until a moment ago.
    if (options_.ledger->replicated()) YZ_RETURN_IF_ERROR(Follow());
    while (true) {
      YZ_ASSIGN_OR_RETURN(Batch batch, Collect());
      if (!batch.runs.empty()) YZ_RETURN_IF_ERROR(Commit(batch));
      const bool more = batch.records.size() >= kMaxLeaves;
      absl::MutexLock lock(&mutex_);
      for (const auto& [partition, cursor] : batch.cursors) taken_[partition] = cursor;
      if (!more || stopping_) return absl::OkStatus();
    }
  }

  absl::StatusOr<Batch> Collect() {
    Batch batch;
    for (const ledger::PartitionInfo& partition : options_.ledger->Partitions()) {
      uint64_t cursor = Taken(partition.id);
      while (cursor < partition.head && batch.records.size() < kMaxLeaves) {
        YZ_ASSIGN_OR_RETURN(auto records, options_.ledger->ReadRaw(partition.id, cursor + 1, kReadBytes));
        if (records.empty()) break;
        for (auto& raw : records) {
          if (batch.records.size() >= kMaxLeaves) break;
          if (raw.seq != cursor + 1) {
            return absl::DataLossError(
                absl::StrCat("partition ", partition.id.ToString(), " has a gap: ", raw.seq, " follows ", cursor));
          }
          ledger::Record record;
          if (!record.ParseFromString(raw.bytes)) {
            return absl::DataLossError(
                absl::StrCat("record ", raw.seq, " of ", partition.id.ToString(), " is unreadable"));
          }
          if (BecomesLeaf(record)) YZ_RETURN_IF_ERROR(AddLeaf(record, std::move(raw.bytes), batch));
          cursor = raw.seq;
          batch.cursors[partition.id] = cursor;
        }
      }
    }
    return batch;
  }

  absl::Status AddLeaf(const ledger::Record& record, std::string bytes, Batch& batch) {
    YZ_ASSIGN_OR_RETURN(Leaf leaf, leaves_.Make(record, bytes));
    auto continues = [&](const yizhan::audit::v1::LeavesTaken& run) {
      return run.partition() == record.partition() &&
             run.first_seq() + run.leaf_hashes().size() / kHashBytes == record.seq();
    };
    if (batch.runs.empty() || !continues(batch.runs.back())) {
      auto& run = batch.runs.emplace_back();
      run.set_partition(record.partition());
      run.set_first_seq(record.seq());
    }
    batch.runs.back().mutable_leaf_hashes()->append(LeafHash(leaf.bytes).view());
    batch.records.push_back(std::move(bytes));
    return absl::OkStatus();
  }

  // One command: the runs, then the checkpoint over them. Durable, then published, then copied to the items.
  absl::Status Commit(Batch& batch) {
    absl::Notification done;
    absl::Status status;
    ledger::Command command;
    command.partition = kPartition;
    command.actor = kActor;
    command.decide = [&](const ledger::DecideContext&, const ledger::StateReader& state) {
      return Decide(batch, state);
    };
    command.done = [&](absl::StatusOr<ledger::Command::Outcome> outcome) {
      status = outcome.status();
      done.Notify();
    };
    options_.ledger->Submit(std::move(command));
    done.WaitForNotification();
    YZ_RETURN_IF_ERROR(status);
    YZ_RETURN_IF_ERROR(options_.items->Append(batch.records));
    {
      absl::MutexLock lock(&mutex_);
      checkpoint_time_us_ = absl::ToUnixMicros(absl::Now());
    }
    if (options_.on_items) options_.on_items();
    return absl::OkStatus();
  }

  absl::StatusOr<ledger::Proposal> Decide(Batch& batch, const ledger::StateReader& state) const {
    YZ_ASSIGN_OR_RETURN(CompactTree tree, TreeState(&state).Tree());
    ledger::Proposal proposal;
    for (auto& run : batch.runs) {
      // Collected when another machine had not yet taken them in.
      YZ_ASSIGN_OR_RETURN(uint64_t cursor, TreeState(&state).Cursor(run.partition()));
      if (run.first_seq() <= cursor)
        return absl::AbortedError(absl::StrCat(run.partition(), " has been taken in up to ", cursor, " meanwhile"));
      run.set_first_leaf(tree.size());
      for (size_t at = 0; at < run.leaf_hashes().size(); at += kHashBytes) {
        YZ_ASSIGN_OR_RETURN(Hash hash, HashFromBytes(std::string_view(run.leaf_hashes()).substr(at, kHashBytes)));
        YZ_RETURN_IF_ERROR(tree.Append(hash));
      }
      yizhan::audit::v1::AuditRecord record;
      *record.mutable_leaves() = run;
      proposal.records.push_back({std::string(kLeavesTaken), record.SerializeAsString()});
    }
    const Checkpoint checkpoint{options_.signer.key().name(), tree.size(), tree.Root(), {}};
    yizhan::audit::v1::AuditRecord record;
    record.mutable_checkpoint()->set_tree_size(checkpoint.size);
    record.mutable_checkpoint()->set_root(std::string(checkpoint.root.view()));
    YZ_ASSIGN_OR_RETURN(*record.mutable_checkpoint()->mutable_note(), SignCheckpoint(checkpoint, {options_.signer}));
    proposal.records.push_back({std::string(kCheckpointSigned), record.SerializeAsString()});
    return proposal;
  }

  // After a crash the items may end before the tree does: copies them again from the ledger.
  absl::Status RestoreItems(const TreeState& state) {
    YZ_ASSIGN_OR_RETURN(CompactTree tree, state.Tree());
    if (options_.items->end() > tree.size()) {
      return Refuse(absl::StatusCode::kDataLoss, "ARCHIVE_AHEAD",
                    absl::StrCat("the archive holds ", options_.items->end(), " items but the log only ", tree.size(),
                                 ": the ledger beside it is older; restore both from the same backup"));
    }
    std::vector<std::string> found;
    for (uint64_t leaf = options_.items->end(); leaf < tree.size(); ++leaf) {
      YZ_ASSIGN_OR_RETURN(auto record, state.RecordOf(leaf));
      YZ_ASSIGN_OR_RETURN(PartitionId partition, PartitionId::Parse(record.first));
      YZ_ASSIGN_OR_RETURN(auto raw, options_.ledger->ReadRaw(partition, record.second, 1));
      if (raw.empty() || raw[0].seq != record.second) {
        // Of a replica, audit/0 may be here before what it speaks of.
        if (options_.ledger->replicated()) break;
        return absl::DataLossError(
            absl::StrCat("record ", record.second, " of ", record.first, " is in the log but not in the ledger"));
      }
      found.push_back(std::move(raw[0].bytes));
      if (found.size() < kMaxRestored) continue;
      YZ_RETURN_IF_ERROR(options_.items->Append(found));
      found.clear();
    }
    return found.empty() ? absl::OkStatus() : options_.items->Append(found);
  }

  const Options options_;
  const LeafMaker leaves_;
  std::thread thread_;
  mutable absl::Mutex mutex_;
  std::map<PartitionId, uint64_t> taken_ ABSL_GUARDED_BY(mutex_);
  absl::Status problem_ ABSL_GUARDED_BY(mutex_);
  int64_t checkpoint_time_us_ ABSL_GUARDED_BY(mutex_) = 0;
  int waiters_ ABSL_GUARDED_BY(mutex_) = 0;
  bool woken_ ABSL_GUARDED_BY(mutex_) = true;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

std::unique_ptr<Intake> Intake::Make(Options options) { return std::make_unique<IntakeImpl>(std::move(options)); }

}  // namespace yizhan::audit
