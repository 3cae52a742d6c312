// Who may talk to etcd: certificates, users, tokens.
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "base/status.h"
#include "cluster/etcd/etcd_kv.h"
#include "cluster/etcd/etcd_test_bed.h"

namespace yizhan::cluster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

EtcdOptions TlsOptions(const EtcdServers& servers) {
  EtcdOptions options;
  options.endpoints = servers.endpoints();
  options.ca_file = servers.ca_file();
  options.certificate_file = servers.client_certificate_file();
  options.key_file = servers.client_key_file();
  return options;
}

TEST(EtcdTlsTest, CertificatesOfBothSidesAreChecked) {
  auto servers = MustStart({.tls = true});
  const EtcdOptions right = TlsOptions(*servers);
  auto kv = MustConnect(right);
  auto put = Put(*kv, "a", "1");
  ASSERT_TRUE(put.ok()) << put.status();
  Events events;
  auto watch = kv->StartWatch("a", "", *put, events.Callbacks());
  EXPECT_TRUE(events.WaitFor(1));

  EtcdOptions wrong = right;
  wrong.ca_file = servers->other_ca_file();
  absl::Status refused = Put(*MustConnect(wrong), "a", "2", 0, absl::Seconds(1)).status();
  EXPECT_EQ(ReasonOf(refused), "ETCD_TLS") << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("ertificate"));

  EtcdOptions stranger = right;
  stranger.certificate_file = servers->other_certificate_file();
  stranger.key_file = servers->other_key_file();
  refused = Put(*MustConnect(stranger), "a", "2", 0, absl::Seconds(1)).status();
  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("does it want TLS, or a client certificate")) << refused;

  EtcdOptions nobody = right;
  nobody.certificate_file.clear();
  nobody.key_file.clear();
  refused = Put(*MustConnect(nobody), "a", "2", 0, absl::Seconds(1)).status();
  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("does it want TLS, or a client certificate")) << refused;

  EtcdOptions plain;
  plain.endpoints = servers->endpoints();
  refused = Put(*MustConnect(plain), "a", "2", 0, absl::Seconds(1)).status();
  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("does it want TLS, or a client certificate")) << refused;

  EXPECT_EQ(Get(*kv, {"a", "", 0})->kvs[0].value, "1");
}

class EtcdAuthTest : public ::testing::Test {
 protected:
  EtcdAuthTest() : servers_(MustStart({.auth = true, .user_prefix = "y/"})) {}

  EtcdOptions Right() const {
    EtcdOptions options;
    options.endpoints = servers_->endpoints();
    options.user = "yizhan";
    options.password = Secret<std::string>(EtcdServers::user_password());
    options.prefix = "y/";
    return options;
  }

  const std::unique_ptr<EtcdServers> servers_;
};

TEST_F(EtcdAuthTest, PasswordsAndRolesAreChecked) {
  auto kv = MustConnect(Right());
  auto put = Put(*kv, "a", "1");
  ASSERT_TRUE(put.ok()) << put.status();
  Events events;
  auto watch = kv->StartWatch("", std::string(1, '\0'), *put, events.Callbacks());
  EXPECT_TRUE(events.WaitFor(1));
  EXPECT_TRUE(Get(*kv, {"", std::string(1, '\0'), 0}).ok());
  auto lease = GrantLease(*kv, absl::Seconds(10));
  ASSERT_TRUE(lease.ok()) << lease.status();
  ASSERT_TRUE(Put(*kv, "b", "1", *lease).ok());
  EXPECT_TRUE(RenewLease(*kv, *lease).ok());
  EXPECT_TRUE(RevokeLease(*kv, *lease).ok());

  EtcdOptions wrong = Right();
  wrong.password = Secret<std::string>("wrong");
  auto wrong_kv = MustConnect(wrong);
  absl::Status refused = Put(*wrong_kv, "a", "2").status();
  EXPECT_TRUE(absl::IsPermissionDenied(refused)) << refused;
  EXPECT_EQ(ReasonOf(refused), "ETCD_LOGIN");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("password"));
  EXPECT_EQ(ReasonOf(Put(*wrong_kv, "a", "2").status()), "ETCD_LOGIN");
  Events wrong_events;
  auto wrong_watch = wrong_kv->StartWatch("a", "", 1, wrong_events.Callbacks());
  ASSERT_TRUE(Eventually([&] { return !wrong_events.ended().ok(); }));
  EXPECT_TRUE(absl::IsPermissionDenied(wrong_events.ended())) << wrong_events.ended();

  EtcdOptions nobody = Right();
  nobody.user.clear();
  nobody.password = Secret<std::string>();
  refused = Put(*MustConnect(nobody), "a", "2").status();
  EXPECT_EQ(ReasonOf(refused), "ETCD_LOGIN") << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("configure one"));

  EtcdOptions elsewhere = Right();
  elsewhere.prefix = "z/";
  auto elsewhere_kv = MustConnect(elsewhere);
  refused = Put(*elsewhere_kv, "a", "2").status();
  EXPECT_TRUE(absl::IsPermissionDenied(refused)) << refused;
  EXPECT_EQ(ReasonOf(refused), "ETCD_DENIED");
  Events denied;
  auto denied_watch = elsewhere_kv->StartWatch("a", "", 1, denied.Callbacks());
  ASSERT_TRUE(Eventually([&] { return !denied.ended().ok(); }));
  EXPECT_TRUE(absl::IsPermissionDenied(denied.ended())) << denied.ended();
  EXPECT_EQ(ReasonOf(denied.ended()), "ETCD_DENIED");
  EXPECT_TRUE(elsewhere_kv->Health()[0].ok);

  EXPECT_EQ(Get(*kv, {"a", "", 0})->kvs[0].value, "1");
}

// A member keeps tokens in memory, and every change of users and roles ends them.
TEST_F(EtcdAuthTest, LogsInAgainWhenTheTokenHasEnded) {
  auto kv = MustConnect(Right());
  auto put = Put(*kv, "a", "1");
  ASSERT_TRUE(put.ok()) << put.status();
  Events events;
  auto watch = kv->StartWatch("a", "", *put, events.Callbacks());
  ASSERT_TRUE(events.WaitFor(1));

  ASSERT_TRUE(servers_->Ctl({"user", "add", "somebody:else"}).ok());
  absl::Status again = Put(*kv, "a", "2", 0, absl::Seconds(5)).status();
  EXPECT_TRUE(again.ok()) << again;

  ASSERT_TRUE(servers_->Restart(0).ok());
  ASSERT_TRUE(servers_->WaitHealthy(0).ok());
  ASSERT_TRUE(Eventually([&] {
    again = Put(*kv, "a", "3", 0, absl::Seconds(5)).status();
    return !absl::IsUnavailable(again);
  }));
  EXPECT_TRUE(again.ok()) << again;
  EXPECT_TRUE(events.WaitUntil([&] { return events.values().back() == "3"; }));
  EXPECT_TRUE(events.ended().ok()) << events.ended();
}

// Each member counts a token's time by itself: at one that nobody asks it ends, while it lives at the one in use.
TEST(EtcdTokenTest, LogsInAgainWhenTheTokenHasExpired) {
  auto servers = MustStart({.size = 3, .auth = true, .token_seconds = 1});
  EtcdOptions options;
  options.endpoints = servers->endpoints();
  options.user = "yizhan";
  options.password = Secret<std::string>(EtcdServers::user_password());
  options.prefix = "y/";
  auto kv = MustConnect(options);
  ASSERT_TRUE(Put(*kv, "a", "1").ok());
  absl::SleepFor(absl::Seconds(3));  // its second, and the one until etcd looks
  servers->Kill(0);
  absl::Status again;
  ASSERT_TRUE(Eventually([&] {
    again = Put(*kv, "a", "2", 0, absl::Seconds(2)).status();
    return !absl::IsUnavailable(again);
  }));
  EXPECT_TRUE(again.ok()) << again;
}

TEST(EtcdNoAuthTest, UserIsNoHindranceWhereAuthenticationIsOff) {
  auto servers = MustStart({});
  EtcdOptions options;
  options.endpoints = servers->endpoints();
  options.user = "yizhan";
  options.password = Secret<std::string>("any");
  absl::Status put = Put(*MustConnect(options), "a", "1").status();
  EXPECT_TRUE(put.ok()) << put;
}

}  // namespace
}  // namespace yizhan::cluster
