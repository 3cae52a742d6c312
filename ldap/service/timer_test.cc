#include "ldap/service/timer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/status.h"
#include "ldap/service/worker_pool.h"

namespace yizhan::directory {
namespace {

TEST(Timer, CallsInTheOrderOfTime) {
  Timer timer(100);
  std::vector<int> order;
  absl::Notification done;
  timer.After(absl::Milliseconds(60), [&] { order.push_back(2), done.Notify(); });
  timer.After(absl::Milliseconds(20), [&] { order.push_back(1); });  // in front of the one that is waited for
  done.WaitForNotification();
  EXPECT_THAT(order, testing::ElementsAre(1, 2));
}

TEST(Timer, GivesUpTheDelayNotTheCall) {
  Timer timer(1);
  std::atomic<int> calls{0};
  timer.After(absl::Hours(1), [&] { ++calls; });
  timer.After(absl::Hours(1), [&] { ++calls; });  // at the bound
  EXPECT_EQ(calls, 1);
  timer.Stop();
  EXPECT_EQ(calls, 2);
  timer.After(absl::Hours(1), [&] { ++calls; });
  EXPECT_EQ(calls, 3);
}

TEST(WorkerPool, RefusesWhatItCannotHold) {
  WorkerPool pool("test", 1, 1);
  absl::Notification running, go;
  pool.Post(absl::InfiniteFuture(), [&](absl::Status) {
    running.Notify();
    go.WaitForNotification();
  });
  running.WaitForNotification();
  absl::Notification late;
  absl::Status waited, refused;
  pool.Post(absl::Now() - absl::Seconds(1), [&](absl::Status status) {
    waited = status;
    late.Notify();
  });
  pool.Post(absl::InfiniteFuture(), [&](absl::Status status) { refused = status; });
  EXPECT_EQ(ReasonOf(refused), "LOG_INS_BUSY");
  go.Notify();
  late.WaitForNotification();
  EXPECT_TRUE(absl::IsDeadlineExceeded(waited));
}

TEST(WorkerPool, AnswersWhatWaitsWhenItStops) {
  WorkerPool pool("test", 1, 10);
  absl::Notification running, go;
  absl::Status waiting, after;
  pool.Post(absl::InfiniteFuture(), [&](absl::Status) {
    running.Notify();
    go.WaitForNotification();
  });
  running.WaitForNotification();
  pool.Post(absl::InfiniteFuture(), [&](absl::Status status) {
    waiting = status;
    go.Notify();
  });
  pool.Stop();
  EXPECT_EQ(ReasonOf(waiting), "STOPPING");
  pool.Post(absl::InfiniteFuture(), [&](absl::Status status) { after = status; });
  EXPECT_EQ(ReasonOf(after), "STOPPING");
}

}  // namespace
}  // namespace yizhan::directory
