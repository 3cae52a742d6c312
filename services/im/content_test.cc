#include "im/content.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace yizhan::im {
namespace {

std::string ReasonOfText(const std::string& text) {
  v1::Content content;
  content.set_text(text);
  return ReasonOf(CheckContent(content));
}

std::string Repeat(const std::string& text, size_t n) {
  std::string all;
  for (size_t i = 0; i < n; ++i) all += text;
  return all;
}

TEST(Content, TakesText) {
  for (std::string text : {"a", "你好，世界", "line\nline\tcolumn", "👩‍👩‍👧", "\u00a0", "\U0010fffd"}) EXPECT_EQ(ReasonOfText(text), "") << text;
  EXPECT_EQ(ReasonOfText(Repeat("字", 20'000)), "");
  EXPECT_EQ(ReasonOfText(Repeat("𠀀", 20'000)), "");
}

TEST(Content, RefusesWhatCannotBeSaid) {
  EXPECT_EQ(ReasonOf(CheckContent(v1::Content())), "NO_CONTENT");
  EXPECT_EQ(ReasonOfText(""), "NO_CONTENT");
  EXPECT_EQ(ReasonOfText(Repeat("字", 20'001)), "TEXT_TOO_LONG");
  EXPECT_EQ(ReasonOfText(std::string(100'000, 'a')), "TEXT_TOO_LONG");
  for (std::string text : {std::string("a\0b", 3), std::string("\r\n"), std::string("\x1b[31m"), std::string("\x7f"),
                           std::string("\u0085"), std::string("\uffff"), std::string("\ufffe")}) {
    EXPECT_EQ(ReasonOfText(text), "CONTROL_CHARACTER") << text;
  }
  for (std::string text : {"\xff", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x80\x80\x80", "\xe4\xbd",
                           "\x80", "a\xc3"}) {
    EXPECT_EQ(ReasonOfText(text), "INVALID_UTF8");
  }
}

TEST(Content, ChecksMentions) {
  v1::Content content;
  content.set_text("@all");
  content.add_mentions("all");
  content.add_mentions("p000000000001");
  EXPECT_TRUE(CheckContent(content).ok());
  content.add_mentions("nobody");
  EXPECT_EQ(ReasonOf(CheckContent(content)), "INVALID_PERSON_ID");
  content.clear_mentions();
  for (int i = 0; i <= kMaxMentions; ++i) content.add_mentions("all");
  EXPECT_EQ(ReasonOf(CheckContent(content)), "TOO_MANY_MENTIONS");
}

TEST(Content, TitlesAreOneShortLine) {
  EXPECT_TRUE(CheckTitle("营业部").ok());
  EXPECT_TRUE(CheckTitle(Repeat("字", 100)).ok());
  EXPECT_EQ(ReasonOf(CheckTitle("")), "TITLE_LENGTH");
  EXPECT_EQ(ReasonOf(CheckTitle(Repeat("字", 101))), "TITLE_LENGTH");
  EXPECT_EQ(ReasonOf(CheckTitle(std::string(10'000, 'x'))), "TITLE_LENGTH");
  EXPECT_EQ(ReasonOf(CheckTitle("a\nb")), "CONTROL_CHARACTER");
  EXPECT_TRUE(CheckStatusLine("").ok());
  EXPECT_EQ(ReasonOf(CheckStatusLine(Repeat("字", 201))), "STATUS_LENGTH");
  EXPECT_EQ(ReasonOf(CheckStatusLine("a\tb")), "CONTROL_CHARACTER");
}

}  // namespace
}  // namespace yizhan::im
