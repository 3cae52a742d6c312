#include "admin/service/clock_watch.h"

#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/logging.h"
#include "base/thread_name.h"

namespace yizhan::admin {

using yizhan::admin::v1::ComponentHealth;

ClockWatch::Clocks ClockWatch::Machine() {
  return {[] { return absl::Now(); },
          [] { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }};
}

ClockWatch::ClockWatch(Clocks clocks) : clocks_(std::move(clocks)) {
  absl::MutexLock lock(&mutex_);
  offset_ = Offset();
}

ClockWatch::~ClockWatch() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void ClockWatch::Start() {
  thread_ = std::thread([this] {
    NameThread("admin-clock");
    while (true) {
      {
        absl::MutexLock lock(&mutex_);
        if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), absl::Seconds(1))) return;
      }
      Look();
    }
  });
}

absl::Duration ClockWatch::Offset() const { return clocks_.wall() - absl::UnixEpoch() - clocks_.steady(); }

void ClockWatch::Look() {
  absl::MutexLock lock(&mutex_);
  const absl::Duration offset = Offset(), jump = offset - offset_;
  offset_ = offset;
  if (absl::AbsDuration(jump) < kJump) return;
  jump_ = jump;
  jumped_at_ = clocks_.steady();
  log::Warning("clock", "the machine's clock jumped; what is recorded keeps its order, its times are off")
      .With("by_seconds", absl::ToDoubleSeconds(jump));
}

ComponentHealth ClockWatch::health() const {
  absl::MutexLock lock(&mutex_);
  ComponentHealth health;
  health.set_name("clock");
  const absl::Duration ago = clocks_.steady() - jumped_at_;
  if (jump_ == absl::ZeroDuration() || ago > kTold) {
    health.set_state(ComponentHealth::STATE_OK);
    health.set_message("has not jumped within the last hour");
    return health;
  }
  health.set_state(ComponentHealth::STATE_DEGRADED);
  health.set_message(
      absl::StrCat("it jumped by ", absl::FormatDuration(absl::Trunc(jump_, absl::Seconds(1))), " ",
                   absl::FormatDuration(absl::Trunc(ago, absl::Seconds(1))),
                   " ago; look at the machine's time service. What is recorded keeps its order, its times are off"));
  return health;
}

}  // namespace yizhan::admin
