#include "audit/index/terms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yizhan::audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

bool Finds(std::string_view query, std::string_view text) {
  auto parsed = ParseTextQuery(query);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  const bool by_text = !FindParts(*parsed, text).empty();
  const auto grams = GramsOf(text);
  bool by_grams = true;
  for (const auto& part : parsed->parts) {
    for (Gram g : part.grams) by_grams = by_grams && std::binary_search(grams.begin(), grams.end(), g);
  }
  if (by_text) {
    EXPECT_TRUE(by_grams) << query << " in " << text;  // the index may never miss
  }
  if (parsed->exact()) {
    EXPECT_EQ(by_text, by_grams) << query << " in " << text;
  }
  return by_text;
}

TEST(Terms, FindsChineseFromOneCharacterUp) {
  const std::string text = "本产品保证收益，请放心购买。";
  EXPECT_TRUE(Finds("保", text));
  EXPECT_TRUE(Finds("保证", text));
  EXPECT_TRUE(Finds("保证收益", text));
  EXPECT_FALSE(Finds("保收", text));
  EXPECT_FALSE(Finds("证保", text));
}

TEST(Terms, FoldsWidthAndCase) {
  EXPECT_TRUE(Finds("abc", "ＡＢＣ公司"));
  EXPECT_TRUE(Finds("ＡＢＣ", "the Abc bank"));
  EXPECT_TRUE(Finds("１２３", "card 0123"));
}

TEST(Terms, EveryPartMustOccurAndQuotesKeepSpaces) {
  EXPECT_TRUE(Finds("合同 loan", "Loan 合同已签"));
  EXPECT_FALSE(Finds("合同 mortgage", "Loan 合同已签"));
  EXPECT_TRUE(Finds("\"wire transfer\"", "a Wire  Transfer") == false);  // two spaces are not one
  EXPECT_TRUE(Finds("\"wire transfer\"", "a Wire Transfer"));
  EXPECT_TRUE(Finds("“wire transfer”", "a Wire Transfer"));
}

TEST(Terms, FindsEverySubstringOfMixedText) {
  const std::string text = "Ab客户c1𠮷野家 x";
  std::vector<std::string> chars = {"A", "b", "客", "户", "c", "1", "𠮷", "野", "家"};
  for (size_t i = 0; i < chars.size(); ++i) {
    std::string part;
    for (size_t j = i; j < chars.size(); ++j) {
      part += chars[j];
      EXPECT_TRUE(Finds(part, text)) << part;
    }
  }
}

TEST(Terms, HighlightsAreByteRangesOfTheOriginal) {
  auto query = ParseTextQuery("保证 收益");
  ASSERT_TRUE(query.ok());
  EXPECT_THAT(FindParts(*query, "保证收益"), ElementsAre(Pair(0, 12)));
  EXPECT_THAT(FindParts(*query, "a保证b收益"), ElementsAre(Pair(1, 7), Pair(8, 14)));
  EXPECT_THAT(FindParts(*query, "保证"), IsEmpty());
}

TEST(Terms, RefusesWhatItCannotRead) {
  EXPECT_EQ(ParseTextQuery("\"abc").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ParseTextQuery("\"\"").status().code(), absl::StatusCode::kInvalidArgument);
  std::string many;
  for (int i = 0; i < 33; ++i) many += "w" + std::to_string(i) + " ";
  EXPECT_EQ(ParseTextQuery(many).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(ParseTextQuery("  ")->parts.empty());
}

TEST(Terms, BrokenUtf8IsFoldedNotFatal) { EXPECT_FALSE(GramsOf("\xff\xfe中\xe4").empty()); }

}  // namespace
}  // namespace yizhan::audit
