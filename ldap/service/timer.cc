#include "ldap/service/timer.h"

#include <pthread.h>

#include <utility>

#include "absl/time/clock.h"

namespace yizhan::directory {

Timer::Timer(size_t bound) : bound_(bound), thread_([this] { Run(); }) { pthread_setname_np(thread_.native_handle(), "directory-timer"); }

Timer::~Timer() { Stop(); }

void Timer::After(absl::Duration wait, absl::AnyInvocable<void()> then) {
  {
    absl::MutexLock lock(&mu_);
    if (!stopped_ && waiting_.size() < bound_) {
      waiting_.emplace(absl::Now() + wait, std::move(then));
      return;
    }
  }
  then();
}

void Timer::Stop() {
  std::multimap<absl::Time, absl::AnyInvocable<void()>> left;
  {
    absl::MutexLock lock(&mu_);
    stopped_ = true;
    left.swap(waiting_);
  }
  for (auto& [at, then] : left) then();
  if (thread_.joinable()) thread_.join();
}

void Timer::Run() {
  for (;;) {
    absl::AnyInvocable<void()> then;
    {
      absl::MutexLock lock(&mu_);
      // Awake when stopped, when something is due, and when an earlier one has come in front.
      const absl::Time first = waiting_.empty() ? absl::InfiniteFuture() : waiting_.begin()->first;
      auto changed = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return stopped_ || (!waiting_.empty() && waiting_.begin()->first < first);
      };
      mu_.AwaitWithDeadline(absl::Condition(&changed), first);
      if (stopped_) return;
      if (waiting_.empty() || waiting_.begin()->first > absl::Now()) continue;
      then = std::move(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
    }
    then();
  }
}

}  // namespace yizhan::directory
