#include "ldap/credentials/hash_limiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/status.h"

namespace yizhan::directory {
namespace {

TEST(HashLimiter, NeverMoreThanItsBoundAtOnceAndEverybodyServed) {
  HashLimiter limiter({.parallel = 3, .waiting = 100});
  std::atomic<int> inside = 0, most = 0, served = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        auto slot = limiter.Acquire(absl::Now() + absl::Seconds(60));
        ASSERT_TRUE(slot.ok()) << slot.status();
        const int now = ++inside;
        int seen = most.load();
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        std::this_thread::yield();
        --inside;
        ++served;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served, 800);
  EXPECT_LE(most, 3);
  EXPECT_EQ(limiter.running(), 0);
  EXPECT_EQ(limiter.waiting(), 0);
}

TEST(HashLimiter, RefusesBeyondTheQueueAtOnceWithAHint) {
  HashLimiter limiter({.parallel = 1, .waiting = 1});
  auto running = limiter.TryAcquire();
  ASSERT_TRUE(running.ok());
  std::thread waiter([&] { EXPECT_TRUE(limiter.Acquire(absl::InfiniteFuture()).ok()); });
  while (limiter.waiting() == 0) std::this_thread::yield();
  const auto refused = limiter.Acquire(absl::InfiniteFuture());
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused.status()), "HASHES_BUSY");
  EXPECT_GT(RetryAfterMs(refused.status()), 0);
  EXPECT_FALSE(limiter.TryAcquire().ok());
  { auto given_back = std::move(running); }
  waiter.join();
}

TEST(HashLimiter, GivesUpAtTheDeadline) {
  HashLimiter limiter({.parallel = 1, .waiting = 8});
  auto running = limiter.TryAcquire();
  ASSERT_TRUE(running.ok());
  EXPECT_EQ(ReasonOf(limiter.Acquire(absl::Now() + absl::Milliseconds(20)).status()), "HASHES_BUSY");
  EXPECT_EQ(limiter.waiting(), 0);
}

}  // namespace
}  // namespace yizhan::directory
