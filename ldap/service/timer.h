// Calls later, on one thread.
#pragma once

#include <map>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace yizhan::directory {

class Timer {
 public:
  // At most `bound` calls wait.
  explicit Timer(size_t bound);
  ~Timer();

  // Calls `then` on the timer's thread, where it must not block, in `wait` or later. At the bound, and when stopped, it is called at once
  // on this thread: a delay is given up rather than a call.
  void After(absl::Duration wait, absl::AnyInvocable<void()> then);
  // Calls all that wait, now. Once is enough.
  void Stop();

 private:
  void Run();

  const size_t bound_;
  absl::Mutex mu_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::multimap<absl::Time, absl::AnyInvocable<void()>> waiting_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace yizhan::directory
