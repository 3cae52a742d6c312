#include "ledger/arrivals.h"

#include <iterator>
#include <utility>

#include "absl/time/clock.h"

namespace yizhan::ledger {

Arrivals::Arrivals(Ledger* ledger) : ledger_(ledger) {
  ledger_->OnCommit([this] { Looked(); });
}

uint64_t Arrivals::Head(const PartitionId& partition) const {
  auto info = ledger_->Info(partition);
  return info.ok() ? info->head : 0;
}

void Arrivals::WaitFor(const PartitionId& partition, uint64_t seq, absl::Duration patience,
                       absl::AnyInvocable<void(bool)> done) {
  bool there = false;
  {
    std::lock_guard lock(mutex_);
    // Under the lock: a record that comes now is looked for behind it.
    there = Head(partition) >= seq;
    if (!there && !closed_) {
      waiters_.push_back({partition, seq, absl::Now() + patience, std::move(done)});
      return;
    }
  }
  done(there);
}

void Arrivals::Looked() {
  std::list<Waiter> ready;
  {
    std::lock_guard lock(mutex_);
    for (auto it = waiters_.begin(); it != waiters_.end();) {
      auto next = std::next(it);
      if (Head(it->partition) >= it->seq) ready.splice(ready.end(), waiters_, it);
      it = next;
    }
  }
  for (Waiter& waiter : ready) waiter.done(true);
}

void Arrivals::Sweep(bool all) {
  std::list<Waiter> late;
  {
    std::lock_guard lock(mutex_);
    closed_ = closed_ || all;
    const absl::Time now = absl::Now();
    for (auto it = waiters_.begin(); it != waiters_.end();) {
      auto next = std::next(it);
      if (all || it->until <= now) late.splice(late.end(), waiters_, it);
      it = next;
    }
  }
  for (Waiter& waiter : late) waiter.done(false);
}

}  // namespace yizhan::ledger
