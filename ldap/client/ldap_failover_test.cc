// Servers that lie, stop, hang and come back. Against real slapds.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "base/status.h"
#include "ldap/client/ldap_client.h"
#include "ldap/testing/slapd.h"
#include "ldap/testing/slapd_data.h"

namespace yizhan::directory {
namespace {

Secret<std::string> Pw(std::string text) { return Secret<std::string>(std::move(text)); }
const char* const kLogin = "lina";

std::unique_ptr<Slapd> Start(Slapd::Options options = {}) {
  auto slapd = Slapd::Start(std::move(options));
  EXPECT_TRUE(slapd.ok()) << slapd.status();
  return slapd.ok() ? *std::move(slapd) : nullptr;
}

std::unique_ptr<LdapClient> Make(LdapConfig config) {
  auto client = LdapClient::Create(std::move(config));
  EXPECT_TRUE(client.ok()) << client.status();
  return client.ok() ? *std::move(client) : nullptr;
}

absl::Status LogIn(LdapClient& client) { return client.Authenticate(kLogin, Pw(BankPassword(kLogin))).status(); }

struct Timed {
  absl::Status status;
  absl::Duration took;
};
Timed TimedLogIn(LdapClient& client) {
  const absl::Time started = absl::Now();
  absl::Status status = LogIn(client);
  return {status, absl::Now() - started};
}

TEST(LdapTls, CertificateOfAnotherAuthorityIsRefused) {
  auto slapd = Start(), other = Start();
  for (bool ldaps : {true, false}) {
    LdapConfig config = slapd->Config(ldaps);
    config.ca_file = other->ca_file();
    const absl::Status status = LogIn(*Make(config));
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ReasonOf(status), "LDAP_TLS_REFUSED") << status;
    EXPECT_NE(status.message().find(config.urls[0]), absl::string_view::npos) << "which server";
    EXPECT_NE(status.message().find("ldap.ca_file"), absl::string_view::npos) << "what to do";
  }
}

TEST(LdapTls, CertificateForAnotherHostIsRefused) {
  Slapd::Options options;
  options.names = "DNS:directory.elsewhere.example,IP:10.1.2.3";
  auto slapd = Start(options);
  for (bool ldaps : {true, false}) {
    EXPECT_EQ(ReasonOf(LogIn(*Make(slapd->Config(ldaps)))), "LDAP_TLS_REFUSED");
  }
}

TEST(LdapTls, AServerWithoutTlsGetsNoPassword) {
  Slapd::Options options;
  options.tls = false;
  auto slapd = Start(options);
  LdapConfig config = slapd->Config(false);
  EXPECT_EQ(ReasonOf(LogIn(*Make(config))), "LDAP_TLS_REFUSED");
  EXPECT_EQ(ReasonOf(Make(config)->ReadAll().status()), "LDAP_TLS_REFUSED");
  config.start_tls = false;
  EXPECT_EQ(ReasonOf(LdapClient::Create(config).status()), "LDAP_CONFIG") << "plain LDAP cannot be configured at all";
}

TEST(LdapTls, TheEnvironmentCannotWeakenIt) {
  auto slapd = Start(), other = Start();
  setenv("LDAPTLS_REQCERT", "never", 1);
  setenv("LDAPTLS_CACERT", slapd->ca_file().c_str(), 1);
  LdapConfig config = slapd->Config();
  config.ca_file = other->ca_file();
  EXPECT_EQ(ReasonOf(LogIn(*Make(config))), "LDAP_TLS_REFUSED");
  unsetenv("LDAPTLS_REQCERT");
  unsetenv("LDAPTLS_CACERT");
}

TEST(LdapFailover, StoppedServerIsUnavailableAtOnceAndComesBack) {
  auto slapd = Start();
  auto client = Make(slapd->Config());
  ASSERT_TRUE(LogIn(*client).ok());
  slapd->Stop();
  const Timed stopped = TimedLogIn(*client);
  EXPECT_EQ(stopped.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(stopped.status), "LDAP_UNAVAILABLE");
  EXPECT_GT(RetryAfterMs(stopped.status), 0);
  EXPECT_LT(stopped.took, absl::Seconds(1));
  EXPECT_EQ(ReasonOf(client->ReadAll().status()), "LDAP_UNAVAILABLE");
  ASSERT_TRUE(slapd->Restart().ok());
  const absl::Time patience = absl::Now() + absl::Seconds(10);
  absl::Status back = LogIn(*client);
  while (!back.ok() && absl::Now() < patience) {
    absl::SleepFor(absl::Milliseconds(50));  // until the second is over for which a failed server is left alone
    back = LogIn(*client);
  }
  EXPECT_TRUE(back.ok()) << back;
}

// The server is restarted between two log-ins: the kept connections are dead, nobody notices.
TEST(LdapFailover, RestartBetweenLogInsIsNotNoticed) {
  auto slapd = Start();
  for (bool ldaps : {true, false}) {
    auto client = Make(slapd->Config(ldaps));
    ASSERT_TRUE(LogIn(*client).ok());
    ASSERT_TRUE(slapd->Restart().ok());
    EXPECT_TRUE(LogIn(*client).ok());
    EXPECT_EQ(ReasonOf(client->Authenticate(kLogin, Pw("no")).status()), "WRONG_CREDENTIALS");
  }
}

TEST(LdapFailover, SecondServerServesWhenTheFirstIsGone) {
  auto first = Start();
  Slapd::Options options;
  options.ca_dir = first->ca_dir();
  auto second = Start(options);
  LdapConfig config = first->Config();
  config.urls = {first->ldaps_url(), second->ldaps_url()};
  auto client = Make(config);
  ASSERT_TRUE(LogIn(*client).ok());
  first->Stop();
  for (int i = 0; i < 3; ++i) {
    const Timed timed = TimedLogIn(*client);
    EXPECT_TRUE(timed.status.ok()) << timed.status;
    EXPECT_LT(timed.took, absl::Seconds(1));
  }
  EXPECT_TRUE(client->ReadAll().ok());
  second->Stop();
  const absl::Status none = LogIn(*client);
  EXPECT_EQ(none.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(none.message().find(first->ldaps_url()), absl::string_view::npos) << none;
  EXPECT_NE(none.message().find(second->ldaps_url()), absl::string_view::npos) << none;
}

TEST(LdapFailover, HangingServerTimesOut) {
  auto slapd = Start();
  for (bool ldaps : {true, false}) {
    LdapConfig config = slapd->Config(ldaps);
    config.connect_timeout = absl::Milliseconds(800);
    config.operation_timeout = absl::Milliseconds(800);
    config.call_timeout = absl::Seconds(3);
    auto kept = Make(config), fresh = Make(config);
    ASSERT_TRUE(LogIn(*kept).ok());
    slapd->Pause();
    for (LdapClient* client : {kept.get(), fresh.get()}) {
      const Timed hanging = TimedLogIn(*client);
      EXPECT_EQ(hanging.status.code(), absl::StatusCode::kUnavailable) << hanging.status;
      EXPECT_GE(hanging.took, absl::Milliseconds(700));
      EXPECT_LT(hanging.took, absl::Milliseconds(3500));
      const Timed next = TimedLogIn(*client);
      EXPECT_EQ(next.status.code(), absl::StatusCode::kUnavailable) << next.status;
      EXPECT_LT(next.took, absl::Milliseconds(600)) << "the next ones do not wait for it again";
    }
    slapd->Resume();
  }
}

TEST(LdapFailover, SecondServerServesWhenTheFirstHangs) {
  auto first = Start();
  Slapd::Options options;
  options.ca_dir = first->ca_dir();
  auto second = Start(options);
  LdapConfig config = first->Config();
  config.urls = {first->ldap_url(), second->ldap_url()};
  config.connect_timeout = absl::Milliseconds(800);
  config.operation_timeout = absl::Milliseconds(800);
  auto client = Make(config);
  ASSERT_TRUE(LogIn(*client).ok());
  first->Pause();
  const Timed timed = TimedLogIn(*client);
  EXPECT_TRUE(timed.status.ok()) << timed.status;
  EXPECT_LT(timed.took, absl::Seconds(3));
  EXPECT_LT(TimedLogIn(*client).took, absl::Milliseconds(600)) << "the hanging one is left alone";
  first->Resume();
}

// A bind timed out, and the next log-in waited for the same server again on the kept connection for searches.
TEST(LdapFailover, KeptConnectionsToAServerThatFailedElsewhereAreNotUsed) {
  auto slapd = Start();
  LdapConfig config = slapd->Config();
  config.connect_timeout = absl::Milliseconds(800);
  config.operation_timeout = absl::Milliseconds(800);
  auto client = Make(config);
  ASSERT_TRUE(LogIn(*client).ok());
  slapd->Pause();
  EXPECT_EQ(client->ReadAll().status().code(), absl::StatusCode::kUnavailable);
  const Timed next = TimedLogIn(*client);
  EXPECT_EQ(next.status.code(), absl::StatusCode::kUnavailable) << next.status;
  EXPECT_LT(next.took, absl::Milliseconds(600));
  slapd->Resume();
}

TEST(LdapFailover, DeadlineOfTheCallerIsKept) {
  auto slapd = Start();
  auto client = Make(slapd->Config());
  ASSERT_TRUE(LogIn(*client).ok());
  slapd->Pause();
  const absl::Time started = absl::Now();
  const auto late = client->Authenticate(kLogin, Pw("x"), started + absl::Milliseconds(200));
  EXPECT_EQ(late.status().code(), absl::StatusCode::kUnavailable) << late.status();
  EXPECT_LT(absl::Now() - started, absl::Seconds(1));
  slapd->Resume();
}

}  // namespace
}  // namespace yizhan::directory
