#include "ldap/client/ldap_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace yizhan::directory {
namespace {

TEST(ParseRange, PiecesAndTheLast) {
  const auto first = ParseRange("member;range=0-1499");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->attribute, "member");
  EXPECT_FALSE(first->last);
  EXPECT_EQ(first->next, 1500);
  const auto last = ParseRange("member;Range=1500-*");
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_TRUE(last->last);
}

TEST(ParseRange, RefusesWhatMakesNoSense) {
  EXPECT_EQ(ParseRange("member").status().code(), absl::StatusCode::kNotFound);
  for (const char* bad : {"member;range=", "member;range=5", "member;range=5-4", "member;range=-1-4",
                          "member;range=0-x", "member;range=*-*", "member;range=0-99999999999999999999"}) {
    EXPECT_EQ(ParseRange(bad).status().code(), absl::StatusCode::kDataLoss) << bad;
  }
}

}  // namespace
}  // namespace yizhan::directory
