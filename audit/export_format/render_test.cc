#include "audit/export_format/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/export_format/sample_export.h"
#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

using testing::HasSubstr;

Item ItemOf(size_t i) {
  static const SampleArchive archive;
  ItemSource source = archive.records()[i].source;
  source.number = i + 1;
  return *BuildItem(source, archive.records()[i].bytes);
}

TEST(RenderEml, IsAMessageThatMailProgramsRead) {
  EXPECT_EQ(
      RenderEml(ItemOf(0)),
      "From: =?UTF-8?B?546L5bCP5piO?=\r\n <p1@yizhan.invalid>\r\n"
      "To: =?UTF-8?B?5L+h6LS35a6h5om5ICJBIiDnu4Q=?=\r\n <g_3acredit@yizhan.invalid>\r\n"
      "Date: Sat, 17 Jan 2026 03:34:56 +0000\r\n"
      "Subject: =?UTF-8?B?5L+h6LS35a6h5om5ICJBIiDnu4Q=?=\r\n"
      "Message-ID: <leaf-3@yizhan.invalid>\r\n"
      "References: <conversation-g_3acredit@yizhan.invalid>\r\n"
      "X-Yizhan-Item: 1\r\nX-Yizhan-Leaf: 3\r\nX-Yizhan-Partition: im/17\r\nX-Yizhan-Seq: 1\r\n"
      "X-Yizhan-Time: 2026-01-17T03:34:56.123457Z\r\nX-Yizhan-Type: im.MessageSent\r\nX-Yizhan-Actor: person:p1\r\n"
      "X-Yizhan-Conversation: g:credit\r\nX-Yizhan-Conversation-Seq: 1\r\n"
      "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
      "6K+35oqK5ZCI5ZCM5Y+R57uZ5oiR77yM6LCi6LCi44CCCuesrOS6jOihjA==\r\n");
}

TEST(RenderEml, NobodysTextBecomesAHeader) {
  Item item = ItemOf(0);
  item.conversation_title = "x\r\nBcc: everybody@example.com\r\n\r\nbody";
  item.names["p1"] = std::string(500, 'n') + "\r\nX-Evil: 1";
  item.record.actor = "person:p1\r\nX-Evil: 2";
  item.record.type = "=?UTF-8?B?eA==?=";
  const std::string eml = RenderEml(item);
  EXPECT_THAT(eml, testing::Not(HasSubstr("\r\nBcc")));
  EXPECT_THAT(eml, testing::Not(HasSubstr("\r\nX-Evil")));
  EXPECT_THAT(eml, HasSubstr(Cat("X-Yizhan-Type: =?UTF-8?B?", ToBase64("=?UTF-8?B?eA==?="), "?=")));
  std::string_view rest = eml;
  while (auto line = TakeLine(&rest)) EXPECT_LE(line->size(), 120u) << *line;
}

TEST(RenderEml, EventsAndUndisclosedItemsSaySo) {
  EXPECT_THAT(RenderEml(ItemOf(2)), HasSubstr(Cat("\r\n\r\n", ToBase64("by_id: p1; person_ids: p3, p4\n"))));
  EXPECT_THAT(RenderEml(ItemOf(3)), HasSubstr("X-Yizhan-Internal: yes\r\n"));
  EXPECT_THAT(RenderEml(ItemOf(4)), HasSubstr(ToBase64("很好\nrating: 5\n")));
  EXPECT_THAT(RenderEml(ItemOf(5)), HasSubstr(ToBase64("[not disclosed: key destroyed]\n")));
  EXPECT_THAT(RenderEml(ItemOf(1)), HasSubstr("X-Yizhan-Reply-To-Seq: 1\r\n"));
}

TEST(CsvCell, QuotesAndNeutralises) {
  EXPECT_EQ(CsvCell("plain"), "plain");
  EXPECT_EQ(CsvCell("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvCell("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(CsvCell("two\nlines"), "\"two\nlines\"");
  EXPECT_EQ(CsvCell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
  for (std::string_view start : {"=", "+", "-", "@", "\t", "＝", "＋", "－", "＠"})
    EXPECT_EQ(CsvCell(start), Cat("'", start));
  EXPECT_EQ(CsvCell("\rx"), "\"'\rx\"");
  EXPECT_EQ(CsvCell(""), "");
}

TEST(CsvRow, HasTheColumnsOfItsHead) {
  EXPECT_EQ(CsvHead().substr(0, 8),
            "\xEF\xBB\xBF"
            "item,");
  EXPECT_EQ(CsvRow(ItemOf(1)),
            "2,2026-01-17T03:34:56.123458Z,im/17,2,im.MessageSent,g:credit,\"信贷审批 \"\"A\"\" 组\",2,p2,\"Li, Hua\",,"
            "\"'=1+1, \"\"quoted\"\"\",,,7\r\n");
  EXPECT_EQ(CsvRow(ItemOf(5)),
            "6,2026-01-17T03:34:56.123460Z,im/17,4,im.MessageSent,g:credit,访客 42,4,p1,,,,,key destroyed,23\r\n");
}

TEST(Item, JsonGoesThereAndBack) {
  const SampleArchive archive;
  for (size_t i = 0; i < archive.records().size(); ++i) {
    const Item item = ItemOf(i);
    const auto source = ParseItemJson(*ParseJson(ItemJson(item).Write()));
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ(*source, static_cast<const ItemSource&>(item));
  }
  Json newer = ItemJson(ItemOf(0));
  newer.Set("format", Json::String("yizhan-item/v2"));
  EXPECT_EQ(ReasonOf(ParseItemJson(newer).status()), "ITEM_VERSION");
}

TEST(BuildItem, HoldsTheContentAgainstTheRecord) {
  const SampleArchive archive;
  const SampleRecord& record = archive.records()[0];
  const auto reason = [&](auto change) {
    ItemSource source = record.source;
    source.number = 1;
    change(source);
    return ReasonOf(BuildItem(source, record.bytes).status());
  };
  EXPECT_EQ(reason([](ItemSource& s) {}), "");
  EXPECT_EQ(reason([](ItemSource& s) { s.disclosed->bytes += "x"; }), "CONTENT_MISMATCH");
  EXPECT_EQ(reason([](ItemSource& s) { s.disclosed->salt[0] ^= 1; }), "CONTENT_MISMATCH");
  EXPECT_EQ(reason([](ItemSource& s) { s.disclosed->salt += "x"; }), "ITEM_MALFORMED");
  EXPECT_EQ(reason([](ItemSource& s) { s.disclosed.reset(); }), "ITEM_MALFORMED");
  EXPECT_EQ(reason([](ItemSource& s) { s.undisclosed = "because"; }), "ITEM_MALFORMED");
  EXPECT_EQ(reason([](ItemSource& s) { s.leaf_salt.pop_back(); }), "ITEM_MALFORMED");
  EXPECT_EQ(reason([](ItemSource& s) { s.number = kMaxItems + 1; }), "ITEM_MALFORMED");
  EXPECT_EQ(reason([](ItemSource& s) { s.conversation_title = "\xFF"; }), "ITEM_MALFORMED");
}

TEST(FormatTime, KnowsTheCalendar) {
  EXPECT_EQ(FormatTime(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(FormatTime(951782400000000), "2000-02-29T00:00:00.000000Z");
  EXPECT_EQ(FormatTime(1709251199999999), "2024-02-29T23:59:59.999999Z");
  EXPECT_EQ(FormatTime(4107542400000000), "2100-03-01T00:00:00.000000Z");
  EXPECT_EQ(ItemPath(1, "eml"), "items/000/000001.eml");
  EXPECT_EQ(ItemPath(999999, "leaf"), "items/999/999999.leaf");
}

}  // namespace
}  // namespace yizhan::audit
