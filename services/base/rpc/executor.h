// Threads for what must not run on its caller's stack.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace yizhan::rpc {

// Runs what is posted, begun in the order of posting. Thread-safe. Holds no bound: whoever posts has one.
class Executor {
 public:
  // `threads` (at least 1) are started at the first Post().
  explicit Executor(size_t threads);
  // Stop() was called, or nothing was ever posted.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // After Stop() it runs at once, on the caller's thread.
  void Post(absl::AnyInvocable<void()> work);
  // Runs what was posted and ends the threads. Not from one of them. Once or more.
  void Stop();

 private:
  void Run();

  const size_t size_;
  absl::Mutex mutex_;
  absl::CondVar posted_;
  std::deque<absl::AnyInvocable<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

// Runs what is posted one after another, on an executor's threads. Thread-safe.
class Strand : public std::enable_shared_from_this<Strand> {
 public:
  // The executor outlives it.
  explicit Strand(Executor* executor) : executor_(executor) {}
  void Post(absl::AnyInvocable<void()> work);

 private:
  void Run();

  Executor* const executor_;
  absl::Mutex mutex_;
  std::deque<absl::AnyInvocable<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace yizhan::rpc
