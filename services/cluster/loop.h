// Where the cluster's logic runs: one thread, one thing after another, with a clock that the simulator can turn.
#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace yizhan::cluster {

class Loop {
 public:
  virtual ~Loop() = default;

  // Runs `work` on the loop, after what was posted before. From any thread. Dropped when the loop has stopped.
  virtual void Post(absl::AnyInvocable<void()> work) = 0;
  // The same, `delay` later at the earliest.
  virtual void After(absl::Duration delay, absl::AnyInvocable<void()> work) = 0;
  // Never goes backwards, and has nothing to do with the time of day.
  virtual absl::Time Now() const = 0;
};

// One with a thread of its own.
class LoopThread : public Loop {
 public:
  // Drops what waits, waits for what runs; from then on everything is dropped. Once or more; the destructor calls it.
  virtual void Stop() = 0;
};
std::unique_ptr<LoopThread> MakeLoopThread(const char* name);

}  // namespace yizhan::cluster
