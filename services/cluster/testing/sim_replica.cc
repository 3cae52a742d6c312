#include "cluster/testing/sim_replica.h"

#include <utility>

#include "yizhan/cluster/v1/store.pb.h"

namespace yizhan::cluster::testing {

SimReplica::SimReplica(SimWorld* world, Loop* loop, SimDisk* disk, Hooks hooks)
    : world_(world), loop_(loop), disk_(disk), hooks_(std::move(hooks)) {
  for (const auto& [name, partition] : disk_->partitions) {
    names_.push_back(name);
    known_[name].insert(partition.records.begin(), partition.records.end());
  }
}

void SimReplica::Ingest(std::vector<Run> runs, absl::AnyInvocable<void(absl::Status)> done) {
  tasks_.push_back([this, runs = std::move(runs), done = std::move(done)]() mutable {
    absl::Status status;
    for (const Run& run : runs) status.Update(Take(run));
    loop_->Post([status, done = std::move(done)]() mutable { done(status); });
  });
  Work();
}

absl::Status SimReplica::Take(const Run& run) {
  if (owned_.contains(run.partition)) return absl::FailedPreconditionError("owned here");
  const uint64_t head = Head(run.partition);
  if (run.first_seq > head + 1) return absl::OutOfRangeError("a gap");
  for (uint64_t seq = head + 1; seq <= run.last_seq(); ++seq) Append(run.partition, run.records[seq - run.first_seq]);
  return absl::OkStatus();
}

void SimReplica::Append(const std::string& partition, const std::string& record) {
  auto& records = disk_->partitions[partition].records;
  records.push_back(record);
  known_[partition].insert(record);
  hooks_.on_record(partition, records.size(), record);
}

void SimReplica::Own(const std::string& partition, bool owned, absl::AnyInvocable<void(absl::Status)> done) {
  tasks_.push_back([this, partition, owned, done = std::move(done)]() mutable {
    if (owned) {
      owned_.insert(partition);
    } else {
      owned_.erase(partition);
    }
    hooks_.on_own(partition, owned);
    loop_->Post([done = std::move(done)]() mutable { done(absl::OkStatus()); });
  });
  Work();
}

void SimReplica::Sync(absl::AnyInvocable<void(absl::StatusOr<std::map<std::string, uint64_t>>)> done) {
  std::map<std::string, uint64_t> heads;
  for (const auto& [name, partition] : disk_->partitions) heads[name] = partition.records.size();
  loop_->After(world_->Between(absl::Milliseconds(1), absl::Milliseconds(30)),
               [this, heads, done = std::move(done)]() mutable {
                 for (const auto& [name, head] : heads)
                   disk_->partitions[name].synced = std::max(disk_->partitions[name].synced, head);
                 done(heads);
               });
}

void SimReplica::Submit(const std::string& partition, std::string record, absl::AnyInvocable<void(bool)> done) {
  if (!owned_.contains(partition) || queue_.size() > 100) return done(false);
  queue_.push_back({partition, std::move(record), std::move(done)});
  Work();
}

void SimReplica::Work() {
  if (busy_ || std::exchange(working_, true)) return;
  loop_->After(world_->Between(absl::Microseconds(10), absl::Microseconds(300)), [this] {
    working_ = false;
    Step();
  });
}

void SimReplica::Step() {
  if (busy_) return;
  if (!tasks_.empty()) {
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
  } else if (!queue_.empty()) {
    Batch();
  }
  if (!busy_ && (!tasks_.empty() || !queue_.empty())) Work();
}

void SimReplica::Batch() {
  std::map<std::string, std::vector<std::string>> fresh;
  std::vector<Queued> taken;
  std::deque<Queued> queue;
  queue.swap(queue_);
  for (Queued& one : queue) {
    if (!owned_.contains(one.partition)) {
      one.done(false);
    } else if (known_[one.partition].contains(one.record)) {
      one.done(true);  // repeated
    } else {
      fresh[one.partition].push_back(one.record);
      known_[one.partition].insert(one.record);
      taken.push_back(std::move(one));
    }
  }
  if (fresh.empty()) return;
  std::vector<CommitEntry> entries;
  for (const auto& [partition, records] : fresh) {
    yizhan::cluster::v1::LogEntry entry;
    entry.set_first_seq(Head(partition) + 1);
    for (const std::string& record : records) entry.add_records(record);
    entries.push_back({partition, Head(partition) + 1, Head(partition) + records.size(), entry.SerializeAsString()});
  }
  busy_ = true;
  auto shared = std::make_shared<std::vector<Queued>>(std::move(taken));
  hooks_.commit(std::move(entries), [this, fresh, shared](CommitOutcome outcome) {
    const bool ok = outcome.verdict == CommitOutcome::Verdict::kOk;
    for (const auto& [partition, records] : fresh) {
      for (const std::string& record : records) {
        if (ok) {
          Append(partition, record);
        } else {
          known_[partition].erase(record);
        }
      }
    }
    for (const std::string& partition : outcome.fenced) {
      if (owned_.erase(partition) > 0) hooks_.on_own(partition, false);
    }
    for (Queued& one : *shared) one.done(ok);
    busy_ = false;
    Work();
  });
}

}  // namespace yizhan::cluster::testing
