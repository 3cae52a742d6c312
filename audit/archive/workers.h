// A few threads for the auditors' work, which waits for disks and for the log; calls must not.
#pragma once

#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace yizhan::audit {

class Workers {
 public:
  Workers(int threads, size_t max_queued);
  ~Workers();  // stops

  // False when the queue is full or the workers stop: the job was not taken.
  bool Post(absl::AnyInvocable<void()> job);
  // Finishes what runs, drops what waits.
  void Stop();

 private:
  void Run();
  const size_t max_queued_;
  absl::Mutex mutex_;
  std::deque<absl::AnyInvocable<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace yizhan::audit
