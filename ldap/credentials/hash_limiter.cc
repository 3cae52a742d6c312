#include "ldap/credentials/hash_limiter.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::directory {

HashLimiter::HashLimiter(Bounds bounds) : bounds_(bounds) {}

absl::Status HashLimiter::Busy() const {
  const int64_t turns = waiting_ / std::max(1, bounds_.parallel) + 1;
  const int64_t hint = std::clamp<int64_t>(absl::ToInt64Milliseconds(bounds_.expected_hash) * turns, 100, 10000);
  return RefuseForNow(
      absl::StatusCode::kResourceExhausted, "HASHES_BUSY",
      absl::StrCat("too many log-ins at once (", running_, " being checked, ", waiting_, " waiting); try again"),
      static_cast<int>(hint));
}

absl::StatusOr<HashLimiter::Slot> HashLimiter::Acquire(absl::Time deadline) {
  absl::MutexLock lock(&mutex_);
  if (running_ >= bounds_.parallel) {
    if (waiting_ >= bounds_.waiting) return Busy();
    ++waiting_;
    const auto slot_free = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return running_ < bounds_.parallel; };
    const bool free = mutex_.AwaitWithDeadline(absl::Condition(&slot_free), deadline);
    --waiting_;
    if (!free) return Busy();
  }
  ++running_;
  return Slot(this);
}

absl::StatusOr<HashLimiter::Slot> HashLimiter::TryAcquire() {
  absl::MutexLock lock(&mutex_);
  if (running_ >= bounds_.parallel || waiting_ > 0) return Busy();
  ++running_;
  return Slot(this);
}

void HashLimiter::Release() {
  absl::MutexLock lock(&mutex_);
  --running_;
}

int HashLimiter::running() const {
  absl::MutexLock lock(&mutex_);
  return running_;
}

int HashLimiter::waiting() const {
  absl::MutexLock lock(&mutex_);
  return waiting_;
}

}  // namespace yizhan::directory
