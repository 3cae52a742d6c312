// Time as something that a test can hold still.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"

namespace yizhan {

class Clock {
 public:
  virtual ~Clock() = default;
  // The wall clock. Thread-safe.
  virtual absl::Time Now() const = 0;
  int64_t NowUs() const { return absl::ToUnixMicros(Now()); }
};

// The machine's clock; lives for ever.
const Clock& RealClock();

// Stands still until told otherwise. Thread-safe.
class FakeClock : public Clock {
 public:
  explicit FakeClock(absl::Time now = absl::FromUnixSeconds(1'700'000'000)) : us_(absl::ToUnixMicros(now)) {}
  absl::Time Now() const override { return absl::FromUnixMicros(us_.load()); }
  void Advance(absl::Duration by) { us_.fetch_add(absl::ToInt64Microseconds(by)); }
  void Set(absl::Time now) { us_.store(absl::ToUnixMicros(now)); }

 private:
  std::atomic<int64_t> us_;
};

}  // namespace yizhan
