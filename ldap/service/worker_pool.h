// Threads for what blocks: password hashing, waiting for LDAP.
#pragma once

#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace yizhan::directory {

class WorkerPool {
 public:
  // Called once, with OK to do the work, or with why it will not be done: ResourceExhausted LOG_INS_BUSY (the queue is full, at once and on
  // the posting thread), DeadlineExceeded (it waited too long), Unavailable (stopped).
  using Job = absl::AnyInvocable<void(absl::Status)>;

  // `name` is the threads'; at most `max_queued` jobs wait.
  WorkerPool(std::string name, int threads, size_t max_queued);
  ~WorkerPool();

  void Post(absl::Time deadline, Job job);
  // Finishes what runs, refuses what waits. Once is enough.
  void Stop();
  size_t queued() const;

 private:
  struct Waiting {
    absl::Time deadline;
    Job job;
  };
  void Run();

  const size_t max_queued_;
  mutable absl::Mutex mu_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<Waiting> queue_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> threads_;
};

}  // namespace yizhan::directory
