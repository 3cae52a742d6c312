// Against a real slapd.
#include "ldap/client/ldap_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "base/status.h"
#include "ldap/client/filter.h"
#include "ldap/client/guid.h"
#include "ldap/testing/slapd.h"
#include "ldap/testing/slapd_data.h"

namespace yizhan::directory {
namespace {

constexpr int kExtraPeople = 130;

Secret<std::string> Pw(std::string text) { return Secret<std::string>(std::move(text)); }

class LdapClientTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    Slapd::Options options;
    options.extra_people = kExtraPeople;
    auto started = Slapd::Start(options);
    ASSERT_TRUE(started.ok()) << started.status();
    slapd_ = started->release();
  }
  static void TearDownTestSuite() {
    delete slapd_;
    slapd_ = nullptr;
  }

  static std::unique_ptr<LdapClient> Make(LdapConfig config) {
    auto client = LdapClient::Create(std::move(config));
    EXPECT_TRUE(client.ok()) << client.status();
    return client.ok() ? *std::move(client) : nullptr;
  }

  static Slapd* slapd_;
};
Slapd* LdapClientTest::slapd_ = nullptr;

TEST_F(LdapClientTest, EverybodyLogsInOverStartTlsAndLdaps) {
  for (bool ldaps : {false, true}) {
    auto client = Make(slapd_->Config(ldaps));
    for (const Slapd::Login& person : Slapd::people()) {
      const auto who = client->Authenticate(person.login, Pw(person.password));
      ASSERT_TRUE(who.ok()) << person.login << " " << who.status();
      EXPECT_EQ(who->login, person.login);
      EXPECT_EQ(who->key.size(), 36);
      EXPECT_FALSE(who->name_zh.empty());
      EXPECT_FALSE(who->name_en.empty());
    }
  }
}

TEST_F(LdapClientTest, WrongPasswordAndUnknownLoginAreOneAnswer) {
  auto client = Make(slapd_->Config());
  const absl::Status wrong = client->Authenticate("lina", Pw("no")).status();
  const absl::Status unknown = client->Authenticate("nobody", Pw("no")).status();
  EXPECT_EQ(wrong.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ReasonOf(wrong), "WRONG_CREDENTIALS");
  EXPECT_EQ(wrong, unknown);
  EXPECT_EQ(client->Authenticate("zhaoliu", Pw("no")).status(), wrong) << "a disabled one says so only to its owner";
  EXPECT_EQ(client->Authenticate("", Pw("x")).status(), wrong);
  EXPECT_EQ(client->Authenticate(std::string(10000, 'a'), Pw("x")).status(), wrong);
  EXPECT_EQ(client->Authenticate("lina", Pw(std::string(10000, 'a'))).status(), wrong);
  EXPECT_EQ(client->Authenticate("lina", Pw(std::string("\0", 1))).status(), wrong);
  EXPECT_EQ(client->Authenticate("lina", Pw(BankPassword("lina") + '\0')).status(), wrong);
  EXPECT_TRUE(client->Authenticate("lina", Pw(BankPassword("lina"))).ok()) << "and the connections still serve";
}

// RFC 4513, 5.1.2: slapd answers a bind with a DN and no password with "unauthenticated bind" or success.
TEST_F(LdapClientTest, EmptyPasswordIsRefused) {
  auto client = Make(slapd_->Config());
  EXPECT_EQ(ReasonOf(client->Authenticate("lina", Pw("")).status()), "PASSWORD_EMPTY");
  EXPECT_EQ(ReasonOf(client->Authenticate("nobody", Pw("")).status()), "PASSWORD_EMPTY");
}

TEST_F(LdapClientTest, NoLoginIsAFilter) {
  auto client = Make(slapd_->Config());
  const absl::Status wrong = client->Authenticate("nobody", Pw("x")).status();
  const std::string password = BankPassword("lina");
  for (const std::string& login :
       {std::string("*"), std::string("li*"), std::string("*)(uid=*"), std::string("lina)(objectClass=*"),
        std::string("x)(|(uid=lina)"), std::string("lina\0", 5), std::string("\\6cina"),
        std::string("*)(uid=lina))(|(uid=*"), std::string("{login}"), std::string("\xff\xfe")}) {
    EXPECT_EQ(client->Authenticate(login, Pw(password)).status(), wrong) << login;
  }
  EXPECT_TRUE(client->Authenticate("wu(qi)*", Pw(BankPassword("wu(qi)*"))).ok()) << "a real login of that kind";
}

TEST_F(LdapClientTest, DisabledIsRefusedAfterTheRightPassword) {
  auto client = Make(slapd_->Config());
  const absl::Status status = client->Authenticate("zhaoliu", Pw(BankPassword("zhaoliu"))).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(status), "ACCOUNT_DISABLED");
}

TEST_F(LdapClientTest, ALoginThatTwoHaveIsTheAdministratorsMatter) {
  LdapConfig config = slapd_->Config();
  config.login_filter = "(|(uid={login})(uid=liuyang))";
  EXPECT_EQ(ReasonOf(Make(config)->Authenticate("lina", Pw("x")).status()), "LDAP_AMBIGUOUS_LOGIN");
}

TEST_F(LdapClientTest, ReadsEverybodyBeyondThePageAndTheServersLimit) {
  for (int page_size : {1, 7, 40, 10'000}) {
    LdapConfig config = slapd_->Config();
    config.page_size = page_size;
    const auto snapshot = Make(config)->ReadAll();
    if (page_size > 40) {
      // OpenLDAP's limit counts for a page too; whatever it answers, a part must not pass for the whole.
      if (snapshot.ok()) {
        EXPECT_EQ(snapshot->people.size(), 12 + kExtraPeople);
      }
      continue;
    }
    ASSERT_TRUE(snapshot.ok()) << snapshot.status();
    EXPECT_EQ(snapshot->people.size(), 12 + kExtraPeople) << page_size;
    EXPECT_EQ(snapshot->departments.size(), 5);
    ASSERT_EQ(snapshot->skipped_count, 1);
    EXPECT_EQ(snapshot->skipped[0].dn.rfind("cn=Scanner 3,", 0), 0);
  }
}

TEST_F(LdapClientTest, ReadsDepartmentsNamesAndFlags) {
  LdapConfig config = slapd_->Config();
  config.page_size = 20;
  const auto snapshot = Make(config)->ReadAll();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  const auto find = [&](std::string_view login) {
    auto at = std::find_if(snapshot->people.begin(), snapshot->people.end(),
                           [&](const LdapPerson& person) { return person.login == login; });
    return at == snapshot->people.end() ? LdapPerson() : *at;
  };
  const auto path_of = [&](const LdapPerson& person) {
    for (const LdapDepartment& department : snapshot->departments) {
      if (!person.department_keys.empty() && department.key == person.department_keys[0]) return department.path;
    }
    return std::vector<std::string>();
  };
  const LdapPerson ann = find("annsmith");
  EXPECT_EQ(ann.name_zh, "安·史密斯");
  EXPECT_EQ(ann.name_en, "Ann Smith");
  EXPECT_EQ(ann.title, "Agent");
  EXPECT_EQ(ann.mail, "Smith@bank.example");
  EXPECT_EQ(ann.phone, "+86 10 5555 0100");
  EXPECT_EQ(path_of(ann), (std::vector<std::string>{"总行", "零售银行部", "客户服务中心"}));
  EXPECT_EQ(path_of(find("zhangmin")), (std::vector<std::string>{"总行", "科技部", "研发中心"}));
  EXPECT_EQ(path_of(find("wangwei")), std::vector<std::string>{"总行"});
  EXPECT_TRUE(find("zhaoliu").disabled);
  EXPECT_FALSE(find("lina").disabled);
  const auto who = Make(config)->Authenticate("annsmith", Pw(BankPassword("annsmith")));
  ASSERT_TRUE(who.ok()) << who.status();
  EXPECT_EQ(who->key, ann.key) << "the log-in finds the person that the reading found";
}

TEST_F(LdapClientTest, ReadsDepartmentsFromGroups) {
  LdapConfig config = slapd_->Config();
  config.page_size = 20;
  config.department_source = DepartmentSource::kGroups;
  config.departments_base = "ou=groups," + Slapd::base();
  config.departments_filter = "(objectClass=groupOfNames)";
  config.attributes.department_name = "cn";
  const auto snapshot = Make(config)->ReadAll();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  ASSERT_EQ(snapshot->departments.size(), 3);
  for (const LdapDepartment& department : snapshot->departments) {
    if (department.name == "lab") {
      EXPECT_EQ(department.path, (std::vector<std::string>{"it", "lab"}));
    }
  }
  for (const LdapPerson& person : snapshot->people) {
    const size_t want = person.login == "zhangmin" ? 2
                        : person.login == "lina" || person.login == "liuyang" || person.login == "chenjing" ||
                                person.login == "wu(qi)*" || person.login == "annsmith"
                            ? 1
                            : 0;
    EXPECT_EQ(person.department_keys.size(), want) << person.login;
  }
}

TEST_F(LdapClientTest, ReadsActiveDirectorysShapes) {
  LdapConfig config = slapd_->ActiveDirectoryConfig();
  auto client = Make(config);
  const auto snapshot = client->ReadAll();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  ASSERT_EQ(snapshot->people.size(), 2);
  EXPECT_EQ(snapshot->people[0].key, "00112233-4455-6677-2829-2a5c000aee01");
  EXPECT_EQ(snapshot->people[0].login, "sunli");
  EXPECT_FALSE(snapshot->people[0].disabled);
  EXPECT_TRUE(snapshot->people[1].disabled);
  EXPECT_TRUE(client->Authenticate("SunLi", Pw(BankPassword("sunli"))).ok());
  EXPECT_EQ(ReasonOf(client->Authenticate("qianduo", Pw(BankPassword("qianduo"))).status()), "ACCOUNT_DISABLED");
  // A binary key, with every character that means something to a filter, finds its own entry.
  config.people_filter = "(objectGUID=" + EscapeFilterValue(*GuidToBytes(snapshot->people[0].key)) + ")";
  const auto one = Make(config)->ReadAll();
  ASSERT_TRUE(one.ok()) << one.status();
  ASSERT_EQ(one->people.size(), 1);
  EXPECT_EQ(one->people[0].login, "sunli");
}

TEST_F(LdapClientTest, TooManyAndMissingBaseAreErrorsNotParts) {
  LdapConfig config = slapd_->Config();
  config.page_size = 20;
  config.max_people = 50;
  EXPECT_EQ(ReasonOf(Make(config)->ReadAll().status()), "LDAP_TOO_MANY");
  config = slapd_->Config();
  config.people_base = "ou=nowhere," + Slapd::base();
  EXPECT_EQ(ReasonOf(Make(config)->ReadAll().status()), "LDAP_NO_SUCH_ENTRY");
}

TEST_F(LdapClientTest, ServicePasswordIsTheAdministratorsMatter) {
  LdapConfig config = slapd_->Config();
  config.bind_password = Pw("wrong-secret");
  auto client = Make(config);
  for (const absl::Status& status : {client->Authenticate("lina", Pw(BankPassword("lina"))).status(),
                                     client->ReadAll().status(), client->Check()[0].status}) {
    EXPECT_EQ(ReasonOf(status), "LDAP_BIND_REFUSED") << status;
    EXPECT_NE(status.message().find(Slapd::bind_dn()), absl::string_view::npos);
    EXPECT_EQ(status.message().find("wrong-secret"), absl::string_view::npos);
  }
}

TEST_F(LdapClientTest, CheckLooksAtEachServer) {
  LdapConfig config = slapd_->Config();
  config.urls = {slapd_->ldaps_url(), "ldaps://127.0.0.1:1", slapd_->ldap_url()};
  const auto checks = Make(config)->Check();
  ASSERT_EQ(checks.size(), 3);
  EXPECT_TRUE(checks[0].status.ok()) << checks[0].status;
  EXPECT_EQ(ReasonOf(checks[1].status), "LDAP_UNAVAILABLE");
  EXPECT_TRUE(checks[2].status.ok()) << checks[2].status;
}

TEST_F(LdapClientTest, ManyThreadsShareFewConnections) {
  LdapConfig config = slapd_->Config();
  config.connections = 2;
  auto client = Make(config);
  std::atomic<int> good = 0, bad = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const Slapd::Login person = Slapd::people()[(t + i) % Slapd::people().size()];
        const bool right = i % 3 != 0;
        const auto who = client->Authenticate(person.login, Pw(right ? person.password : "no"));
        if (right && who.ok() && who->login == person.login) ++good;
        if (!right && ReasonOf(who.status()) == "WRONG_CREDENTIALS") ++bad;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 8 * 13);
  EXPECT_EQ(bad, 8 * 7);
}

}  // namespace
}  // namespace yizhan::directory
