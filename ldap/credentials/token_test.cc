#include "ldap/credentials/token.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/status.h"
#include "ldap/credentials/crypto.h"

namespace yizhan::directory {
namespace {

TEST(Token, RoundTripKeepsTheDigestOnly) {
  for (TokenKind kind : {TokenKind::kPerson, TokenKind::kVisitor}) {
    const NewToken token = MakeToken(kind);
    EXPECT_TRUE(token.token.Reveal().starts_with(kind == TokenKind::kPerson ? "yzp_" : "yzv_"));
    EXPECT_EQ(token.token.Reveal().size(), 47);
    EXPECT_EQ(token.digest, Sha256(token.token.Reveal()));
    const auto read = ReadToken(token.token.Reveal());
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->kind, kind);
    EXPECT_EQ(read->digest, token.digest);
  }
}

TEST(Token, NoTwoAlike) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(MakeToken(TokenKind::kPerson).token.Reveal()).second);
}

TEST(Token, RefusesOtherShapesWithoutRepeatingThem) {
  const std::string good = MakeToken(TokenKind::kPerson).token.Reveal();
  std::string kind = good, trailing = good, alphabet = good;
  kind[2] = 'x';
  trailing.back() = trailing.back() == 'B' ? 'D' : 'B';  // non-zero bits after the 256th
  alphabet[10] = '+';
  for (const std::string& bad : {std::string(), std::string("yzp_"), good.substr(1), good + "A", good.substr(0, 46),
                                 kind, trailing, alphabet, std::string(100000, 'y'), good + "="}) {
    const auto read = ReadToken(bad);
    EXPECT_EQ(ReasonOf(read.status()), "TOKEN_INVALID") << bad.substr(0, 60);
    if (bad.size() > 8) {
      EXPECT_EQ(read.status().message().find(bad.substr(4)), absl::string_view::npos);
    }
  }
}

TEST(Token, Expiry) {
  const TokenLifetime lifetime = {.idle = absl::Hours(8), .absolute = absl::Hours(24)};
  const absl::Time issued = absl::FromUnixSeconds(1'000'000);
  TokenTimes times = {.issued = issued, .used = issued};
  EXPECT_EQ(StateOf(times, lifetime, issued + absl::Hours(8)), TokenState::kLive);
  EXPECT_EQ(StateOf(times, lifetime, issued + absl::Hours(8) + absl::Nanoseconds(1)), TokenState::kIdleTooLong);
  EXPECT_EQ(EndOf(times, lifetime), issued + absl::Hours(8));
  times.used = issued + absl::Hours(20);
  EXPECT_EQ(StateOf(times, lifetime, issued + absl::Hours(24)), TokenState::kLive);
  EXPECT_EQ(StateOf(times, lifetime, issued + absl::Hours(24) + absl::Seconds(1)), TokenState::kTooOld);
  EXPECT_EQ(EndOf(times, lifetime), issued + absl::Hours(24));
  EXPECT_EQ(StateOf(times, lifetime, issued - absl::Hours(100)), TokenState::kLive) << "a clock that went back";
  EXPECT_TRUE(ToStatus(TokenState::kLive).ok());
  EXPECT_EQ(ReasonOf(ToStatus(TokenState::kTooOld)), "TOKEN_EXPIRED");
  EXPECT_EQ(ToStatus(TokenState::kIdleTooLong).code(), absl::StatusCode::kUnauthenticated);
}

TEST(Token, UsesAreRecordedNowAndThen) {
  const TokenLifetime lifetime = {.idle = absl::Hours(8), .absolute = absl::Hours(24)};
  const absl::Time issued = absl::FromUnixSeconds(1'000'000);
  const TokenTimes times = {.issued = issued, .used = issued};
  EXPECT_FALSE(WorthRecording(times, lifetime, issued + absl::Minutes(59)));
  EXPECT_TRUE(WorthRecording(times, lifetime, issued + absl::Minutes(60)));
  EXPECT_FALSE(WorthRecording(times, lifetime, issued - absl::Hours(1)));
}

}  // namespace
}  // namespace yizhan::directory
