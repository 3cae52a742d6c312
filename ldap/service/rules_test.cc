#include "ldap/service/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"

namespace yizhan::directory {
namespace {

namespace common = yizhan::common::v1;

v1::Person Somebody(std::vector<common::Role> roles = {}) {
  v1::Person person;
  person.set_login("somebody");
  person.set_name("某人");
  for (common::Role role : roles) person.add_roles(role);
  return person;
}

TEST(Rules, NobodyIsTwoAdministrators) {
  const common::Role kAdministrators[] = {common::ROLE_SYSTEM_ADMIN, common::ROLE_SECURITY_ADMIN, common::ROLE_AUDITOR};
  for (common::Role one : kAdministrators) {
    v1::Person alone = Somebody({one, common::ROLE_AGENT, common::ROLE_SUPERVISOR});
    EXPECT_TRUE(CheckPerson(alone).ok());
    for (common::Role other : kAdministrators) {
      v1::Person person = Somebody({other, common::ROLE_AGENT, one});
      EXPECT_EQ(ReasonOf(CheckPerson(person)), one == other ? "" : "ADMIN_ROLES_EXCLUSIVE");
    }
  }
}

TEST(Rules, RolesAreASetWithoutTheOneThatEverybodyHolds) {
  v1::Person person = Somebody({common::ROLE_SUPERVISOR, common::ROLE_EMPLOYEE, common::ROLE_AGENT, common::ROLE_AGENT});
  ASSERT_TRUE(CheckPerson(person).ok());
  EXPECT_THAT(person.roles(), testing::ElementsAre(common::ROLE_AGENT, common::ROLE_SUPERVISOR));
  person = Somebody({common::ROLE_UNSPECIFIED});
  EXPECT_EQ(ReasonOf(CheckPerson(person)), "BAD_ROLE");
  person = Somebody({static_cast<common::Role>(77)});
  EXPECT_EQ(ReasonOf(CheckPerson(person)), "BAD_ROLE");
}

TEST(Rules, APersonHasBounds) {
  v1::Person person = Somebody();
  person.set_login("Some Body");
  EXPECT_EQ(ReasonOf(CheckPerson(person)), "BAD_LOGIN");
  person = Somebody();
  person.set_name("");
  EXPECT_EQ(ReasonOf(CheckPerson(person)), "BAD_FIELD");
  person = Somebody();
  person.set_phone(std::string(1000, '1'));
  EXPECT_EQ(ReasonOf(CheckPerson(person)), "BAD_FIELD");
}

TEST(Rules, PasswordsHaveEightCharacters) {
  EXPECT_EQ(ReasonOf(CheckNewPassword("1234567")), "PASSWORD_TOO_SHORT");
  EXPECT_TRUE(CheckNewPassword("12345678").ok());
  EXPECT_EQ(ReasonOf(CheckNewPassword("密码密码")), "PASSWORD_TOO_SHORT");  // 12 bytes, 4 characters
}

TEST(Rules, GroupsHaveEachMemberOnce) {
  v1::Group group;
  group.set_name("夜班");
  for (const char* id : {"pb", "pa", "pb"}) group.add_member_ids(id);
  ASSERT_TRUE(CheckGroup(group).ok());
  EXPECT_THAT(group.member_ids(), testing::ElementsAre("pa", "pb"));
  for (int i = 0; i <= kMaxGroupMembers; ++i) group.add_member_ids("p" + std::to_string(i));
  EXPECT_EQ(ReasonOf(CheckGroup(group)), "GROUP_TOO_LARGE");
}

}  // namespace
}  // namespace yizhan::directory
