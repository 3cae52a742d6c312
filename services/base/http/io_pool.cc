#include "base/http/io_pool.h"

#include <csignal>
#include <map>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "absl/synchronization/notification.h"
#include "base/http/sweep.h"
#include "base/thread_name.h"

namespace yizhan::http {
namespace {

namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

constexpr auto kTick = std::chrono::milliseconds(250);

}  // namespace

struct IoPool::Thread {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  asio::steady_timer timer{context};
  std::multimap<Steady::time_point, absl::AnyInvocable<void()>> later;
  Sweep sweep;
  std::thread thread;

  void Tick() {
    timer.expires_after(kTick);
    timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      auto now = Steady::now();
      while (!later.empty() && later.begin()->first <= now) {
        auto work = std::move(later.begin()->second);
        later.erase(later.begin());
        work();
      }
      sweep.Run(now);
      Tick();
    });
  }
};

IoPool::IoPool(size_t threads) : size_(threads == 0 ? 1 : threads) {
  std::signal(SIGPIPE, SIG_IGN);  // a peer that went away is an error of a write, not the end of the process
  threads_ = std::make_unique<std::unique_ptr<Thread>[]>(size_);
  for (size_t i = 0; i < size_; ++i) {
    threads_[i] = std::make_unique<Thread>();
    threads_[i]->Tick();
    threads_[i]->thread = std::thread([context = &threads_[i]->context] {
      NameThread("edge-io");
      context->run();
    });
  }
}

IoPool::~IoPool() { Stop(); }

size_t IoPool::size() const { return size_; }
asio::io_context& IoPool::context(size_t index) { return threads_[index]->context; }
Sweep& IoPool::sweep(size_t index) { return threads_[index]->sweep; }
size_t IoPool::Next() { return next_.fetch_add(1, std::memory_order_relaxed) % size_; }

void IoPool::Post(size_t index, absl::AnyInvocable<void()> work) {
  asio::post(threads_[index]->context, std::move(work));
}

void IoPool::After(size_t index, absl::Duration delay, absl::AnyInvocable<void()> work) {
  auto when = Steady::now() + absl::ToChronoNanoseconds(delay);
  Thread* thread = threads_[index].get();
  if (OnThread(index)) {
    thread->later.emplace(when, std::move(work));
  } else {
    Post(index, [thread, when, work = std::move(work)]() mutable { thread->later.emplace(when, std::move(work)); });
  }
}

void IoPool::RunAndWait(size_t index, absl::AnyInvocable<void()> work) {
  absl::Notification done;
  Post(index, [&] {
    work();
    done.Notify();
  });
  done.WaitForNotification();
}

bool IoPool::OnThread(size_t index) const { return threads_[index]->thread.get_id() == std::this_thread::get_id(); }

void IoPool::Stop() {
  for (size_t i = 0; i < size_; ++i) {
    if (!threads_[i]->thread.joinable()) continue;
    Post(i, [thread = threads_[i].get()] {
      thread->guard.reset();
      thread->timer.cancel();
      thread->later.clear();
      thread->context.stop();
    });
  }
  for (size_t i = 0; i < size_; ++i) {
    if (threads_[i]->thread.joinable()) threads_[i]->thread.join();
  }
}

}  // namespace yizhan::http
