// The simulator's time and chance: events in the order of a virtual clock, everything random from one seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "cluster/loop.h"

namespace yizhan::cluster::testing {

class SimWorld {
 public:
  explicit SimWorld(uint64_t seed) : random_(seed) {}

  absl::Time now() const { return now_; }
  void At(absl::Time time, absl::AnyInvocable<void()> work) {
    events_.emplace(std::pair(std::max(time, now_), next_++), std::move(work));
  }
  void In(absl::Duration delay, absl::AnyInvocable<void()> work) { At(now_ + delay, std::move(work)); }
  // Runs events until the clock has come to `until`.
  void Run(absl::Time until) {
    while (!events_.empty() && events_.begin()->first.first <= until) {
      auto node = events_.extract(events_.begin());
      now_ = node.key().first;
      ++steps_;
      node.mapped()();
    }
    now_ = until;
  }
  uint64_t steps() const { return steps_; }

  uint64_t Bits() { return random_(); }
  // [0, bound)
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool Chance(double probability) { return std::uniform_real_distribution<double>()(random_) < probability; }
  absl::Duration Between(absl::Duration low, absl::Duration high) {
    return low + (high - low) * std::uniform_real_distribution<double>()(random_);
  }

 private:
  absl::Time now_ = absl::UnixEpoch() + absl::Hours(1);
  uint64_t next_ = 0;
  uint64_t steps_ = 0;
  std::multimap<std::pair<absl::Time, uint64_t>, absl::AnyInvocable<void()>> events_;
  std::mt19937_64 random_;
};

// A process: nothing of it runs once it is dead, nothing while it is stopped.
struct SimProcess {
  bool dead = false;
  absl::Time stopped_until = absl::InfinitePast();
};

class SimLoop : public Loop {
 public:
  // `rate`: how fast this machine's clock runs.
  SimLoop(SimWorld* world, std::shared_ptr<SimProcess> process, double rate)
      : world_(world), process_(std::move(process)), rate_(rate), begin_(world->now()) {}

  void Post(absl::AnyInvocable<void()> work) override { Schedule(absl::ZeroDuration(), std::move(work)); }
  void After(absl::Duration delay, absl::AnyInvocable<void()> work) override {
    Schedule(delay / rate_, std::move(work));
  }
  absl::Time Now() const override { return begin_ + (world_->now() - begin_) * rate_; }

 private:
  void Schedule(absl::Duration delay, absl::AnyInvocable<void()> work) {
    world_->In(delay, [this, process = process_, work = std::move(work)]() mutable {
      if (process->dead) return;
      if (process->stopped_until > world_->now()) {
        // In order: what waits longest runs first, because it asks first.
        return world_->At(process->stopped_until, [this, process, work = std::move(work)]() mutable {
          if (process->dead) return;
          if (process->stopped_until > world_->now()) return Schedule(absl::ZeroDuration(), std::move(work));
          work();
        });
      }
      work();
    });
  }

  SimWorld* const world_;
  const std::shared_ptr<SimProcess> process_;
  const double rate_;
  const absl::Time begin_;
};

}  // namespace yizhan::cluster::testing
