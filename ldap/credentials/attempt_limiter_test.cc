#include "ldap/credentials/attempt_limiter.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::directory {
namespace {

using Outcome = AttemptLimiter::Outcome;

class AttemptLimiterTest : public testing::Test {
 protected:
  // Admits and reports; false when refused.
  bool Attempt(std::string_view login, std::string_view address, Outcome outcome) {
    const auto admitted = limiter_.Admit(login, address);
    if (!admitted.ok()) {
      last_ = admitted.status();
      return false;
    }
    delay_ = *admitted;
    limiter_.Report(login, address, outcome);
    return true;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  AttemptLimiter limiter_{{.pair_burst = 5,
                           .pair_refill = absl::Seconds(30),
                           .address_burst = 20,
                           .address_refill = absl::Seconds(2),
                           .login_free = 10,
                           .login_refill = absl::Seconds(60),
                           .first_delay = absl::Milliseconds(100),
                           .longest_delay = absl::Seconds(4),
                           .entries = 1000},
                          [this] { return now_; }};
  absl::Status last_;
  absl::Duration delay_;
};

TEST_F(AttemptLimiterTest, OnePairRunsOutAndComesBack) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Attempt("wang", "10.0.0.1", Outcome::kWrong)) << i;
  EXPECT_FALSE(Attempt("wang", "10.0.0.1", Outcome::kWrong));
  EXPECT_EQ(last_.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(last_), "TOO_MANY_ATTEMPTS");
  EXPECT_NEAR(RetryAfterMs(last_), 30000, 2);
  now_ += absl::Milliseconds(RetryAfterMs(last_));
  EXPECT_TRUE(Attempt("wang", "10.0.0.1", Outcome::kWrong)) << "the hint must be long enough";
  EXPECT_FALSE(Attempt("wang", "10.0.0.1", Outcome::kWrong));
  EXPECT_TRUE(Attempt("li", "10.0.0.1", Outcome::kWrong)) << "another login is another pair";
}

TEST_F(AttemptLimiterTest, ParallelAttemptsCountBeforeTheyAreReported) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limiter_.Admit("wang", "10.0.0.1").ok());
  EXPECT_FALSE(limiter_.Admit("wang", "10.0.0.1").ok());
}

TEST_F(AttemptLimiterTest, RightPasswordsAndUndecidedOnesCostNothing) {
  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(Attempt("wang", "10.0.0.1", Outcome::kRight)) << i;
    EXPECT_TRUE(Attempt("li", "10.0.0.1", Outcome::kUndecided)) << i;
  }
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(Attempt("wang", "10.0.0.1", Outcome::kWrong));
  EXPECT_TRUE(Attempt("wang", "10.0.0.1", Outcome::kRight));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Attempt("wang", "10.0.0.1", Outcome::kWrong)) << "a success clears the pair";
}

TEST_F(AttemptLimiterTest, NobodyLocksSomebodyElseOut) {
  EXPECT_TRUE(Attempt("wang", "10.0.0.1", Outcome::kRight));
  // A thousand addresses guess at wang, as often as each is let.
  for (int a = 0; a < 1000; ++a) {
    for (int i = 0; i < 6; ++i) Attempt("wang", absl::StrCat("172.16.", a / 250, ".", a % 250), Outcome::kWrong);
  }
  ASSERT_TRUE(Attempt("wang", "10.0.0.1", Outcome::kRight)) << "where wang is known";
  EXPECT_EQ(delay_, absl::ZeroDuration());
  ASSERT_TRUE(Attempt("wang", "10.0.0.2", Outcome::kRight)) << "where wang was never seen: late, not never";
  EXPECT_EQ(delay_, absl::Seconds(4));
  now_ += absl::Hours(1);
  ASSERT_TRUE(Attempt("wang", "10.0.0.3", Outcome::kRight));
  EXPECT_EQ(delay_, absl::ZeroDuration()) << "and an hour later as if nothing had been";
}

TEST_F(AttemptLimiterTest, DelayGrowsFromTheFirstOne) {
  for (int i = 0; i < 10; ++i) Attempt("wang", absl::StrCat("10.1.0.", i), Outcome::kWrong);
  EXPECT_EQ(delay_, absl::ZeroDuration());
  Attempt("wang", "10.2.0.1", Outcome::kWrong);
  EXPECT_EQ(delay_, absl::ZeroDuration());
  Attempt("wang", "10.2.0.2", Outcome::kWrong);
  EXPECT_EQ(delay_, absl::Milliseconds(200));
  Attempt("wang", "10.2.0.3", Outcome::kWrong);
  EXPECT_EQ(delay_, absl::Milliseconds(400));
}

TEST_F(AttemptLimiterTest, OneAddressOverManyLoginsRunsOutButKnownPeopleBehindItDoNot) {
  EXPECT_TRUE(Attempt("wang", "10.0.0.1", Outcome::kRight));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Attempt(absl::StrCat("guess", i), "10.0.0.1", Outcome::kWrong)) << i;
  EXPECT_FALSE(Attempt("guess99", "10.0.0.1", Outcome::kWrong));
  EXPECT_TRUE(Attempt("wang", "10.0.0.1", Outcome::kRight));
  EXPECT_TRUE(Attempt("guess99", "10.0.0.2", Outcome::kWrong));
}

TEST_F(AttemptLimiterTest, Ipv6CountsByItsSubnetAndMappedIpv4AsIpv4) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Attempt("wang", absl::StrCat("2001:db8:1:2::", i), Outcome::kWrong));
  EXPECT_FALSE(Attempt("wang", "2001:db8:1:2:ffff::1", Outcome::kWrong));
  EXPECT_TRUE(Attempt("wang", "2001:db8:1:3::1", Outcome::kWrong));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Attempt("li", "10.9.9.9", Outcome::kWrong));
  EXPECT_FALSE(Attempt("li", "::ffff:10.9.9.9", Outcome::kWrong));
}

TEST_F(AttemptLimiterTest, AClockThatJumpsBackHoldsNobodyForEver) {
  for (int i = 0; i < 5; ++i) Attempt("wang", "10.0.0.1", Outcome::kWrong);
  now_ -= absl::Hours(24 * 3650);
  EXPECT_FALSE(Attempt("wang", "10.0.0.1", Outcome::kWrong));
  now_ += absl::Seconds(31);
  EXPECT_TRUE(Attempt("wang", "10.0.0.1", Outcome::kWrong));
}

TEST_F(AttemptLimiterTest, AFloodOfLoginsAndAddressesIsForgottenNotKept) {
  for (int i = 0; i < 5000; ++i) {
    EXPECT_TRUE(Attempt(absl::StrCat("u", i), absl::StrCat("10.", i / 62500, ".", i / 250 % 250, ".", i % 250),
                        Outcome::kWrong));
  }
  EXPECT_TRUE(Attempt("u0", "10.0.0.0", Outcome::kWrong));
  EXPECT_TRUE(Attempt("", "", Outcome::kWrong));
}

}  // namespace
}  // namespace yizhan::directory
