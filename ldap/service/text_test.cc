#include "ldap/service/text.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace yizhan::directory {
namespace {

TEST(Login, HasItsCharacters) {
  for (const char* good : {"a", "zeng.xiaoxian", "u0", "a-b_c.d", "0"}) EXPECT_TRUE(IsLogin(good)) << good;
  for (const char* bad : {"", "A", "a b", "a@b", "wu(qi)*", "曾", "a/b"}) EXPECT_FALSE(IsLogin(bad)) << bad;
  EXPECT_TRUE(IsLogin(std::string(64, 'a')));
  EXPECT_FALSE(IsLogin(std::string(65, 'a')));
}

TEST(Line, IsOneLineOfUtf8) {
  EXPECT_TRUE(CheckLine("name", "曾小贤", 1, 3).ok());
  EXPECT_TRUE(CheckLine("name", "", 0, 3).ok());
  for (std::string bad : {std::string(""), std::string("曾小贤们"), std::string("a\nb"), std::string("\0", 1), std::string("\xff"),
                          std::string("a\x7f"), std::string("a\u2028b")}) {
    EXPECT_EQ(ReasonOf(CheckLine("name", bad, 1, 3)), "BAD_FIELD") << bad;
  }
}

TEST(Line, IsMadeOfAnything) {
  EXPECT_EQ(AsLine("  a\nb\xff ", 10), "a b");
  EXPECT_EQ(AsLine("曾小贤", 2), "曾小");
  EXPECT_TRUE(CheckLine("x", AsLine(std::string("\x01\xff\0ok", 5), 10), 0, 10).ok());
}

TEST(Cut, NeverCutsACharacter) {
  EXPECT_EQ(CutTo("曾小贤", 0), "");
  EXPECT_EQ(CutTo("曾小贤", 1), "曾");
  EXPECT_EQ(CutTo("曾小贤", 9), "曾小贤");
  EXPECT_EQ(CountCharacters("曾a贤"), 3u);
}

TEST(Case, IsLowered) {
  EXPECT_EQ(LowerAscii("AbÉ"), "abÉ");
  EXPECT_EQ(Lower("AbÉ曾"), "abé曾");
}

}  // namespace
}  // namespace yizhan::directory
