#include "admin/service/clock_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yizhan::admin {
namespace {

using ::testing::HasSubstr;
using yizhan::admin::v1::ComponentHealth;

TEST(ClockWatch, TellsOfJumpsForAnHour) {
  absl::Time wall = absl::FromUnixSeconds(1'800'000'000);
  absl::Duration steady = absl::Seconds(5);
  ClockWatch watch({[&] { return wall; }, [&] { return steady; }});
  const auto pass = [&](absl::Duration time, absl::Duration jump) {
    wall += time + jump;
    steady += time;
    watch.Look();
  };
  pass(absl::Seconds(1), absl::Milliseconds(500));  // a time service's step
  EXPECT_EQ(watch.health().state(), ComponentHealth::STATE_OK);
  pass(absl::Seconds(1), -absl::Hours(24 * 3'650));
  EXPECT_EQ(watch.health().state(), ComponentHealth::STATE_DEGRADED);
  EXPECT_THAT(watch.health().message(), HasSubstr("it jumped by -87600h"));
  pass(absl::Minutes(59), absl::ZeroDuration());
  EXPECT_EQ(watch.health().state(), ComponentHealth::STATE_DEGRADED);
  pass(absl::Minutes(2), absl::ZeroDuration());
  EXPECT_EQ(watch.health().state(), ComponentHealth::STATE_OK);
}

TEST(ClockWatch, TheMachinesOwnStandsStill) {
  ClockWatch watch;
  watch.Look();
  EXPECT_EQ(watch.health().state(), ComponentHealth::STATE_OK);
}

}  // namespace
}  // namespace yizhan::admin
