// How many password hashes run at once. Each takes some 19 MiB and a core for some 20 ms; without a bound a storm of
// log-ins takes the machine's memory.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace yizhan::directory {

// Thread-safe. Must outlive its slots.
class HashLimiter {
 public:
  struct Bounds {
    int parallel = 2;                                       // hashes that run at once; memory = parallel x cost
    int waiting = 64;                                       // callers that may wait; beyond, refused at once
    absl::Duration expected_hash = absl::Milliseconds(30);  // for the retry hint only
  };

  // The right to run one hash; given back by the destructor.
  class Slot {
   public:
    Slot(Slot&& other) noexcept : limiter_(other.limiter_) { other.limiter_ = nullptr; }
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (limiter_ != nullptr) limiter_->Release();
    }

   private:
    friend class HashLimiter;
    explicit Slot(HashLimiter* limiter) : limiter_(limiter) {}
    HashLimiter* limiter_;
  };

  explicit HashLimiter(Bounds bounds);

  // Waits for a slot until `deadline`: blocks the caller's thread, so it is not for a thread that must not block.
  // ResourceExhausted HASHES_BUSY with a retry hint when `waiting` callers wait already, or the deadline comes first.
  absl::StatusOr<Slot> Acquire(absl::Time deadline);

  // A slot if one is free and nobody waits; never blocks. ResourceExhausted HASHES_BUSY otherwise.
  absl::StatusOr<Slot> TryAcquire();

  int running() const;
  int waiting() const;

 private:
  void Release();
  absl::Status Busy() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Bounds bounds_;
  mutable absl::Mutex mutex_;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace yizhan::directory
