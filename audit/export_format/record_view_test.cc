#include "audit/export_format/record_view.h"

#include <gtest/gtest.h>

#include "audit/export_format/sample_export.h"
#include "audit/export_format/wire.h"
#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

TEST(WireMessage, ReadsEveryWireTypeAndNothingElse) {
  const std::string bytes = Cat(WireVarint(1, 300), WireBytes(2, "text"), "\x19", std::string("\1\0\0\0\0\0\0\2", 8),
                                "\x25", std::string("\1\0\0\2", 4), WireBytes(6, ""));
  const auto message = WireMessage::Parse(bytes);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(*message->Varint(1), 300u);
  EXPECT_EQ(*message->Str(2), "text");
  EXPECT_EQ(message->fields()[2].value, 0x0200000000000001u);
  EXPECT_EQ(message->fields()[3].value, 0x02000001u);
  EXPECT_EQ(*message->Varint(9), 0u);
  EXPECT_EQ(*message->Bytes(9), "");
  EXPECT_FALSE(message->Varint(2).ok());
  EXPECT_FALSE(message->Bytes(1).ok());
  EXPECT_FALSE(WireMessage::Parse(WireBytes(2, "\xFF"))->Str(2).ok());
  EXPECT_FALSE(WireMessage::Parse(Cat(WireVarint(1, 1), WireVarint(1, 2)))->Varint(1).ok());
  for (std::string_view bad :
       {"\x08",
        "\x0a\x05"
        "abc",
        "\x03", "\x0c", "\x0e", "\x19\x01", "\x1d\x01", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}) {
    EXPECT_FALSE(WireMessage::Parse(bad).ok()) << Quoted(bad);
  }
  EXPECT_FALSE(WireMessage::Parse(std::string_view("\0\0", 2)).ok());
}

TEST(ReadRecord, TellsEnvelopeFactsAndCommitment) {
  const SampleArchive archive;
  const auto message = ReadRecord(archive.records()[0].bytes);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->partition, "im/17");
  EXPECT_EQ(message->seq, 1u);
  EXPECT_EQ(message->time_us, 1768620896123457);
  EXPECT_EQ(message->actor, "person:p1");
  EXPECT_EQ(message->type, "im.MessageSent");
  EXPECT_EQ(message->content_kind, ContentKind::kMessage);
  EXPECT_EQ(message->facts, *ParseJson(R"({"conversation_id":"g:credit","seq":1,"message_id":"4611686018427387904",
                                           "client_id":"c1","sender_id":"p1"})"));
  EXPECT_EQ(
      ReadRecord(archive.records()[2].bytes)->facts,
      *ParseJson(R"({"conversation_id":"g:credit","seq":3,"message_id":"99","person_ids":["p3","p4"],"by_id":"p1"})"));
  EXPECT_EQ(
      ReadRecord(archive.records()[3].bytes)->facts,
      *ParseJson(
          R"({"conversation_id":"r42","seq":7,"line_id":"100","author":"AGENT","author_id":"p2","internal":true})"));
  EXPECT_EQ(
      ReadRecord(archive.records()[6].bytes)->facts,
      *ParseJson(
          R"({"auditor_id":"a1","action":"Search","case_id":"案-1","reason":"投诉","query_text":"合同","subject":"e1"})"));
}

TEST(ReadRecord, KnowsSecretsAndPassesOverTheUnknown) {
  EXPECT_TRUE(ReadRecord(RecordWire("directory/0", 1, 1, "service:x", "directory.CredentialsSet", 4, ""))->secret);
  EXPECT_TRUE(ReadRecord(RecordWire("keyring/0", 1, 1, "service:x", "keyring.DataKeyCreated", 1, ""))->secret);
  const auto unknown = ReadRecord(RecordWire("im/1", 1, 1, "service:x", "im.SomethingNew", 77, "\xFF"));
  ASSERT_TRUE(unknown.ok()) << unknown.status();
  EXPECT_FALSE(unknown->secret);
  EXPECT_TRUE(unknown->facts.members().empty());
  EXPECT_EQ(unknown->content_kind, ContentKind::kNone);
}

TEST(ReadRecord, SurvivesEverySpoiltByte) {
  const std::string good = SampleArchive().records()[0].bytes;
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_TRUE(ReadRecord(good.substr(0, i)).ok() ||
                ReasonOf(ReadRecord(good.substr(0, i)).status()) == "RECORD_MALFORMED");
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      const auto record = ReadRecord(bad);
      EXPECT_TRUE(record.ok() || ReasonOf(record.status()) == "RECORD_MALFORMED");
    }
  }
}

TEST(ReadContent, ReadsMessagesAndTexts) {
  EXPECT_EQ(*ReadContent(ContentKind::kText, "驿站"), *ParseJson(R"({"text":"驿站"})"));
  EXPECT_FALSE(ReadContent(ContentKind::kText, "\xFF").ok());
  EXPECT_EQ(*ReadContent(ContentKind::kMessage, Cat(WireBytes(1, "t"), WireVarint(2, 5), WireBytes(3, "all"))),
            *ParseJson(R"({"text":"t","reply_to_seq":5,"mentions":["all"]})"));
  EXPECT_EQ(*ReadContent(ContentKind::kMessage, WireBytes(9, "new")), *ParseJson(R"({"unrendered":true})"));
  EXPECT_FALSE(ReadContent(ContentKind::kMessage, "\xFF").ok());
  EXPECT_FALSE(ReadContent(ContentKind::kNone, "").ok());
}

}  // namespace
}  // namespace yizhan::audit
