// Time by a clock that nobody sets, and what happens later.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include <grpc/support/time.h>
#include <grpcpp/alarm.h>

#include "absl/time/time.h"

namespace yizhan::cluster::etcd {

// Monotonic; has nothing to do with the time of day.
inline absl::Time Now() {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

// The moment `delay` from now, for gRPC's deadlines and alarms: by that clock as well.
inline gpr_timespec In(absl::Duration delay) {
  const int64_t ns = absl::ToInt64Nanoseconds(std::max(delay, absl::ZeroDuration()));
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(ns, GPR_TIMESPAN));
}

// Runs `work` on a thread of gRPC's, `delay` later, never inside this call.
inline void RunAfter(absl::Duration delay, std::function<void()> work) {
  auto alarm = std::make_shared<grpc::Alarm>();
  grpc::Alarm* const raw = alarm.get();
  raw->Set(In(delay), [alarm = std::move(alarm), work = std::move(work)](bool) mutable {
    work();
    alarm.reset();  // it holds this function, which holds it
  });
}

}  // namespace yizhan::cluster::etcd
