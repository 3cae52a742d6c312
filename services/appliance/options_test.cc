#include "appliance/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include "base/age.h"

namespace yizhan::appliance {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string FileWith(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "/options_test_" + name;
  std::ofstream(path) << text;
  return path;
}

absl::Status Read(const std::string& text, RunOptions* options = nullptr) {
  RunOptions local;
  return OptionsSchema(options ? options : &local).ReadFile(FileWith("yaml", text));
}

std::string Mistakes(const std::string& text) { return std::string(Read(text).message()); }

// A source in which nothing is wrong.
std::string Source(const std::string& name, const std::string& more = "") {
  const std::string pem = FileWith("ca.pem", "-----BEGIN CERTIFICATE-----\n");
  const std::string password = FileWith("password", "s3cret\n");
  return "  - name: " + name + "\n    urls: ['ldaps://10.0.0.1']\n    ca_file: " + pem +
         "\n    bind_dn: cn=reader,dc=bank\n    bind_password_file: " + password +
         "\n    people_base: dc=bank\n    departments_base: dc=bank\n" + more;
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
  EXPECT_THAT(Mistakes("domain: a\nport_base: high\n"),
              AllOf(HasSubstr(":2:"), HasSubstr("\"port_base\" must be a whole number from 0 to 65530, not \"high\"")));
  EXPECT_THAT(Mistakes("domian: a\n"),
              AllOf(HasSubstr(":1:"), HasSubstr("no key \"domian\"; did you mean \"domain\"?")));
  EXPECT_THAT(Mistakes("a: [\n"), HasSubstr("not YAML"));
  EXPECT_THAT(Mistakes("- a\n"), HasSubstr("\"key: value\" lines"));
  RunOptions options;
  EXPECT_THAT(std::string(OptionsSchema(&options).ReadFile("/nowhere.yaml").message()),
              HasSubstr("/nowhere.yaml cannot be read"));
}

TEST(Options, EachValueIsHeldToItsBounds) {
  for (const char* bad :
       {"domain: Bank Example", "domain: ''", "address: everywhere", "address: 10.0.0", "port_base: 65531",
        "port_base: -1", "data: ''", "log_level: loud", "im_partitions: 0", "im_partitions: 4096", "threads: 65",
        "demonstration: maybe", "ldap: hq", "pages: [a]", "plain_xmpp: 0"}) {
    EXPECT_THAT(Mistakes(bad), HasSubstr(":1: ")) << bad;
  }
  EXPECT_TRUE(Read("address: '::1'\nport_base: 0\nlog_level: off\nthreads: 64\nim_partitions: 4095\n").ok());
}

TEST(Options, ALdapSourceIsRead) {
  RunOptions options;
  const absl::Status status =
      Read("ldap:\n" + Source("hq") + Source("ad", "    people_filter: (cn=*)\n    type: ad\n"), &options);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(options.ldap_sources.size(), 2u);
  EXPECT_EQ(options.ldap_sources[0].config.bind_password.Reveal(), "s3cret");
  EXPECT_EQ(options.ldap_sources[0].config.attributes.login, "uid");
  EXPECT_EQ(options.ldap_sources[1].config.attributes.login, "sAMAccountName");
  EXPECT_EQ(options.ldap_sources[1].config.people_filter, "(cn=*)");
  const std::string printed = OptionsSchema(&options).Print();
  EXPECT_THAT(printed, AllOf(HasSubstr("    type: ad\n"), HasSubstr("    type: openldap\n"),
                             HasSubstr("people_filter: \"(cn=*)\""), Not(HasSubstr("s3cret"))));
  EXPECT_EQ(options.ldap_sources[1].config.people_filter, "(cn=*)");
}

TEST(Options, AnLdapSourceInTheClearIsRefused) {
  EXPECT_THAT(Mistakes("ldap:\n  - name: hq\n    urls: ['ldap://10.0.0.1']\n    start_tls: false\n"),
              AllOf(HasSubstr(":3: \"ldap[0].urls\""), HasSubstr("in the clear")));
}

TEST(Options, EachMistakeOfALdapSourceIsTold) {
  EXPECT_THAT(
      Mistakes("ldap:\n  - name: hq\n    urls: ['ldaps://10.0.0.1']\n"),
      AllOf(HasSubstr(":2: \"ldap[0].bind_dn\" is missing"), HasSubstr(":2: \"ldap[0].bind_password_file\" is missing"),
            HasSubstr(":2: \"ldap[0].ca_file\" is missing"), HasSubstr(":2: \"ldap[0].people_base\" is missing")));
  EXPECT_THAT(Mistakes("ldap:\n" + Source("local")), HasSubstr(":2: \"ldap[0].name\" must be"));
  EXPECT_THAT(Mistakes("ldap:\n" + Source("hq") + Source("hq")),
              HasSubstr(":1: \"ldap\" has two sources with the name \"hq\""));
  EXPECT_THAT(Mistakes("ldap:\n" + Source("hq", "    login_filter: (uid=x)\n")),
              HasSubstr(":9: \"ldap[0].login_filter\" lacks {login}"));
}

TEST(Options, EveryFlagStandsForAKey) {
  RunOptions options;
  config::Schema schema = OptionsSchema(&options);
  for (const KeyFlag& each : kKeyFlags) {
    EXPECT_THAT(std::string(schema.Set(each.key, "?", each.flag).message()), Not(HasSubstr("which is no key")))
        << each.flag;
  }
  EXPECT_EQ(schema.Set("port_base", "70000", "--port-base").message(),
            "--port-base must be a whole number from 0 to 65530, not \"70000\"");
}

std::string TextOf(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// packaging/yizhan.yaml: a setting behind "#" is one that could be switched on; prose stands behind "# ".
TEST(Options, TheExampleHasEveryKeyAndItsDefault) {
  const std::string example = TextOf(YIZHAN_PACKAGING "/yizhan.yaml");
  EXPECT_TRUE(Read(example).ok());
  RunOptions options;
  config::Schema schema = OptionsSchema(&options);
  std::string switched_on;
  std::istringstream lines(example);
  for (std::string line; std::getline(lines, line);) {
    const bool off = line.size() > 1 && line[0] == '#' && (line[1] != ' ' || line[2] == ' ');
    if (off) line.erase(0, 1);
    switched_on += line + "\n";
    const size_t colon = line.find(": ");
    if (!off || colon == std::string::npos || line[0] == ' ') continue;
    const std::string key = line.substr(0, colon);
    for (const auto& each : schema.Keys()) {
      if (each.name == key) EXPECT_EQ(line.substr(colon + 2), each.shown_default) << key;
    }
  }
  switched_on = std::regex_replace(switched_on, std::regex("ca_file: .*"),
                                   "ca_file: " + FileWith("ca.pem", "-----BEGIN CERTIFICATE-----\n"));
  switched_on = std::regex_replace(switched_on, std::regex("(bind|etcd)_password_file: .*"),
                                   "$1_password_file: " + FileWith("password", "x"));
  switched_on = std::regex_replace(switched_on, std::regex("s3_secret_key_file: .*"), "s3_secret_key_file: " + FileWith("secret", "x"));
  switched_on = std::regex_replace(switched_on, std::regex("age1\\.\\.\\."), age::Identity::Generate().recipient().ToString());
  const absl::Status status = schema.ReadFile(FileWith("example.yaml", switched_on));
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(options.ldap_sources.size(), 1u);
  const directory::LdapConfig defaults = directory::OpenLdapDefaults();
  EXPECT_EQ(options.ldap_sources[0].config.people_filter, defaults.people_filter);
  EXPECT_EQ(options.ldap_sources[0].config.login_filter, defaults.login_filter);
  EXPECT_EQ(options.ldap_sources[0].config.departments_filter, defaults.departments_filter);
  for (const auto& key : schema.Keys()) {
    const size_t item = key.name.find("[].");
    if (item == std::string::npos) {
      EXPECT_TRUE(schema.Given(key.name)) << key.name;
    } else {
      EXPECT_THAT(switched_on, HasSubstr(" " + key.name.substr(item + 3) + ": "));
    }
  }
}

TEST(Options, TheManualHasEveryKeyAndNoOther) {
  const std::string manual = TextOf(YIZHAN_PACKAGING "/man/yizhan.yaml.5");
  std::multiset<std::string> told, known;
  const std::regex entry("\\.TP\n\\.B ([^\n]*)\n");
  for (std::sregex_iterator each(manual.begin(), manual.end(), entry), end; each != end; ++each)
    told.insert((*each)[1]);
  RunOptions options;
  for (const auto& key : OptionsSchema(&options).Keys()) known.insert(key.name);
  EXPECT_EQ(told, known);
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
  options.plain_xmpp_port = 65'536;
  EXPECT_FALSE(CheckOptions(options).ok());
}

}  // namespace
}  // namespace yizhan::appliance
