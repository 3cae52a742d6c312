#include "ldap/service/worker_pool.h"

#include <pthread.h>

#include <utility>

#include "absl/time/clock.h"
#include "base/status.h"

namespace yizhan::directory {
namespace {

absl::Status Stopped() {
  return RefuseForNow(absl::StatusCode::kUnavailable, "STOPPING", "the directory is stopping; try again shortly", 1'000);
}

}  // namespace

WorkerPool::WorkerPool(std::string name, int threads, size_t max_queued) : max_queued_(max_queued) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Run(); });
    pthread_setname_np(threads_.back().native_handle(), name.substr(0, 15).c_str());
  }
}

WorkerPool::~WorkerPool() { Stop(); }

void WorkerPool::Post(absl::Time deadline, Job job) {
  absl::Status refused;
  {
    absl::MutexLock lock(&mu_);
    if (!stopped_ && queue_.size() < max_queued_) {
      queue_.push_back({deadline, std::move(job)});
      return;
    }
    refused = stopped_ ? Stopped()
                       : RefuseForNow(absl::StatusCode::kResourceExhausted, "LOG_INS_BUSY",
                                      "too many passwords are being looked at; try again shortly", 1'000);
  }
  job(refused);
}

void WorkerPool::Stop() {
  std::deque<Waiting> left;
  {
    absl::MutexLock lock(&mu_);
    stopped_ = true;
    left.swap(queue_);
  }
  for (Waiting& waiting : left) waiting.job(Stopped());
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

size_t WorkerPool::queued() const {
  absl::MutexLock lock(&mu_);
  return queue_.size();
}

void WorkerPool::Run() {
  for (;;) {
    Waiting next;
    {
      absl::MutexLock lock(&mu_);
      auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopped_ || !queue_.empty(); };
      mu_.Await(absl::Condition(&ready));
      if (queue_.empty()) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    if (absl::Now() >= next.deadline) {
      next.job(Refuse(absl::StatusCode::kDeadlineExceeded, "DEADLINE", "the deadline passed while the password waited to be looked at"));
    } else {
      next.job(absl::OkStatus());
    }
  }
}

}  // namespace yizhan::directory
