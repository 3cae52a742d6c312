#include "ldap/client/guid.h"

#include <gtest/gtest.h>

#include <string>

namespace yizhan::directory {
namespace {

TEST(Guid, MixedEndianBothWays) {
  const std::string bytes("\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
  EXPECT_EQ(*GuidToText(bytes), "00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(*GuidToBytes("00112233-4455-6677-8899-aabbccddeeff"), bytes);
  EXPECT_EQ(*GuidToBytes("00112233-4455-6677-8899-AABBCCDDEEFF"), bytes);
}

TEST(Guid, RefusesOtherShapes) {
  EXPECT_FALSE(GuidToText("").ok());
  EXPECT_FALSE(GuidToText(std::string(17, 'x')).ok());
  for (const char* bad : {"", "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeegg",
                          "001122334455-6677-8899-aabbccddeeff-", "{0112233-4455-6677-8899-aabbccddeef}"}) {
    EXPECT_FALSE(GuidToBytes(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace yizhan::directory
