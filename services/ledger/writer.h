// The one writer: takes the commands that wait, decides them one after another, commits what they appended in one
// write.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
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
#include "ledger/ledger.h"
#include "ledger/row_cache.h"

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
  // Runs `task` on the writer between two batches and waits for it; on this thread when the writer does not run.
  absl::Status Run(absl::AnyInvocable<absl::Status()> task);

 private:
  struct Queued {
    PartitionCore* partition;
    Command command;
  };
  struct Task {
    absl::AnyInvocable<absl::Status()> run;
    absl::Status status;
    bool done = false;
  };
  class StoreWrite;

  size_t Waiting();
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
  absl::Status Commit();
  void Forget();
  // Ok while there is room on the disk and the store takes writes; looks again about once a second.
  absl::Status CheckRoom();
  int64_t NowUs() const;

  const Options& options_;
  Folder& folder_;
  Committer& committer_;
  Completion& completion_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Queued> queue_;
  std::vector<Task*> tasks_;
  bool running_ = false;
  bool stopping_ = false;
  std::atomic<size_t> taken_{0};  // taken from the queue and not decided yet
  std::thread thread_;

  const metrics::GaugeFunction queue_length_;

  // The writer's own.
  std::unique_ptr<rocksdb::WriteBatch> write_;
  std::vector<PartitionCore*> touched_;
  size_t batch_bytes_ = 0;
  RowCache rows_{16 << 20};
  int64_t room_checked_us_ = 0;
  absl::Status room_;
  bool store_refuses_ = false;
};

}  // namespace yizhan::ledger
