#include "ledger/completion.h"

#include "absl/types/span.h"
#include "base/thread_name.h"

namespace yizhan::ledger {
namespace {
constexpr size_t kMaxWaiting = 4;
}

void Completion::OnCommit(absl::AnyInvocable<void()> wake) {
  std::lock_guard lock(wakes_mutex_);
  wakes_.push_back(std::make_shared<absl::AnyInvocable<void()>>(std::move(wake)));
}

void Completion::Start() {
  thread_ = std::thread([this] {
    NameThread("ledger-complete");
    Run();
  });
}

void Completion::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Completion::HandOver(std::unique_ptr<Completed> batch) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting_.size() < kMaxWaiting; });
  waiting_.push_back(std::move(batch));
  lock.unlock();
  changed_.notify_all();
}

void Completion::Run() {
  for (;;) {
    std::unique_ptr<Completed> batch;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      batch = std::move(waiting_.front());
      waiting_.pop_front();
    }
    changed_.notify_all();
    for (auto& [partition, records] : batch->appended) {
      for (Ledger::Listener& listener : partition->service->listeners) listener(partition->id, records);
    }
    for (Completed::Answer& answer : batch->answers) {
      if (answer.done) answer.done(std::move(answer.outcome));
    }
    if (!batch->appended.empty()) {
      std::vector<std::shared_ptr<absl::AnyInvocable<void()>>> wakes;
      {
        std::lock_guard lock(wakes_mutex_);
        wakes = wakes_;
      }
      for (auto& wake : wakes) (*wake)();
    }
    if (batch->after) batch->after();
  }
}

}  // namespace yizhan::ledger
