#include "ldap/service/pinyin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace yizhan::directory {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST(SearchKeys, ArePinyinInFullAndInitialsAndTheEnglishName) {
  EXPECT_THAT(SearchKeysOf("张伟", "David Zhang"), ElementsAre("zhangwei", "zw", "david zhang", "davidzhang"));
  EXPECT_THAT(SearchKeysOf("王小明", ""), ElementsAre("wangxiaoming", "wxm"));
  EXPECT_THAT(SearchKeysOf("Ann Smith", "Ann Smith"), ElementsAre("ann smith", "annsmith"));
  EXPECT_THAT(SearchKeysOf("", ""), IsEmpty());
}

TEST(SearchKeys, ReadSurnamesAsSurnames) {
  const std::pair<const char*, const char*> kNames[] = {
      {"曾小贤", "zengxiaoxian"}, {"单田芳", "shantianfang"}, {"仇英", "qiuying"},     {"解缙", "xiejin"},
      {"任我行", "renwoxing"},    {"区志航", "ouzhihang"},    {"盖叫天", "gejiaotian"}, {"查良镛", "zhaliangyong"},
      {"尉迟恭", "yuchigong"},    {"欧阳娜娜", "ouyangnana"},
  };
  for (const auto& [name, key] : kNames) EXPECT_THAT(SearchKeysOf(name, ""), Contains(key)) << name;
  // Only at the beginning.
  EXPECT_THAT(SearchKeysOf("王曾", ""), Not(Contains("wangzeng")));
}

TEST(SearchKeys, KnowBothWaysToTypeTheUmlaut) {
  EXPECT_THAT(SearchKeysOf("吕布", ""), ElementsAre("lubu", "lb", "lvbu"));
}

TEST(SearchKeys, TakeDotsDigitsAndLatinInTheirStride) {
  EXPECT_THAT(SearchKeysOf("安·史密斯", ""), Contains("anshimisi"));
  EXPECT_THAT(SearchKeysOf("测试3号", ""), ElementsAre("ceshi3hao", "cs3h"));
}

TEST(SearchKeys, HaveBounds) {
  std::string long_name;
  for (int i = 0; i < 5000; ++i) long_name += "张";
  auto keys = SearchKeysOf(long_name, std::string(5000, 'x'));
  EXPECT_THAT(keys, AllOf(SizeIs(testing::Le(8)), Each(SizeIs(testing::Le(128)))));
  SearchKeysOf("\xff\xfe\x80", "\xff\xf0\x9f\x98\x80");
  EXPECT_THAT(SearchKeysOf("😀", ""), IsEmpty());
}

}  // namespace
}  // namespace yizhan::directory
