// Notices when the machine's clock jumps: what is recorded keeps its order whatever the clock says, and people should
// know that its times are off.
#pragma once

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "yizhan/admin/v1/admin_service.pb.h"

namespace yizhan::admin {

class ClockWatch {
 public:
  // The wall clock, and one that only grows; the machine's own unless a test says otherwise.
  struct Clocks {
    std::function<absl::Time()> wall;
    std::function<absl::Duration()> steady;
  };
  // More than an administrator's or a time service's small step.
  static constexpr absl::Duration kJump = absl::Seconds(2);
  // For how long health speaks of it.
  static constexpr absl::Duration kTold = absl::Hours(1);

  explicit ClockWatch(Clocks clocks = Machine());
  ~ClockWatch();  // stops

  // Looks every second from now on.
  void Start();
  // Looks now: how far the wall clock has gone beside the other since the last look; logs a jump.
  void Look();

  // Degraded for an hour after a jump, with how far and when.
  yizhan::admin::v1::ComponentHealth health() const;

 private:
  static Clocks Machine();
  absl::Duration Offset() const;

  const Clocks clocks_;
  std::thread thread_;
  mutable absl::Mutex mutex_;
  absl::Duration offset_ ABSL_GUARDED_BY(mutex_);
  absl::Duration jump_ ABSL_GUARDED_BY(mutex_);       // the last one; zero: none
  absl::Duration jumped_at_ ABSL_GUARDED_BY(mutex_);  // by the steady clock
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace yizhan::admin
