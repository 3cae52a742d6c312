#include "ldap/client/ldap_entries.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/status.h"

namespace yizhan::directory {
namespace {

RawEntry Unit(std::string key, std::string dn, std::string name) {
  return {.dn = dn, .attributes = {{"entryuuid", {key}}, {"ou", {name}}}};
}
RawEntry Person(std::string key, std::string dn, std::string login) {
  return {.dn = dn, .attributes = {{"entryuuid", {key}}, {"uid", {login}}, {"cn", {"名 " + login}}}};
}

TEST(PersonOf, ReadsAndFallsBack) {
  RawEntry entry = {.dn = "cn=x",
                    .attributes = {{"entryuuid", {"ABC-1"}},
                                   {"uid", {" wang "}},
                                   {"cn", {"Wang"}},
                                   {"cn;lang-zh", {"王"}},
                                   {"mail", {"a@b", "c@d"}}}};
  const auto person = PersonOf(entry, OpenLdapDefaults().attributes);
  ASSERT_TRUE(person.ok()) << person.status();
  EXPECT_EQ(person->key, "abc-1");
  EXPECT_EQ(person->login, "wang");
  EXPECT_EQ(person->name, "Wang");
  EXPECT_EQ(person->name_zh, "王");
  EXPECT_EQ(person->name_en, "");
  EXPECT_EQ(person->mail, "a@b");
  EXPECT_FALSE(person->disabled);
}

TEST(PersonOf, RefusesBrokenValues) {
  const LdapAttributes attributes = OpenLdapDefaults().attributes;
  const RawEntry good = Person("k", "cn=x", "wang");
  for (const std::string& bad :
       {std::string("\xff"), std::string("a\nb"), std::string("\xc0\x80"), std::string("\xed\xa0\x80"),
        std::string("\xf4\x90\x80\x80"), std::string("\xe7\x8e"), std::string(2000, 'a')}) {
    for (const char* name : {"uid", "cn", "mail", "entryuuid"}) {
      RawEntry entry = good;
      entry.attributes[name] = {bad};
      EXPECT_EQ(ReasonOf(PersonOf(entry, attributes).status()), "LDAP_ENTRY") << name;
    }
  }
  for (const char* name : {"uid", "entryuuid"}) {
    RawEntry entry = good;
    entry.attributes.erase(name);
    EXPECT_FALSE(PersonOf(entry, attributes).ok());
    entry.attributes[name] = {};
    EXPECT_FALSE(PersonOf(entry, attributes).ok());
  }
}

TEST(PersonOf, DisabledByBitsValueOrPresence) {
  RawEntry entry = Person("k", "cn=x", "wang");
  LdapAttributes attributes = OpenLdapDefaults().attributes;
  attributes.disabled = "flag";
  EXPECT_FALSE(PersonOf(entry, attributes)->disabled);
  entry.attributes["flag"] = {"514"};
  EXPECT_TRUE(PersonOf(entry, attributes)->disabled) << "it is there";
  attributes.disabled_bits = 2;
  EXPECT_TRUE(PersonOf(entry, attributes)->disabled);
  entry.attributes["flag"] = {"512"};
  EXPECT_FALSE(PersonOf(entry, attributes)->disabled);
  entry.attributes["flag"] = {"-2147483646"};
  EXPECT_TRUE(PersonOf(entry, attributes)->disabled) << "as a signed number";
  attributes.disabled_bits = 0;
  attributes.disabled_value = "Gone";
  EXPECT_FALSE(PersonOf(entry, attributes)->disabled);
  entry.attributes["flag"] = {"here", "gone"};
  EXPECT_TRUE(PersonOf(entry, attributes)->disabled);
}

TEST(BuildSnapshot, TreeWithGapsAndAnyOrder) {
  const LdapConfig config = OpenLdapDefaults();
  const LdapSnapshot snapshot =
      BuildSnapshot({Person("p1", "uid=a,CN=users,OU=lab , ou=IT,dc=bank", "a"), Person("p2", "uid=b,dc=bank", "b")},
                    {Unit("k2", "ou=lab,ou=it,dc=bank", "研发"), Unit("k1", "ou=it,dc=bank", "科技"),
                     Unit("k3", "ou=deep,l=beijing,ou=lab,ou=it,dc=bank", "深")},
                    config);
  ASSERT_EQ(snapshot.departments.size(), 3);
  EXPECT_EQ(snapshot.departments[0].key, "k1");
  EXPECT_EQ(snapshot.departments[1].parent_key, "k1");
  EXPECT_EQ(snapshot.departments[2].path, (std::vector<std::string>{"科技", "研发", "深"}));
  ASSERT_EQ(snapshot.people.size(), 2);
  EXPECT_EQ(snapshot.people[0].department_keys, std::vector<std::string>{"k2"});
  EXPECT_TRUE(snapshot.people[1].department_keys.empty());
  EXPECT_EQ(snapshot.skipped_count, 0);
}

TEST(BuildSnapshot, DoublesAndBrokenOnesAreReported) {
  const LdapSnapshot snapshot = BuildSnapshot(
      {Person("p1", "uid=a,dc=b", "a"), Person("P1", "uid=c,dc=b", "c"), Person("p3", "uid=d,dc=b", "A"),
       Person("", "uid=e,dc=b", "e")},
      {Unit("k1", "ou=x,dc=b", "x"), Unit("k1", "ou=y,dc=b", "y"), Unit("k3", "ou=z", "")}, OpenLdapDefaults());
  EXPECT_EQ(snapshot.people.size(), 1);
  EXPECT_EQ(snapshot.departments.size(), 1);
  ASSERT_EQ(snapshot.skipped_count, 5);
  EXPECT_EQ(snapshot.skipped.size(), 5);
  EXPECT_EQ(snapshot.skipped[0].dn, "ou=y,dc=b");
  EXPECT_NE(snapshot.skipped[3].reason.find("login"), std::string::npos) << snapshot.skipped[3].reason;
}

TEST(BuildSnapshot, GroupsNestCyclesAndChains) {
  LdapConfig config = OpenLdapDefaults();
  config.department_source = DepartmentSource::kGroups;
  config.attributes.department_name = "cn";
  const auto group = [](std::string key, std::vector<std::string> members) {
    return RawEntry{.dn = "cn=" + key + ",dc=b",
                    .attributes = {{"entryuuid", {key}}, {"cn", {key}}, {"member", std::move(members)}}};
  };
  const LdapSnapshot snapshot =
      BuildSnapshot({Person("p1", "uid=a,dc=b", "a")},
                    {group("it", {"CN=lab,dc=b", "uid=a,dc=b", "uid=gone,dc=b", "not a dn"}),
                     group("lab", {"UID=A,dc=b", "uid=a,dc=b"}), group("x", {"cn=y,dc=b"}), group("y", {"cn=z,dc=b"}),
                     group("z", {"cn=x,dc=b"}), group("self", {"cn=self,dc=b"})},
                    config);
  EXPECT_EQ(snapshot.people[0].department_keys, (std::vector<std::string>{"it", "lab"}));
  ASSERT_EQ(snapshot.departments.size(), 6);
  EXPECT_EQ(snapshot.skipped_count, 2) << "the ring of three and the one above itself";
  for (const LdapDepartment& department : snapshot.departments) {
    EXPECT_EQ(department.path.empty(), false);
    EXPECT_EQ(department.path.size() == 1, department.parent_key.empty());
    EXPECT_LE(department.path.size(), 3);
  }
  std::vector<RawEntry> chain;
  for (int i = 0; i < 5000; ++i)
    chain.push_back(group("g" + std::to_string(i), {"cn=g" + std::to_string(i + 1) + ",dc=b"}));
  const LdapSnapshot cut = BuildSnapshot({}, chain, config);
  EXPECT_EQ(cut.departments.size(), 5000);
  EXPECT_EQ(cut.departments.back().path.size(), 64);
  EXPECT_EQ(cut.skipped_count, 5000 / 64);
}

}  // namespace
}  // namespace yizhan::directory
