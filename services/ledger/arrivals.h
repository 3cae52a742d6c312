// Waiting for records that are committed elsewhere to be in this replica.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "ledger/ledger.h"

namespace yizhan::ledger {

// Thread-safe.
class Arrivals {
 public:
  // `ledger` outlives it, and is stopped before it goes: it listens there from now on.
  explicit Arrivals(Ledger* ledger);

  // `done` runs once the replica has a partition's record `seq` (true; at once where it has it), or at a Sweep() behind
  // `patience` without it (false). On the calling thread, the completion thread, or Sweep()'s.
  void WaitFor(const PartitionId& partition, uint64_t seq, absl::Duration patience,
               absl::AnyInvocable<void(bool)> done);
  // Lets go of those who have waited long enough, or of all of them. Whoever owns this calls it every second or so.
  void Sweep(bool all = false);

 private:
  struct Waiter {
    PartitionId partition;
    uint64_t seq;
    absl::Time until;
    absl::AnyInvocable<void(bool)> done;
  };
  void Looked();
  uint64_t Head(const PartitionId& partition) const;

  Ledger* const ledger_;
  std::mutex mutex_;
  std::list<Waiter> waiters_;
  bool closed_ = false;
};

}  // namespace yizhan::ledger
