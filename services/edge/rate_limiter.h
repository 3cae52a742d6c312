// How often one address may do what anybody may do: log in, begin a visit.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace yizhan::edge {

// A token bucket for each address (IPv6: each /64). Thread-safe. Bounded: the oldest half is forgotten when it is full,
// which lets at most as many more through as there are addresses.
class RateLimiter {
 public:
  struct Limits {
    double per_second = 20;
    double burst = 100;
    size_t addresses = 100'000;
  };
  explicit RateLimiter(const Limits& limits) : limits_(limits) {}

  // Zero when it may; else how long to wait.
  absl::Duration Take(std::string_view address, absl::Time now);

 private:
  struct Bucket {
    double left;
    absl::Time at;
  };
  static std::string Key(std::string_view address);

  const Limits limits_;
  absl::Mutex mutex_;
  std::unordered_map<std::string, Bucket> young_ ABSL_GUARDED_BY(mutex_), old_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace yizhan::edge
