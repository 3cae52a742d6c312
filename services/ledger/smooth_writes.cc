#include "ledger/smooth_writes.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>

#include "rocksdb/rate_limiter.h"

namespace yizhan::ledger {
namespace {
constexpr int64_t kBytesPerSecond = 32 << 20;
constexpr int64_t kPortion = 64 << 10;

// Each request is given its time, and sleeps until then. RocksDB's own (7.8) lets waiters wake one another and at times
// leaves one asleep for good; with portions of 64 KiB and periods of 2 ms, once in thirty runs of a test. The store
// then cannot be closed, and in the end takes no writes.
class Pace final : public rocksdb::RateLimiter {
 public:
  using rocksdb::RateLimiter::Request;
  void Request(const int64_t bytes, const rocksdb::Env::IOPriority priority, rocksdb::Statistics*) override {
    const auto takes = std::chrono::nanoseconds(bytes * 1'000'000'000 / kBytesPerSecond);
    Clock::time_point at;
    {
      std::lock_guard lock(mutex_);
      ++requests_[priority];
      bytes_[priority] += bytes;
      const auto now = Clock::now();
      // What others do waits for flushes, and never the other way round: writers wait for those.
      Clock::time_point& turn = priority >= rocksdb::Env::IO_HIGH ? flushes_ : others_;
      at = std::max(turn, now);
      turn = at + takes;
      if (&turn == &flushes_) others_ = std::max(others_, now) + takes;
    }
    std::this_thread::sleep_until(at);
  }

  void SetBytesPerSecond(int64_t) override {}
  int64_t GetBytesPerSecond() const override { return kBytesPerSecond; }
  int64_t GetSingleBurstBytes() const override { return kPortion; }
  int64_t GetTotalBytesThrough(const rocksdb::Env::IOPriority priority) const override { return Sum(bytes_, priority); }
  int64_t GetTotalRequests(const rocksdb::Env::IOPriority priority) const override { return Sum(requests_, priority); }

 private:
  using Clock = std::chrono::steady_clock;
  using Counts = std::array<int64_t, rocksdb::Env::IO_TOTAL>;

  int64_t Sum(const Counts& counts, rocksdb::Env::IOPriority priority) const {
    std::lock_guard lock(mutex_);
    if (priority != rocksdb::Env::IO_TOTAL) return counts[priority];
    int64_t sum = 0;
    for (int64_t count : counts) sum += count;
    return sum;
  }

  mutable std::mutex mutex_;
  Clock::time_point flushes_, others_;  // when the next request of its kind has its turn
  Counts bytes_{}, requests_{};
};
}  // namespace

void SmoothWrites(rocksdb::DBOptions& options) {
  static const auto pace = std::make_shared<Pace>();
  options.rate_limiter = pace;
  options.writable_file_max_buffer_size = kPortion;
  options.bytes_per_sync = 512 << 10;
  options.wal_bytes_per_sync = 256 << 10;
}

}  // namespace yizhan::ledger
