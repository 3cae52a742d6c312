#include "cluster/loop.h"

#include <condition_variable>
#include <ctime>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "base/thread_name.h"

namespace yizhan::cluster {
namespace {

absl::Time MonotonicNow() {
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);  // goes on while the machine sleeps: a lease does, too
  return absl::TimeFromTimespec(now);
}

class LoopThreadImpl : public LoopThread {
 public:
  explicit LoopThreadImpl(const char* name)
      : thread_([this, name = std::string(name)] {
          NameThread(name.c_str());
          Run();
        }) {}

  ~LoopThreadImpl() override { Stop(); }

  void Stop() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  void Post(absl::AnyInvocable<void()> work) override {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    ready_.push_back(std::move(work));
    changed_.notify_all();
  }

  void After(absl::Duration delay, absl::AnyInvocable<void()> work) override {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    timers_.emplace(MonotonicNow() + delay, std::move(work));
    changed_.notify_all();
  }

  absl::Time Now() const override { return MonotonicNow(); }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const absl::Time now = MonotonicNow();
      while (!timers_.empty() && timers_.begin()->first <= now) {
        ready_.push_back(std::move(timers_.begin()->second));
        timers_.erase(timers_.begin());
      }
      if (ready_.empty()) {
        if (timers_.empty()) {
          changed_.wait(lock);
        } else {
          changed_.wait_for(lock, absl::ToChronoNanoseconds(timers_.begin()->first - now));
        }
        continue;
      }
      std::deque<absl::AnyInvocable<void()>> work;
      work.swap(ready_);
      lock.unlock();
      for (auto& each : work) each();
      work.clear();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<absl::AnyInvocable<void()>> ready_;
  std::multimap<absl::Time, absl::AnyInvocable<void()>> timers_;
  bool stopping_ = false;
  std::thread thread_;
};
}  // namespace

std::unique_ptr<LoopThread> MakeLoopThread(const char* name) { return std::make_unique<LoopThreadImpl>(name); }

}  // namespace yizhan::cluster
