// The edge's threads: each runs an io_context of its own, and what lives on one is touched by that one alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace boost::asio {
class io_context;
}

namespace yizhan::http {

class Sweep;

class IoPool {
 public:
  // Starts `threads` threads (at least 1). SIGPIPE is ignored from here on.
  explicit IoPool(size_t threads);
  // Stops.
  ~IoPool();
  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;

  size_t size() const;
  boost::asio::io_context& context(size_t index);
  // The thread for the next connection, in turn.
  size_t Next();
  // Runs on a thread, soon; from any thread. Dropped after Stop().
  void Post(size_t index, absl::AnyInvocable<void()> work);
  // Runs on a thread after a while, at most half a second late: for time-outs and retries, not for timing. Dropped
  // after Stop().
  void After(size_t index, absl::Duration delay, absl::AnyInvocable<void()> work);
  // Runs on a thread and waits for it; not from a thread of the pool.
  void RunAndWait(size_t index, absl::AnyInvocable<void()> work);
  // The deadlines of what lives on a thread.
  Sweep& sweep(size_t index);
  // Whether the caller runs on that thread.
  bool OnThread(size_t index) const;
  // Ends the threads, once what was posted before has run. Once; what belongs to them is to be closed before.
  void Stop();

 private:
  struct Thread;
  std::unique_ptr<std::unique_ptr<Thread>[]> threads_;
  size_t size_;
  std::atomic<size_t> next_{0};
};

}  // namespace yizhan::http
