#include "appliance/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace yizhan::appliance {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

absl::Status Read(const std::string& text, RunOptions* options = nullptr) {
  const std::string path = testing::TempDir() + "/options_test.yaml";
  std::ofstream(path) << text;
  RunOptions local;
  return ReadConfig(path, options ? *options : local);
}

TEST(Options, ReadsWhatTheFileSays) {
  RunOptions options;
  ASSERT_TRUE(Read("domain: bank.example\nport_base: 9000\ndemonstration: false\n", &options).ok());
  EXPECT_EQ(options.domain, "bank.example");
  EXPECT_EQ(options.port_base, 9000);
  EXPECT_FALSE(options.demonstration);
  EXPECT_TRUE(Read("").ok());
}

TEST(Options, ABrokenFileIsNamedWithItsLine) {
  EXPECT_THAT(std::string(Read("domain: a\nport_base: high\n").message()), AllOf(HasSubstr(":2:"), HasSubstr("port_base must be a port")));
  EXPECT_THAT(std::string(Read("domian: a\n").message()), AllOf(HasSubstr(":1:"), HasSubstr("unknown setting 'domian'"), HasSubstr("known here")));
  EXPECT_THAT(std::string(Read("a: [\n").message()), HasSubstr("not YAML"));
  EXPECT_THAT(std::string(Read("- a\n").message()), HasSubstr("mapping"));
  RunOptions options;
  EXPECT_THAT(std::string(ReadConfig("/nowhere.yaml", options).message()), HasSubstr("/nowhere.yaml cannot be read"));
}

TEST(Options, AnLdapSourceInTheClearIsRefused) {
  EXPECT_THAT(std::string(Read("ldap:\n  - name: hq\n    urls: ['ldap://10.0.0.1']\n    start_tls: false\n").message()), HasSubstr(":2:"));
}

TEST(Options, KnownPasswordsAndPlainTextStayOnLoopback) {
  RunOptions options;
  EXPECT_TRUE(CheckOptions(options).ok());
  options.plain_xmpp_port = 0;
  EXPECT_TRUE(CheckOptions(options).ok());
  options.address = "10.0.0.1";
  EXPECT_THAT(std::string(CheckOptions(options).message()), HasSubstr("loopback"));
  options = RunOptions();
  options.bench_people = 10;
  EXPECT_THAT(std::string(CheckOptions(options).message()), HasSubstr("--domain"));
  options.domain_given = true;
  EXPECT_TRUE(CheckOptions(options).ok());
  options.domain = "Bank Example";
  EXPECT_FALSE(CheckOptions(options).ok());
}

}  // namespace
}  // namespace yizhan::appliance
