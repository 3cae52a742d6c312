// Anything that is recorded, in any order, replays to the same state; what reading answers follows from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ldap/service/testing/bed.h"

namespace yizhan::directory {
namespace {

// What reading shows of everything.
std::string Shown(const Bed& bed) {
  std::string all = bed.parts->departments.List().SerializeAsString();
  v1::SyncDirectoryRequest sync;
  sync.set_page_size(2000);
  all += bed.parts->people.Sync(sync)->SerializeAsString();
  all += bed.parts->groups.List({})->SerializeAsString();
  return all;
}

class Replay : public ::testing::TestWithParam<uint32_t> {};

TEST_P(Replay, EqualsTheLiveState) {
  Parts::Options options = Bed::Quick();
  options.sessions.per_person = 3;
  Bed bed(options);
  std::mt19937 random(GetParam());
  auto pick = [&](size_t n) { return static_cast<size_t>(random() % n); };
  std::vector<v1::Person> people;
  std::vector<std::string> departments = {""};
  std::map<std::string, v1::LogInResponse> sessions;  // by token
  for (int step = 0; step < 250; ++step) {
    switch (people.empty() ? 0 : pick(9)) {
      case 0: {
        people.push_back(bed.Add(absl::StrCat("u", people.size())));
        break;
      }
      case 1: {
        auto department = bed.PutDepartment(absl::StrCat("部门", step), departments[pick(departments.size())], static_cast<int>(pick(5)));
        if (department.ok()) departments.push_back(department->department_id());
        break;
      }
      case 2: {
        v1::Person& person = people[pick(people.size())];
        person.set_department_id(departments[pick(departments.size())]);
        person.set_name(absl::StrCat("名", step));
        person.set_active(pick(4) != 0);
        person.clear_roles();
        if (pick(2)) person.add_roles(yizhan::common::v1::ROLE_AGENT);
        auto updated = bed.Update(person);
        ASSERT_TRUE(updated.ok()) << updated.status();
        person = updated->person();
        break;
      }
      case 3: {
        v1::PutGroupRequest request;
        request.mutable_group()->set_name("组");
        for (size_t i = 0; i < pick(4); ++i) request.mutable_group()->add_member_ids(people[pick(people.size())].person_id());
        ASSERT_TRUE(bed.WaitFor<v1::PutGroupResponse>([&](Answer answer) {
                         bed.parts->groups.Put(Bed::Administrator(), request, std::move(answer));
                       }).ok());
        break;
      }
      case 4:
        if (sessions.empty()) break;
        {
          auto victim = std::next(sessions.begin(), static_cast<long>(pick(sessions.size())));
          ASSERT_TRUE(bed.WaitFor<v1::LogOutResponse>([&](Answer answer) {
                           bed.parts->sessions.LogOut(Bed::AsCaller(victim->second), std::move(answer));
                         }).ok());
          sessions.erase(victim);
        }
        break;
      case 5:
        bed.clock.Advance(absl::Hours(static_cast<int>(pick(72))));
        bed.parts->sessions.Sweep();
        break;
      default: {
        const v1::Person& person = people[pick(people.size())];
        auto session = bed.LogIn(person.login(), Bed::PasswordOf(person.login()));
        if (session.ok()) sessions[session->token()] = *session;
      }
    }
    for (const auto& [token, session] : sessions) (void)bed.Who(token);
  }
  const auto digest = bed.ledger->StateDigest({"directory", 0});
  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(bed.ReplayDiffers(), "");
  const std::string shown = Shown(bed);
  std::set<std::string> live;
  for (const auto& [token, session] : sessions) {
    if (bed.Who(token).ok()) live.insert(token);
  }
  bed.Restart();
  EXPECT_EQ(Shown(bed), shown);
  for (const auto& [token, session] : sessions) EXPECT_EQ(bed.Who(token).ok(), live.contains(token));
}

INSTANTIATE_TEST_SUITE_P(Seeds, Replay, ::testing::Values(1, 2, 3));

TEST(Machine, RefusesRecordsThatDoNotFit) {
  Bed bed;
  v1::Person lina = bed.Add("lina");
  auto submit = [&](const v1::DirectoryRecord& record) {
    return bed.parts->core
        .SubmitAndWait(kOwnActor,
                       [&](const ledger::DecideContext&, const Rows&, Draft& draft) -> absl::StatusOr<std::string> {
                         draft.Add(record);
                         return std::string();
                       })
        .status();
  };
  v1::DirectoryRecord record;
  record.mutable_session_ended()->set_session_id("s000000000000");
  EXPECT_TRUE(absl::IsDataLoss(submit(record)));
  record.mutable_session_started()->set_session_id("s000000000000");
  EXPECT_TRUE(absl::IsDataLoss(submit(record)));
  record.mutable_credentials_set()->set_person_id("p000000000000");
  EXPECT_TRUE(absl::IsDataLoss(submit(record)));
  record.mutable_person_put()->set_person_id("x");
  EXPECT_TRUE(absl::IsDataLoss(submit(record)));
  *record.mutable_person_put() = lina;
  record.mutable_person_put()->set_person_id("p000000000000");
  EXPECT_TRUE(absl::IsDataLoss(submit(record))) << "the log-in name is lina's";
  record.clear_person_put();
  EXPECT_EQ(submit(record).code(), absl::StatusCode::kFailedPrecondition) << "of a newer program";
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

}  // namespace
}  // namespace yizhan::directory
