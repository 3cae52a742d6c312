#include "audit/tlog/text.h"

#include <gtest/gtest.h>

namespace yizhan::audit {
namespace {

TEST(ParseDecimal, TakesCanonicalNumbersOnly) {
  EXPECT_EQ(ParseDecimal("0"), 0u);
  EXPECT_EQ(ParseDecimal("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(ParseDecimal("256", 256), 256u);
  for (const char* bad : {"", "00", "01", "-1", "+1", " 1", "1 ", "1a", "18446744073709551616", "99999999999999999999",
                          "123456789012345678901"}) {
    EXPECT_FALSE(ParseDecimal(bad)) << bad;
  }
  EXPECT_FALSE(ParseDecimal("257", 256));
}

TEST(IsUtf8, RefusesWhatDecodersDisagreeAbout) {
  EXPECT_TRUE(IsUtf8("驿站 — \xF0\x9F\x90\x8E"));
  EXPECT_TRUE(IsUtf8(std::string_view("\0", 1)));
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE9\xA9", "a\xE9"}) {
    EXPECT_FALSE(IsUtf8(bad)) << Quoted(bad);
  }
}

TEST(TakeLine, NoticesAMissingNewline) {
  std::string_view rest = "a\n\nb";
  EXPECT_EQ(TakeLine(&rest), "a");
  EXPECT_EQ(TakeLine(&rest), "");
  EXPECT_FALSE(TakeLine(&rest));
  EXPECT_EQ(rest, "b");
}

TEST(Quoted, IsPrintableAndBounded) {
  EXPECT_EQ(Quoted("a\"\n"), "\"a\\x22\\x0a\"");
  EXPECT_LT(Quoted(std::string(10000, '\x01')).size(), 300u);
}

TEST(Cat, JoinsTextCharactersAndNumbers) { EXPECT_EQ(Cat("a", 'b', std::string("c"), 1, uint64_t{2}, -3), "abc12-3"); }

}  // namespace
}  // namespace yizhan::audit
