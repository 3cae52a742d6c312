#include "ldap/service/tables.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace yizhan::directory {
namespace {

std::string Hex(std::string_view bytes) { return absl::BytesToHexString({bytes.data(), bytes.size()}); }

// These bytes are on disks: a change here is a migration.
TEST(Tables, GoldenKeys) {
  EXPECT_EQ(Hex(PersonKey("pa")), "017061");
  EXPECT_EQ(Hex(LoginKey("lina")), "026c696e61");
  EXPECT_EQ(Hex(DepartmentKey("da")), "036461");
  EXPECT_EQ(Hex(GroupKey("ga")), "046761");
  EXPECT_EQ(Hex(CredentialsKey("pa")), "057061");
  EXPECT_EQ(Hex(SessionKey("sa")), "067361");
  EXPECT_EQ(Hex(TokenKey("\x01\xff")), "0701ff");
  EXPECT_EQ(Hex(SessionsKey("pa")), "087061");
  EXPECT_EQ(Hex(RoleKey(yizhan::common::v1::ROLE_AUDITOR, "pa")), "09067061");
  EXPECT_EQ(Hex(SourceKey("ad", "k1")), "0a0261646b31");
  EXPECT_EQ(Hex(BoundKey("pa")), "0b7061");
}

TEST(Tables, OneSourcesKeysAreNotAnothers) {
  EXPECT_FALSE(SourceKey("ab", "c").starts_with(SourcePrefix("a")));
  EXPECT_NE(SourceKey("a", "bc"), SourceKey("ab", "c"));
}

TEST(Tables, GoldenRows) {
  v1::Person person;
  person.set_person_id("pa");
  person.set_active(true);
  const std::string row = PersonRow{0x0102, person}.Encode();
  EXPECT_EQ(Hex(row), "00000000000001020a0270615001");
  auto decoded = PersonRow::Decode(row);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->version, 0x0102u);
  EXPECT_EQ(decoded->message.person_id(), "pa");

  v1::SessionStarted started;
  started.set_session_id("sa");
  const std::string session = SessionRow{0x0a, 0x0b, started}.Encode();
  EXPECT_EQ(Hex(session), "000000000000000a000000000000000b0a027361");
  EXPECT_EQ(SessionRow::Decode(session)->used_us, 0x0b);

  EXPECT_EQ(Hex(EncodeBound("ad", "k1")), "0261646b31");
  EXPECT_EQ(*DecodeBound(EncodeBound("ad", "k1")), std::make_pair(std::string("ad"), std::string("k1")));
}

TEST(Tables, WhatCannotBeReadIsDataLoss) {
  for (std::string bad : {"", "1234567", "12345678\xff\xff"}) {
    EXPECT_TRUE(absl::IsDataLoss(PersonRow::Decode(bad).status())) << bad;
    EXPECT_TRUE(absl::IsDataLoss(DepartmentRow::Decode(bad).status())) << bad;
    EXPECT_TRUE(absl::IsDataLoss(SessionRow::Decode(bad).status())) << bad;
  }
  EXPECT_TRUE(absl::IsDataLoss(DecodeBound("").status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodeBound("\x05x").status()));
}

}  // namespace
}  // namespace yizhan::directory
