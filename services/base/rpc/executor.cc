#include "base/rpc/executor.h"

#include <algorithm>
#include <utility>

namespace yizhan::rpc {
Executor::Executor(size_t threads) : size_(std::max<size_t>(threads, 1)) {}

Executor::~Executor() { Stop(); }

void Executor::Post(absl::AnyInvocable<void()> work) {
  {
    absl::MutexLock lock(&mutex_);
    if (!stopping_) {
      if (threads_.empty()) {
        for (size_t i = 0; i < size_; ++i) threads_.emplace_back([this] { Run(); });
      }
      queue_.push_back(std::move(work));
      if (waiting_ > 0) posted_.Signal();
      return;
    }
  }
  work();
}

void Executor::Run() {
  absl::MutexLock lock(&mutex_);
  for (;;) {
    while (queue_.empty()) {
      if (stopping_) return;
      ++waiting_;
      posted_.Wait(&mutex_);
      --waiting_;
    }
    absl::AnyInvocable<void()> work = std::move(queue_.front());
    queue_.pop_front();
    mutex_.Unlock();
    work();
    work = nullptr;  // what it holds goes without the lock
    mutex_.Lock();
  }
}

void Executor::Stop() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    threads.swap(threads_);
    posted_.SignalAll();
  }
  for (std::thread& thread : threads) thread.join();
}

void Strand::Post(absl::AnyInvocable<void()> work) {
  {
    absl::MutexLock lock(&mutex_);
    queue_.push_back(std::move(work));
    if (std::exchange(running_, true)) return;
  }
  executor_->Post([self = shared_from_this()] { self->Run(); });
}

void Strand::Run() {
  for (;;) {
    absl::AnyInvocable<void()> work;
    {
      absl::MutexLock lock(&mutex_);
      if (queue_.empty()) {
        running_ = false;
        return;
      }
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace yizhan::rpc
