#include "ldap/client/filter.h"

#include <gtest/gtest.h>

#include <string>

#include "base/status.h"

namespace yizhan::directory {
namespace {

TEST(Filter, EscapesWhatHasAMeaning) {
  EXPECT_EQ(EscapeFilterValue("wang.wei"), "wang.wei");
  EXPECT_EQ(EscapeFilterValue("*)(uid=*"), "\\2a\\29\\28uid=\\2a");
  EXPECT_EQ(EscapeFilterValue("a\\b"), "a\\5cb");
  EXPECT_EQ(EscapeFilterValue(std::string_view("\0\xff", 2)), "\\00\\ff");
  EXPECT_EQ(EscapeFilterValue("王"), "\\e7\\8e\\8b");
  // RFC 4515, section 4.
  EXPECT_EQ(EscapeFilterValue("Parens R Us (for all your parenthetical needs)"),
            "Parens R Us \\28for all your parenthetical needs\\29");
}

TEST(Filter, EveryByteComesBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(*UnescapeFilterValue(EscapeFilterValue(all)), all);
  for (const char* bad : {"\\", "\\2", "\\2g", "*", "(", ")", "a\\zz"})
    EXPECT_FALSE(UnescapeFilterValue(bad).ok()) << bad;
  EXPECT_FALSE(UnescapeFilterValue(std::string_view("\0", 1)).ok());
}

TEST(Filter, ParsesTheGrammar) {
  const auto items =
      ParseFilter("(&(objectClass=person)(|(uid=a\\2ab)(cn;lang-zh>=x))(!(mail=*@b*))(member:1.2.3:=y))");
  ASSERT_TRUE(items.ok()) << items.status();
  const std::vector<FilterItem> want = {{"objectClass", "=", "person", false},
                                        {"uid", "=", "a*b", false},
                                        {"cn;lang-zh", ">=", "x", false},
                                        {"mail", "=", "", true},
                                        {"member:1.2.3:", "=", "y", false}};
  EXPECT_EQ(*items, want);
  EXPECT_TRUE(ParseFilter("(&)").ok());  // RFC 4526: true
}

TEST(Filter, RefusesWhatIsNone) {
  for (const char* bad : {"", "uid=x", "(", "()", "(uid)", "(uid=x", "(uid=x))", "(uid=x)(uid=y)", "(&(uid=x)", "(!)",
                          "(!(a=b)(c=d))", "(uid=(x))", "(uid>=*)", "(uid=\\2)", "(=x)", "(a b=x)"}) {
    const auto parsed = ParseFilter(bad);
    EXPECT_EQ(ReasonOf(parsed.status()), "LDAP_FILTER") << bad;
  }
  EXPECT_FALSE(ParseFilter(std::string(100000, '(')).ok());
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "(!";
  EXPECT_FALSE(ParseFilter(deep + "(a=b)" + std::string(40, ')')).ok());
}

TEST(Filter, NoLoginChangesTheStructure) {
  const std::string pattern = "(&(objectClass=person)(|(uid={login})(mail={login})))";
  for (const std::string& login :
       {std::string("*"), std::string("*)(uid=*"), std::string("x)(|(uid=*)"), std::string("\\2a"),
        std::string("a\0)(", 4), std::string("{login}"), std::string("王*")}) {
    const auto items = ParseFilter(FillFilter(pattern, login));
    ASSERT_TRUE(items.ok()) << items.status() << login;
    ASSERT_EQ(items->size(), 3) << login;
    EXPECT_EQ((*items)[1], (FilterItem{"uid", "=", login, false}));
    EXPECT_EQ((*items)[2], (FilterItem{"mail", "=", login, false}));
  }
}

}  // namespace
}  // namespace yizhan::directory
