// The one writer: takes the commands that wait, decides them one after another, commits what they appended in one
// write.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/metrics.h"
#include "ledger/commit.h"
#include "ledger/completion.h"
#include "ledger/core.h"
#include "ledger/ingest.h"
#include "ledger/ledger.h"
#include "ledger/pending_batch.h"
#include "ledger/room.h"

namespace yizhan::ledger {

class Writer {
 public:
  // All outlive the writer.
  Writer(const Options* options, Folder* folder, Committer* committer, Completion* completion);
  ~Writer();

  void Start();
  // Refuses what comes, finishes what waits.
  void Stop();
  void Submit(PartitionCore* partition, Command command);
  // As the ledger's calls of these names.
  void Own(PartitionCore* partition, bool owned, absl::AnyInvocable<void(absl::Status)> done);
  void Ingest(std::vector<Arrived> arrived, absl::AnyInvocable<void(absl::Status)> done);
  // Has the writer look whether the disk takes writes again, soon.
  void LookForRoom();
  // On the writer, or while there is none.
  static absl::Status SetOwned(PartitionCore& partition, bool owned);

 private:
  struct Queued {
    PartitionCore* partition;
    Command command;
  };
  // Called with ok on the writer between two batches; with a refusal at once.
  using Task = absl::AnyInvocable<void(absl::Status)>;

  size_t Waiting();
  bool Stalled() const;
  void Post(Task task);
  void RunTasks();
  // Has `done` called behind everything that is in `completed` or was handed over before.
  void Tell(std::unique_ptr<Completed> completed, absl::AnyInvocable<void(absl::Status)> done, absl::Status status);
  void Loop();
  // Decides queued_[begin...) as far as one batch goes and commits it. Returns where it stopped.
  size_t Batch(std::vector<Queued>& taken, size_t begin);
  // `room`: what refuses whatever would have to be written. What is answered without writing is answered all the same.
  absl::StatusOr<Command::Outcome> Carry(PartitionCore& partition, Command& command, const absl::Status& room);
  // Whether the request has been carried out: then its outcome.
  absl::StatusOr<std::optional<Command::Outcome>> Repeated(const PartitionCore& partition, uint64_t fingerprint,
                                                           const Command& command) const;
  absl::StatusOr<Record> RecordAt(const PartitionCore& partition, uint64_t seq) const;
  absl::Status Append(PartitionCore& partition, std::vector<Record> records, uint64_t fingerprint);
  // Ok: it is committed. Else what the batch's commands are refused with, but for those on partitions that are not
  // owned any more.
  absl::Status Commit();

  const Options& options_;
  Folder& folder_;
  Committer& committer_;
  Completion& completion_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Queued> queue_;
  std::vector<Task> tasks_;
  bool running_ = false;
  bool stopping_ = false;
  std::atomic<size_t> taken_{0};  // taken from the queue and not decided yet
  std::atomic<bool> tasks_wait_{false};
  std::atomic<size_t> ingest_bytes_{0};  // waiting to be taken in
  std::thread thread_;

  const metrics::GaugeFunction queue_length_;

  const int64_t stalled_ns_;                 // 0: never
  std::atomic<int64_t> commit_since_ns_{0};  // when the Commit under way has begun; 0: none, or nobody asks

  // The writer's own.
  Room room_;
  PendingBatch batch_;
  Ingester ingester_;
  size_t max_command_bytes_ = 0;
};

}  // namespace yizhan::ledger
