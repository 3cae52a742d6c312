#include "ldap/client/ldap_config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <string>

#include "base/status.h"

namespace yizhan::directory {
namespace {

class LdapConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    file_ = testing::TempDir() + "ldap_config_test_ca_" + std::to_string(getpid()) + ".pem";
    std::ofstream(file_) << "-----BEGIN CERTIFICATE-----\n";
    good_ = OpenLdapDefaults();
    good_.urls = {"ldaps://a.example", "ldap://[::1]:389", "ldap://10.0.0.1:1389"};
    good_.ca_file = file_;
    good_.bind_dn = "cn=reader,dc=bank";
    good_.bind_password = Secret<std::string>(std::string("x"));
    good_.people_base = good_.departments_base = "ou=staff,dc=bank";
  }
  void TearDown() override { std::remove(file_.c_str()); }

  std::string file_;
  LdapConfig good_;
};

TEST_F(LdapConfigTest, GoodOnes) {
  EXPECT_TRUE(CheckLdapConfig(good_).ok()) << CheckLdapConfig(good_);
  good_.departments_filter = good_.departments_base = "";
  EXPECT_TRUE(CheckLdapConfig(good_).ok()) << CheckLdapConfig(good_);
  LdapConfig ad = ActiveDirectoryDefaults();
  good_.people_filter = ad.people_filter;
  good_.login_filter = ad.login_filter;
  EXPECT_TRUE(CheckLdapConfig(good_).ok()) << CheckLdapConfig(good_);
}

TEST_F(LdapConfigTest, EachFaultIsNamed) {
  struct Fault {
    const char* setting;
    std::function<void(LdapConfig&)> make;
  };
  const Fault faults[] = {
      {"urls", [](auto& c) { c.urls = {}; }},
      {"urls", [](auto& c) { c.urls = {"http://a"}; }},
      {"urls", [](auto& c) { c.urls = {"ldaps://"}; }},
      {"urls", [](auto& c) { c.urls = {"ldaps://a:0"}; }},
      {"urls", [](auto& c) { c.urls = {"ldaps://a:99999"}; }},
      {"urls", [](auto& c) { c.urls = {"ldaps://a/dc=x??sub?(uid=*)"}; }},
      {"urls", [](auto& c) { c.urls = {"ldaps://a ldap://b"}; }},
      {"urls", [](auto& c) { c.start_tls = false; }},
      {"urls", [](auto& c) { c.urls = std::vector<std::string>(17, "ldaps://a"); }},
      {"ca_file", [](auto& c) { c.ca_file = ""; }},
      {"ca_file", [](auto& c) { c.ca_file = "/nowhere/ca.pem"; }},
      {"ca_file", [](auto& c) { c.ca_file = "/dev/null"; }},
      {"bind_dn", [](auto& c) { c.bind_dn = ""; }},
      {"bind_dn", [](auto& c) { c.bind_dn = "reader"; }},
      {"bind_password", [](auto& c) { c.bind_password = Secret<std::string>(); }},
      {"people_base", [](auto& c) { c.people_base = "x"; }},
      {"people_filter", [](auto& c) { c.people_filter = "uid=*"; }},
      {"login_filter", [](auto& c) { c.login_filter = "(uid=*)"; }},
      {"login_filter", [](auto& c) { c.login_filter = "(uid={login}"; }},
      {"departments_base", [](auto& c) { c.departments_base = ""; }},
      {"attributes.key", [](auto& c) { c.attributes.key = ""; }},
      {"attributes.login", [](auto& c) { c.attributes.login = ""; }},
      {"attributes.department_name", [](auto& c) { c.attributes.department_name = ""; }},
      {"connect_timeout", [](auto& c) { c.connect_timeout = absl::ZeroDuration(); }},
      {"operation_timeout", [](auto& c) { c.operation_timeout = absl::InfiniteDuration(); }},
      {"page_size", [](auto& c) { c.page_size = 0; }},
      {"connections", [](auto& c) { c.connections = 1000; }},
  };
  for (const Fault& fault : faults) {
    LdapConfig config = good_;
    fault.make(config);
    const absl::Status status = CheckLdapConfig(config);
    EXPECT_EQ(ReasonOf(status), "LDAP_CONFIG") << fault.setting;
    EXPECT_EQ(std::string(status.message()).rfind(std::string("ldap.") + fault.setting + ":", 0), 0) << status;
  }
}

TEST_F(LdapConfigTest, SecretIsNotCarriedToAnotherServer) {
  LdapConfig after = good_;
  after.bind_password = Secret<std::string>();
  after.page_size = 7;
  EXPECT_TRUE(CarrySecretOver(good_, &after).ok());
  EXPECT_EQ(after.bind_password.Reveal(), "x");
  after.bind_password = Secret<std::string>();
  after.urls[0] = "ldaps://evil.example";
  EXPECT_EQ(ReasonOf(CarrySecretOver(good_, &after)), "LDAP_SECRET_DROPPED");
  EXPECT_TRUE(after.bind_password.empty());
  after.bind_password = Secret<std::string>(std::string("y"));
  EXPECT_TRUE(CarrySecretOver(good_, &after).ok());
  EXPECT_EQ(after.bind_password.Reveal(), "y");
}

}  // namespace
}  // namespace yizhan::directory
