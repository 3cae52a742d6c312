#include "ldap/service/sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ldap/service/testing/bed.h"

namespace yizhan::directory {
namespace {

using ::testing::ElementsAre;

std::string Reason(const absl::StatusOr<Principal>& who) { return who.ok() ? "OK" : ReasonOf(who.status()); }

TEST(Sessions, EndByIdlenessAndByAge) {
  Bed bed;
  bed.Add("lina");
  const std::string idle = bed.LoggedIn("lina").token();
  bed.clock.Advance(absl::Hours(24 * 14));
  EXPECT_EQ(Reason(bed.Who(idle)), "OK");  // up to and including the bound; and that was a use
  bed.clock.Advance(absl::Hours(24 * 14) + absl::Seconds(1));
  EXPECT_EQ(Reason(bed.Who(idle)), "TOKEN_EXPIRED");

  const std::string busy = bed.LoggedIn("lina").token();
  for (int week = 0; week < 12; ++week) {
    bed.clock.Advance(absl::Hours(24 * 7));
    ASSERT_EQ(Reason(bed.Who(busy)), "OK") << week;
  }
  auto last = bed.Who(busy);
  EXPECT_LT(absl::FromUnixMicros(last->expires_at_us()) - bed.clock.Now(), absl::Hours(24 * 7)) << "the age, not the idle time";
  bed.clock.Advance(absl::Hours(24 * 7));
  EXPECT_EQ(Reason(bed.Who(busy)), "TOKEN_EXPIRED");
}

TEST(Sessions, KeepTheirLastUseAcrossARestart) {
  Bed bed;
  bed.Add("lina");
  const std::string token = bed.LoggedIn("lina").token();
  for (int i = 0; i < 40; ++i) {
    bed.clock.Advance(absl::Hours(12));  // 20 days in all
    ASSERT_EQ(Reason(bed.Who(token)), "OK");
  }
  bed.Restart();
  EXPECT_EQ(Reason(bed.Who(token)), "OK");
  // One record for an eighth of the idle time, not one for each use.
  EXPECT_EQ(bed.Records(v1::DirectoryRecord::kSessionUsed).size(), 10u);
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

TEST(Sessions, AUseAtAnotherMachineCounts) {
  Bed bed;
  bed.Add("lina");
  const v1::LogInResponse session = bed.LoggedIn("lina");
  bed.clock.Advance(absl::Hours(24 * 13));
  // What the machine says at which it was used.
  const std::string id = bed.Who(session.token())->session_id();
  bed.clock.Advance(absl::Hours(24 * 13));
  auto recorded = bed.WaitFor<v1::RecordSessionUseResponse>([&](Answer answer) { bed.parts->sessions.RecordUse(id, bed.clock.Now(), std::move(answer)); });
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  // One that comes late takes nothing back.
  const size_t records = bed.Records(v1::DirectoryRecord::kSessionUsed).size();
  ASSERT_TRUE(bed.WaitFor<v1::RecordSessionUseResponse>([&](Answer answer) { bed.parts->sessions.RecordUse(id, bed.clock.Now() - absl::Hours(24 * 20), std::move(answer)); }).ok());
  EXPECT_EQ(bed.Records(v1::DirectoryRecord::kSessionUsed).size(), records);
  EXPECT_EQ(bed.ReplayDiffers(), "");
  bed.clock.Advance(absl::Hours(24 * 13));
  EXPECT_EQ(Reason(bed.Who(session.token())), "OK");
}

TEST(Sessions, AreSwept) {
  Bed bed;
  bed.Add("lina");
  bed.Add("wangwei");
  v1::LogInResponse old = bed.LoggedIn("lina");
  bed.clock.Advance(absl::Hours(24 * 10));
  v1::LogInResponse young = bed.LoggedIn("wangwei");
  bed.clock.Advance(absl::Hours(24 * 10));
  bed.parts->sessions.Sweep();
  bed.Add("after");  // a command behind it
  EXPECT_THAT(bed.ended(), ElementsAre(old.principal().session_id()));
  EXPECT_EQ(bed.Records(v1::DirectoryRecord::kSessionEnded)[0].session_ended().reason(), "EXPIRED");
  EXPECT_EQ(Reason(bed.Who(old.token())), "TOKEN_UNKNOWN");
  EXPECT_EQ(Reason(bed.Who(young.token())), "OK");
  EXPECT_EQ(bed.parts->sessions.count(), 1);
}

TEST(Sessions, AreFoundInStateWhenMemoryForgot) {
  Parts::Options options = Bed::Quick();
  options.sessions.remembered = 3;
  Bed bed(options);
  std::vector<std::string> tokens;
  for (int i = 0; i < 12; ++i) {
    bed.Add(absl::StrCat("u", i));
    tokens.push_back(bed.LoggedIn(absl::StrCat("u", i)).token());
  }
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 12; ++i) {
      auto who = bed.Who(tokens[i]);
      ASSERT_TRUE(who.ok()) << who.status();
      EXPECT_EQ(who->login(), absl::StrCat("u", i));
    }
  }
}

TEST(Sessions, OfOnePersonHaveABound) {
  Parts::Options options = Bed::Quick();
  options.sessions.per_person = 3;
  Bed bed(options);
  bed.Add("lina");
  std::vector<v1::LogInResponse> all;
  for (int i = 0; i < 5; ++i) all.push_back(bed.LoggedIn("lina", absl::StrCat("device ", i)));
  EXPECT_EQ(Reason(bed.Who(all[1].token())), "TOKEN_UNKNOWN");
  EXPECT_EQ(Reason(bed.Who(all[2].token())), "OK");
  auto list = bed.parts->sessions.List(Bed::AsCaller(all[4]));
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->sessions_size(), 3);
  EXPECT_EQ(list->sessions(0).device(), "device 4");
  EXPECT_TRUE(list->sessions(0).current());
  EXPECT_FALSE(list->sessions(1).current());
  EXPECT_EQ(list->sessions(2).device(), "device 2");
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

TEST(Sessions, AreEndedByTheirOwnerOnly) {
  Bed bed;
  bed.Add("lina");
  bed.Add("mallory");
  v1::LogInResponse first = bed.LoggedIn("lina"), second = bed.LoggedIn("lina"), third = bed.LoggedIn("lina");
  v1::LogInResponse other = bed.LoggedIn("mallory");
  auto end = [&](const v1::LogInResponse& by, const std::string& id, bool all) -> absl::StatusOr<uint32_t> {
    v1::EndSessionRequest request;
    request.set_session_id(id);
    request.set_all_others(all);
    auto response = bed.WaitFor<v1::EndSessionResponse>(
        [&](Answer answer) { bed.parts->sessions.End(Bed::AsCaller(by), request, std::move(answer)); });
    if (!response.ok()) return response.status();
    return response->ended();
  };
  EXPECT_EQ(ReasonOf(end(other, first.principal().session_id(), false).status()), "SESSION_NOT_FOUND");
  EXPECT_EQ(ReasonOf(end(other, "s000000000000", false).status()), "SESSION_NOT_FOUND");
  EXPECT_EQ(ReasonOf(end(first, "", false).status()), "BAD_REQUEST");
  EXPECT_EQ(ReasonOf(end(first, "x", true).status()), "BAD_REQUEST");
  EXPECT_EQ(*end(first, second.principal().session_id(), false), 1u);
  EXPECT_EQ(Reason(bed.Who(second.token())), "TOKEN_UNKNOWN");
  EXPECT_EQ(Reason(bed.Who(third.token())), "OK");
  EXPECT_EQ(*end(first, "", true), 1u);
  EXPECT_EQ(Reason(bed.Who(third.token())), "TOKEN_UNKNOWN");
  EXPECT_EQ(Reason(bed.Who(first.token())), "OK");
  EXPECT_EQ(Reason(bed.Who(other.token())), "OK");
  auto log_out = [&] {
    return bed
        .WaitFor<v1::LogOutResponse>([&](Answer answer) { bed.parts->sessions.LogOut(Bed::AsCaller(first), std::move(answer)); })
        .status();
  };
  EXPECT_TRUE(log_out().ok());
  EXPECT_TRUE(log_out().ok()) << "ended already";
  EXPECT_EQ(Reason(bed.Who(first.token())), "TOKEN_UNKNOWN");
  EXPECT_EQ(bed.ended().size(), 3u);
}

TEST(Sessions, ATokenOfAnotherShapeIsRefused) {
  Bed bed;
  for (std::string bad : {std::string(), std::string("yzp_"), "yzp_" + std::string(43, '*'), std::string(1 << 20, 'x')}) {
    EXPECT_EQ(Reason(bed.Who(bad)), "TOKEN_INVALID");
  }
  EXPECT_EQ(Reason(bed.Who(MakeToken(TokenKind::kVisitor).token.Reveal())), "TOKEN_UNKNOWN");
  EXPECT_EQ(Reason(bed.Who(MakeToken(TokenKind::kPerson).token.Reveal())), "TOKEN_UNKNOWN");
}

}  // namespace
}  // namespace yizhan::directory
