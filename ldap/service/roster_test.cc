#include "ldap/service/roster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ldap/service/pinyin.h"

namespace yizhan::directory {
namespace {

v1::Person Person(std::string id, std::string login, std::string name = "", std::string department = "", bool active = true) {
  v1::Person person;
  person.set_person_id(std::move(id));
  person.set_login(std::move(login));
  person.set_name(std::move(name));
  person.set_department_id(std::move(department));
  person.set_active(active);
  for (std::string& key : SearchKeysOf(person.name(), "")) person.add_search_keys(std::move(key));
  return person;
}

std::string Ids(const Roster::Changes& changes) {
  std::string ids;
  for (const auto& entry : changes.people) ids += entry->person.person_id() + " ";
  for (const auto& department : changes.departments) ids += department.department_id() + " ";
  return ids + std::to_string(changes.version) + (changes.more ? "+" : "");
}

TEST(Roster, TellsWhatChangedSinceAVersion) {
  Roster roster;
  roster.Put(Person("p1", "a"), 10);
  roster.Put(Person("p2", "b"), 11);
  v1::Department department;
  department.set_department_id("d1");
  roster.Put(department, 12);
  EXPECT_EQ(Ids(roster.Since(0, 10)), "p1 p2 d1 12");
  EXPECT_EQ(Ids(roster.Since(0, 2)), "p1 p2 11+");
  EXPECT_EQ(Ids(roster.Since(11, 2)), "d1 12");
  EXPECT_EQ(Ids(roster.Since(12, 2)), "12");
  roster.Put(Person("p1", "a"), 13);
  EXPECT_EQ(Ids(roster.Since(12, 10)), "p1 13");
  EXPECT_EQ(Ids(roster.Since(0, 10)), "p2 p1 d1 13");
  EXPECT_EQ(Ids(roster.Since(99, 10)), "p2 p1 d1 13") << "a version of another data folder";
}

TEST(Roster, AnOlderPutChangesNothing) {
  Roster roster;
  roster.Put(Person("p1", "new"), 20);
  roster.Put(Person("p1", "old"), 10);
  EXPECT_EQ(roster.Find("p1")->person.login(), "new");
  EXPECT_EQ(roster.FindLogin("old"), nullptr);
  EXPECT_EQ(Ids(roster.Since(0, 10)), "p1 20");
}

TEST(Roster, LogInNamesMove) {
  Roster roster;
  roster.Put(Person("p1", "a"), 1);
  roster.Put(Person("p1", "b"), 2);
  EXPECT_EQ(roster.FindLogin("a"), nullptr);
  roster.Put(Person("p2", "a"), 3);
  roster.Put(Person("p1", "c"), 4);
  EXPECT_EQ(roster.FindLogin("a")->person.person_id(), "p2");
  EXPECT_EQ(roster.FindLogin("c")->person.person_id(), "p1");
  EXPECT_EQ(roster.FindLogin("b"), nullptr);
}

TEST(Roster, CountsActivePeopleByDepartment) {
  Roster roster;
  v1::Department department;
  department.set_department_id("d1");
  roster.Put(Person("p1", "a", "", "d1"), 1);  // before its department
  roster.Put(department, 2);
  roster.Put(Person("p2", "b", "", "d1"), 3);
  EXPECT_EQ(roster.Departments()[0].active_people, 2u);
  roster.Put(Person("p2", "b", "", "d1", false), 4);
  EXPECT_EQ(roster.Departments()[0].active_people, 1u);
  roster.Put(Person("p1", "a", "", "d2"), 5);
  EXPECT_EQ(roster.Departments()[0].active_people, 0u);
  EXPECT_EQ(roster.active_people(), 1u);
  EXPECT_EQ(roster.people(), 2u);
}

TEST(Fits, ByNamePinyinInitialsAndLogin) {
  Roster roster;
  v1::Person person = Person("p1", "xxzeng", "曾小贤");
  person.set_english_name("Tony Zeng");
  roster.Put(person, 1);
  auto fits = [&](std::string_view query) { return Fits(*roster.Find("p1"), WordsOf(query)); };
  for (const char* good : {"", "曾", "小贤", "zengx", "ZXX", "zx", "xxz", "tony", "zeng tony", "xiaoxian", "曾 tony"}) {
    EXPECT_TRUE(fits(good)) << good;
  }
  for (const char* bad : {"王", "xian2", "ng", "tony wang", "ony1"}) EXPECT_FALSE(fits(bad)) << bad;
}

}  // namespace
}  // namespace yizhan::directory
