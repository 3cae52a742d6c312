#include "ldap/service/people.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "ldap/service/testing/bed.h"

namespace yizhan::directory {
namespace {

namespace common = yizhan::common::v1;
using ::testing::ElementsAre;

std::string Logins(const v1::ListPeopleResponse& page) {
  return absl::StrJoin(page.people(), " ", [](std::string* out, const v1::Person& person) { *out += person.login(); });
}

absl::StatusOr<v1::CreatePersonResponse> Create(Bed& bed, const v1::CreatePersonRequest& request) {
  return bed.WaitFor<v1::CreatePersonResponse>([&](Answer answer) {
    bed.parts->people.Create(Bed::Administrator(), request, absl::InfiniteFuture(), std::move(answer));
  });
}

v1::CreatePersonRequest Request(std::string login) {
  v1::CreatePersonRequest request;
  request.mutable_person()->set_login(std::move(login));
  request.mutable_person()->set_name("曾小贤");
  request.set_password("long enough");
  return request;
}

TEST(People, AreMadeWithWhatTheServerSets) {
  Bed bed;
  v1::CreatePersonRequest request = Request("Zeng");
  request.mutable_person()->set_person_id("p-mine");
  request.mutable_person()->set_source("ad");
  request.mutable_person()->add_search_keys("mine");
  auto created = Create(bed, request);
  ASSERT_TRUE(created.ok()) << created.status();
  const v1::Person& person = created->person();
  EXPECT_EQ(person.login(), "zeng");
  EXPECT_TRUE(person.active());
  EXPECT_EQ(person.source(), "local");
  EXPECT_EQ(person.person_id().size(), 13u);
  EXPECT_EQ(person.person_id()[0], 'p');
  EXPECT_THAT(person.search_keys(), ElementsAre("zengxiaoxian", "zxx"));
  v1::GetPersonRequest get;
  get.set_login("ZENG");
  EXPECT_EQ(bed.parts->people.Get(get)->person().SerializeAsString(), person.SerializeAsString());
}

TEST(People, ARetryIsTheSamePersonAndAnotherIsRefused) {
  Bed bed;
  v1::CreatePersonRequest request = Request("zeng");
  request.set_request_id("r1");
  auto first = Create(bed, request), again = Create(bed, request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(first->person().person_id(), again->person().person_id());
  request.set_request_id("r2");
  EXPECT_EQ(ReasonOf(Create(bed, request).status()), "LOGIN_TAKEN");
}

TEST(People, AreRefusedForClearReasons) {
  Bed bed;
  auto refusal = [&](auto change) {
    v1::CreatePersonRequest request = Request("zeng");
    change(request);
    return ReasonOf(Create(bed, request).status());
  };
  EXPECT_EQ(refusal([](auto& r) { r.set_password("short"); }), "PASSWORD_TOO_SHORT");
  EXPECT_EQ(refusal([](auto& r) { r.set_password("control\x01" "characters"); }), "PASSWORD_UNUSABLE");
  EXPECT_EQ(refusal([](auto& r) { r.mutable_person()->set_login("a b"); }), "BAD_LOGIN");
  EXPECT_EQ(refusal([](auto& r) { r.mutable_person()->set_department_id("d000000000000"); }), "DEPARTMENT_NOT_FOUND");
  EXPECT_EQ(refusal([](auto& r) {
              r.mutable_person()->add_roles(common::ROLE_AUDITOR);
              r.mutable_person()->add_roles(common::ROLE_SYSTEM_ADMIN);
            }),
            "ADMIN_ROLES_EXCLUSIVE");
  EXPECT_EQ(bed.parts->core.roster().people(), 0u);
}

TEST(People, UpdatesHoldToTheRules) {
  Bed bed;
  v1::Person security = bed.Add("security", {common::ROLE_SECURITY_ADMIN});
  v1::Person lina = bed.Add("lina");
  auto refusal = [&](v1::Person person, auto change) {
    change(person);
    return ReasonOf(bed.Update(person).status());
  };
  EXPECT_EQ(refusal(lina, [](auto& p) { p.set_login("other"); }), "LOGIN_FIXED");
  EXPECT_EQ(refusal(lina, [](auto& p) { p.set_source("ad"); }), "LOGIN_FIXED");
  EXPECT_EQ(refusal(lina, [](auto& p) { p.set_person_id("p000000000000"); }), "PERSON_NOT_FOUND");
  EXPECT_EQ(refusal(lina, [](auto& p) { p.set_department_id("d000000000000"); }), "DEPARTMENT_NOT_FOUND");
  EXPECT_EQ(refusal(security, [](auto& p) { p.add_roles(common::ROLE_AUDITOR); }), "ADMIN_ROLES_EXCLUSIVE");
  EXPECT_EQ(refusal(security, [](auto& p) { p.set_active(false); }), "LAST_SECURITY_ADMIN");
  EXPECT_EQ(refusal(security, [](auto& p) { p.clear_roles(); }), "LAST_SECURITY_ADMIN");
  lina.add_roles(common::ROLE_SECURITY_ADMIN);
  lina.set_name("李娜娜");
  auto updated = bed.Update(lina);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_THAT(updated->person().search_keys(), ElementsAre("linana", "lnn"));
  EXPECT_EQ(refusal(security, [](auto& p) { p.clear_roles(); }), "");
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

TEST(People, DisablingEndsTheirSessionsAtOnce) {
  Bed bed;
  v1::Person lina = bed.Add("lina");
  bed.Add("wangwei");
  v1::LogInResponse one = bed.LoggedIn("lina"), two = bed.LoggedIn("lina"), other = bed.LoggedIn("wangwei");
  lina.set_active(false);
  ASSERT_TRUE(bed.Update(lina).ok());
  EXPECT_THAT(bed.ended(), ElementsAre(one.principal().session_id(), two.principal().session_id()));
  for (const auto& record : bed.Records(v1::DirectoryRecord::kSessionEnded)) {
    EXPECT_EQ(record.session_ended().reason(), "PERSON_DISABLED");
  }
  EXPECT_TRUE(bed.Who(other.token()).ok());
  lina.set_active(true);
  ASSERT_TRUE(bed.Update(lina).ok());
  EXPECT_FALSE(bed.Who(one.token()).ok());
  EXPECT_TRUE(bed.LogIn("lina", "secret-lina").ok());
}

TEST(Passwords, OnesOwnNeedsTheOldOneAndKeepsTheSession) {
  Bed bed;
  v1::Person lina = bed.Add("lina");
  v1::LogInResponse mine = bed.LoggedIn("lina"), elsewhere = bed.LoggedIn("lina");
  auto set = [&](const Caller& caller, const std::string& id, const std::string& old_password, const std::string& new_password) {
    v1::SetPasswordRequest request;
    request.set_person_id(id);
    request.set_old_password(old_password);
    request.set_new_password(new_password);
    return ReasonOf(bed.WaitFor<v1::SetPasswordResponse>([&](Answer answer) {
                         bed.parts->people.SetPassword(caller, request, "192.0.2.1", absl::InfiniteFuture(), std::move(answer));
                       }).status());
  };
  const Caller own = Bed::AsCaller(mine);
  EXPECT_EQ(set(own, "", "", "another secret"), "PASSWORD_EMPTY");
  EXPECT_EQ(set(own, "", "wrong", "another secret"), "WRONG_CREDENTIALS");
  EXPECT_EQ(set(own, lina.person_id(), "", "another secret"), "PASSWORD_EMPTY") << "naming oneself is no way around";
  EXPECT_EQ(set(own, "", "secret-lina", "short"), "PASSWORD_TOO_SHORT");
  v1::Person other = bed.Add("other");
  EXPECT_EQ(set(own, other.person_id(), "", "another secret"), "ROLE_REQUIRED");
  EXPECT_EQ(set(Bed::Administrator(), "p000000000000", "", "another secret"), "PERSON_NOT_FOUND");
  EXPECT_EQ(set(own, "", "secret-lina", "another secret"), "");
  EXPECT_TRUE(bed.Who(mine.token()).ok());
  EXPECT_FALSE(bed.Who(elsewhere.token()).ok());
  EXPECT_EQ(set(Bed::Administrator(), lina.person_id(), "", "third secret"), "");
  EXPECT_FALSE(bed.Who(mine.token()).ok());
  EXPECT_TRUE(bed.LogIn("lina", "third secret").ok());
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

TEST(People, AreListedByPagesAndWords) {
  Bed bed;
  auto head = bed.PutDepartment("总行");
  ASSERT_TRUE(head.ok()) << head.status();
  std::vector<NewPerson> people;
  auto credentials = std::make_shared<const v1::CredentialsSet>();
  for (int i = 0; i < 600; ++i) {
    NewPerson person;
    person.person.set_login(absl::StrCat("u", 1000 + i));
    person.person.set_name(i % 2 ? "王伟" : "曾小贤");
    if (i < 5) person.person.set_department_id(head->department_id());
    person.credentials = credentials;
    people.push_back(person);
  }
  auto created = bed.parts->people.CreateMany(people);
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->added, 600u);

  v1::ListPeopleRequest request;
  request.set_query("zxx");
  request.set_page_size(200);
  int seen = 0;
  std::string last;
  for (;;) {
    auto page = bed.parts->people.List(Bed::Service(), request);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_EQ(page->total(), 300u);
    for (const v1::Person& person : page->people()) {
      EXPECT_GT(person.login(), last);
      last = person.login();
      ++seen;
    }
    if (page->next_page_token().empty()) break;
    request.set_page_token(page->next_page_token());
  }
  EXPECT_EQ(seen, 300);

  v1::ListPeopleRequest in_head;
  in_head.set_department_id(head->department_id());
  in_head.set_query("王 u");
  EXPECT_EQ(Logins(*bed.parts->people.List(Bed::Service(), in_head)), "u1001 u1003");
  v1::ListPeopleRequest plain;
  EXPECT_EQ(bed.parts->people.List(Bed::Service(), plain)->people_size(), 50);
  plain.set_page_size(100000);
  EXPECT_EQ(bed.parts->people.List(Bed::Service(), plain)->people_size(), 200);
  plain.set_query(std::string(2000, 'x'));
  EXPECT_EQ(ReasonOf(bed.parts->people.List(Bed::Service(), plain).status()), "BAD_FIELD");
}

TEST(People, TheDisabledAreForTheSecurityAdministrator) {
  Bed bed;
  v1::Person lina = bed.Add("lina");
  bed.Add("wangwei");
  v1::LogInResponse session = bed.LoggedIn("wangwei");
  lina.set_active(false);
  ASSERT_TRUE(bed.Update(lina).ok());
  v1::ListPeopleRequest request;
  EXPECT_EQ(Logins(*bed.parts->people.List(Bed::AsCaller(session), request)), "wangwei");
  request.set_include_inactive(true);
  EXPECT_EQ(ReasonOf(bed.parts->people.List(Bed::AsCaller(session), request).status()), "ROLE_REQUIRED");
  EXPECT_EQ(Logins(*bed.parts->people.List(Bed::Administrator(), request)), "lina wangwei");
}

TEST(People, SyncHasEveryChangeOnceAcrossARestart) {
  Bed bed;
  v1::Person lina = bed.Add("lina");
  bed.Add("wangwei");
  ASSERT_TRUE(bed.PutDepartment("总行").ok());
  v1::SyncDirectoryRequest request;
  auto all = bed.parts->people.Sync(request);
  EXPECT_EQ(all->people_size(), 2);
  EXPECT_EQ(all->departments_size(), 1);
  EXPECT_FALSE(all->more());
  request.set_since_version(all->version());
  EXPECT_EQ(bed.parts->people.Sync(request)->version(), all->version());
  bed.Restart();
  EXPECT_EQ(bed.parts->people.Sync(request)->people_size(), 0);
  lina.set_title("经理");
  ASSERT_TRUE(bed.Update(lina).ok());
  auto changed = bed.parts->people.Sync(request);
  ASSERT_EQ(changed->people_size(), 1);
  EXPECT_EQ(changed->people(0).title(), "经理");
  request.set_since_version(0);
  request.set_page_size(1);
  int pages = 0;
  for (bool more = true; more && pages < 10; ++pages) {
    auto page = bed.parts->people.Sync(request);
    EXPECT_EQ(page->people_size() + page->departments_size(), 1);
    more = page->more();
    request.set_since_version(page->version());
  }
  EXPECT_EQ(pages, 3);
}

TEST(People, ManyAreMadeOnceByTheirNames) {
  Bed bed;
  auto credentials = bed.parts->people.Prepare(Secret<std::string>("benchpw"));
  ASSERT_TRUE(credentials.ok());
  auto people = [&](int count) {
    std::vector<NewPerson> all;
    for (int i = 0; i < count; ++i) {
      NewPerson person;
      person.person.set_login(absl::StrCat("u", i));
      person.person.set_name(absl::StrCat("压测", i));
      person.credentials = *credentials;
      all.push_back(person);
    }
    return all;
  };
  auto first = bed.parts->people.CreateMany(people(1200));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->added, 1200u);
  auto more = people(1201);
  more.push_back(more.back());  // twice in one list
  auto second = bed.parts->people.CreateMany(more);
  EXPECT_EQ(second->added, 1u);
  EXPECT_EQ(second->known, 1201u);
  EXPECT_EQ(second->person_ids[5], first->person_ids[5]);
  EXPECT_EQ(second->person_ids[1200], second->person_ids[1201]);
  EXPECT_TRUE(bed.LogIn("u777", "benchpw").ok());
  NewPerson bad;
  bad.person.set_login("no name");
  EXPECT_EQ(ReasonOf(bed.parts->people.CreateMany({bad}).status()), "BAD_LOGIN");
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

}  // namespace
}  // namespace yizhan::directory
