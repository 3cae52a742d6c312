// Against a real slapd.
#include "ldap/service/ldap_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ldap/service/testing/bed.h"
#include "ldap/testing/slapd.h"

namespace yizhan::directory {
namespace {

class LdapSyncTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    Slapd::Options options;
    options.extra_people = 60;
    auto started = Slapd::Start(options);
    ASSERT_TRUE(started.ok()) << started.status();
    slapd_ = started->release();
  }
  static void TearDownTestSuite() {
    delete slapd_;
    slapd_ = nullptr;
  }

  static std::vector<LdapSource> Bank() { return {{"bank", slapd_->Config()}}; }
  // The same source without the extra people.
  static std::vector<LdapSource> SmallerBank() {
    LdapConfig config = slapd_->Config();
    config.people_filter = "(&(objectClass=inetOrgPerson)(!(uid=u00*)))";
    return {{"bank", config}};
  }

  absl::StatusOr<v1::SyncLdapResponse> Sync(Bed& bed, bool dry_run = false, bool accept = false) {
    v1::SyncLdapRequest request;
    request.set_source("bank");
    request.set_dry_run(dry_run);
    request.set_accept_mass_change(accept);
    return bed.WaitFor<v1::SyncLdapResponse>(
        [&](Answer answer) { bed.parts->ldap_sync.Start(Bed::Administrator(), request, std::move(answer)); });
  }

  static v1::Person Get(Bed& bed, const std::string& login) {
    v1::GetPersonRequest request;
    request.set_login(login);
    auto response = bed.parts->people.Get(request);
    return response.ok() ? response->person() : v1::Person();
  }

  static std::string Counts(const v1::SyncLdapResponse& r) {
    return absl::StrCat("+", r.added(), " ~", r.changed(), " -", r.disabled(), " =", r.unchanged(), " d", r.departments());
  }

  static Slapd* slapd_;
};
Slapd* LdapSyncTest::slapd_ = nullptr;

TEST_F(LdapSyncTest, TakesOverPeopleAndDepartments) {
  Bed bed(Bed::Quick(), &Bank);
  auto dry = Sync(bed, true);
  ASSERT_TRUE(dry.ok()) << dry.status();
  EXPECT_EQ(bed.parts->core.roster().people(), 0u);
  auto first = Sync(bed);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Counts(*first), Counts(*dry));
  // Eleven can log in; one of them has a log-in name that is none of ours.
  EXPECT_EQ(Counts(*first), "+70 ~0 -0 =0 d5");
  EXPECT_THAT(first->skipped(), testing::Contains(testing::HasSubstr("wu(qi)*")));
  EXPECT_THAT(first->skipped(), testing::Contains(testing::HasSubstr("never known here")));

  v1::Person min = Get(bed, "zhangmin");
  EXPECT_EQ(min.name(), "张敏");
  EXPECT_EQ(min.english_name(), "Zhang Min");
  EXPECT_EQ(min.source(), "bank");
  EXPECT_TRUE(min.active());
  EXPECT_THAT(min.search_keys(), testing::Contains("zhangmin"));
  std::string tree;
  std::string labs;
  const auto listed = bed.parts->departments.List();
  for (const v1::DepartmentSize& size : listed.departments()) {
    absl::StrAppend(&tree, size.department().name(), ":", size.people_below(), " ");
    if (size.department().name() == "研发中心") labs = size.department().department_id();
  }
  EXPECT_EQ(tree, "总行:70 科技部:4 研发中心:3 零售银行部:65 客户服务中心:3 ");
  EXPECT_EQ(min.department_id(), labs);

  EXPECT_EQ(Counts(*Sync(bed)), "+0 ~0 -0 =70 d0");
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

TEST_F(LdapSyncTest, LogsInAndKeepsRoles) {
  Bed bed(Bed::Quick(), &Bank);
  ASSERT_TRUE(Sync(bed).ok());
  v1::Person min = Get(bed, "zhangmin");
  min.add_roles(yizhan::common::v1::ROLE_AGENT);
  ASSERT_TRUE(bed.Update(min).ok());
  min.set_name("别名");
  EXPECT_EQ(ReasonOf(bed.Update(min).status()), "OWNED_BY_LDAP");
  auto session = bed.LogIn("zhangmin", "Yizhan-zhangmin-2026");
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_EQ(session->person().person_id(), min.person_id());
  EXPECT_FALSE(session->person().department_id().empty());
  EXPECT_EQ(session->person().roles_size(), 1);
  EXPECT_EQ(ReasonOf(bed.LogIn("zhangmin", "wrong").status()), "WRONG_CREDENTIALS");
  EXPECT_EQ(ReasonOf(bed.LogIn("nobody", "wrong").status()), "WRONG_CREDENTIALS");
  EXPECT_EQ(Counts(*Sync(bed)), "+0 ~0 -0 =70 d0") << "a log-in changes nothing, a sync takes no role away";

  // What was verified lately needs no server; what was not, does.
  slapd_->Stop();
  EXPECT_TRUE(bed.LogIn("zhangmin", "Yizhan-zhangmin-2026").ok());
  EXPECT_EQ(ReasonOf(bed.LogIn("lina", "Yizhan-lina-2026").status()), "LDAP_UNAVAILABLE");
  EXPECT_TRUE(bed.Who(session->token()).ok());
  ASSERT_TRUE(slapd_->Restart().ok());
}

TEST_F(LdapSyncTest, TheFirstLogInMakesThePerson) {
  Bed bed(Bed::Quick(), &Bank);
  bed.Add("local");
  auto session = bed.LogIn("lina", "Yizhan-lina-2026");
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_EQ(session->person().name(), "李娜");
  EXPECT_EQ(session->person().source(), "bank");
  EXPECT_TRUE(bed.Who(session->token()).ok());
  EXPECT_EQ(bed.LogIn("lina", "Yizhan-lina-2026")->person().person_id(), session->person().person_id());
  // The sync finds them by their key and adds the department.
  EXPECT_EQ(Counts(*Sync(bed)), "+69 ~1 -0 =0 d5");
  EXPECT_EQ(Get(bed, "lina").person_id(), session->person().person_id());
  EXPECT_FALSE(Get(bed, "lina").department_id().empty());
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

TEST_F(LdapSyncTest, LocalAccountsAreNeverTouched) {
  Bed bed(Bed::Quick(), &Bank);
  v1::Person local = bed.Add("wangwei", {}, "本地王伟");
  auto sync = Sync(bed);
  ASSERT_TRUE(sync.ok()) << sync.status();
  EXPECT_EQ(sync->added(), 69u);
  EXPECT_THAT(sync->skipped(), testing::Contains(testing::HasSubstr("local account")));
  EXPECT_EQ(Get(bed, "wangwei").SerializeAsString(), local.SerializeAsString());
  EXPECT_TRUE(bed.LogIn("wangwei", "secret-wangwei").ok());
  EXPECT_EQ(ReasonOf(bed.LogIn("wangwei", "Yizhan-wangwei-2026").status()), "WRONG_CREDENTIALS");
}

TEST_F(LdapSyncTest, AMassChangeIsAskedAbout) {
  Bed bed(Bed::Quick(), &Bank);
  ASSERT_TRUE(Sync(bed).ok());
  auto session = bed.LogIn("u0001", "Yizhan-u0001-2026");
  ASSERT_TRUE(session.ok()) << session.status();
  bed.RestartWith(SmallerBank());
  EXPECT_EQ(Counts(*Sync(bed, true)), "+0 ~0 -60 =10 d0");
  EXPECT_EQ(ReasonOf(Sync(bed).status()), "MASS_CHANGE");
  EXPECT_TRUE(bed.Who(session->token()).ok());
  EXPECT_TRUE(Get(bed, "u0001").active());
  EXPECT_EQ(Counts(*Sync(bed, false, true)), "+0 ~0 -60 =10 d0");
  EXPECT_FALSE(Get(bed, "u0001").active());
  EXPECT_FALSE(bed.Who(session->token()).ok());
  EXPECT_EQ(ReasonOf(bed.LogIn("u0001", "Yizhan-u0001-2026").status()), "ACCOUNT_DISABLED");
  EXPECT_EQ(Counts(*Sync(bed)), "+0 ~0 -0 =10 d0");
  // Back again: the same people.
  bed.RestartWith(Bank());
  EXPECT_EQ(Counts(*Sync(bed)), "+0 ~60 -0 =10 d0");
  EXPECT_TRUE(Get(bed, "u0001").active());
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

TEST_F(LdapSyncTest, SaysWhatIsWrong) {
  Bed bed(Bed::Quick(), &Bank);
  v1::SyncLdapRequest request;
  request.set_source("other");
  EXPECT_EQ(ReasonOf(bed.parts->ldap_sync.Run(kOwnActor, request).status()), "SOURCE_NOT_FOUND");
  LdapSources sources;
  EXPECT_EQ(ReasonOf(sources.Open({{"local", slapd_->Config()}})), "LDAP_CONFIG");
  LdapConfig bad = slapd_->Config();
  bad.urls = {};
  absl::Status refused = sources.Open({{"bank", bad}});
  EXPECT_EQ(ReasonOf(refused), "LDAP_CONFIG");
  EXPECT_TRUE(absl::StrContains(std::string(refused.message()), "bank"));
}

}  // namespace
}  // namespace yizhan::directory
