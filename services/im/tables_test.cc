#include "im/tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "im/ids.h"

namespace yizhan::im {
namespace {

std::string Hex(std::string_view bytes) { return absl::BytesToHexString({bytes.data(), bytes.size()}); }

TEST(PersonNo, IsTheIdAsANumberInTheSameOrder) {
  EXPECT_EQ(PersonNo{0}.ToString(), "p000000000000");
  EXPECT_EQ(PersonNo::Parse("pzzzzzzzzzzzz")->value, 4738381338321616895u);
  EXPECT_EQ(PersonNo::Parse("p0k3v9q2m7xwz")->ToString(), "p0k3v9q2m7xwz");
  EXPECT_LT(*PersonNo::Parse("p00000000000z"), *PersonNo::Parse("p000000000010"));
  for (const char* bad : {"", "p", "p00000000000", "p0000000000000", "q000000000000", "p00000000000A", "p00000000000_"}) {
    EXPECT_FALSE(PersonNo::Parse(bad)) << bad;
  }
  EXPECT_FALSE(PersonNo::Parse(std::string_view("p\0\0\0\0\0\0\0\0\0\0\0\0", 13)));
}

TEST(ConversationName, TellsDirectFromGroupAndNothingElse) {
  PersonNo a{1}, b{2};
  std::string id = DirectId(b, a);
  EXPECT_EQ(id, "d:p000000000001:p000000000002");
  auto name = ConversationName::Parse(id);
  ASSERT_TRUE(name);
  EXPECT_TRUE(name->Has(a));
  EXPECT_EQ(name->Other(a), b);
  EXPECT_EQ(ConversationName::Parse(DirectId(a, a))->Other(a), a);
  EXPECT_EQ(ConversationName::Parse("g:team-1.x_y")->handle, "team-1.x_y");
  for (std::string bad : {"", "d:", "g:", "x:p000000000001:p000000000002", "d:p000000000002:p000000000001",
                          "d:p000000000001-p000000000002", "d:p000000000001:p00000000000", "g:Team", "g:a b", "g:a/b"}) {
    EXPECT_FALSE(ConversationName::Parse(bad)) << bad;
  }
  EXPECT_TRUE(ConversationName::Parse("g:" + std::string(64, 'a')));
  EXPECT_FALSE(ConversationName::Parse("g:" + std::string(65, 'a')));
}

// These bytes are on disks: a change here is a migration.
TEST(Tables, GoldenKeys) {
  EXPECT_EQ(Hex(IdFloorKey().Encode()), "01");
  EXPECT_EQ(Hex(HeadKey{"g:ab"}.Encode()), "02673a6162");
  EXPECT_EQ(Hex(MemberKey{0x0102, PersonNo{0x0304}}.Encode()), "0300000000000001020000000000000304");
  EXPECT_EQ(Hex(MemberKey::Prefix(0x0102)), "030000000000000102");
  EXPECT_EQ(Hex(MessageKey{0x0102, 0x0a}.Encode()), "040000000000000102000000000000000a");
  EXPECT_EQ(Hex(MessageKey::Prefix(0x0102)), "040000000000000102");
  EXPECT_EQ(Hex(MarkKey{0x0102, 0x1122334455667788}.Encode()), "0500000000000001021122334455667788");
  EXPECT_EQ(Hex(MembershipKey{PersonNo{0x0304}, 0x0102}.Encode()), "0600000000000003040000000000000102");
  EXPECT_EQ(Hex(MembershipKey::Prefix(PersonNo{0x0304})), "060000000000000304");
  EXPECT_EQ(Hex(TitleKey{0x0102}.Encode()), "070000000000000102");
}

TEST(Tables, GoldenRows) {
  HeadRow head{.kind = v1::Conversation::KIND_GROUP, .open = true, .conversation_no = 7, .last_seq = 9, .messages = 5,
               .created_id = 0x1000, .last_id = 0x2000, .members = 0x01020304};
  EXPECT_EQ(Hex(head.Encode()),
            "010201" "0000000000000007" "0000000000000009" "0000000000000005" "0000000000001000" "0000000000002000" "01020304");
  EXPECT_EQ(*HeadRow::Decode(head.Encode()), head);
  MemberRow member{.role = v1::Member::ROLE_OWNER, .joined_seq = 1, .left_seq = 0, .read_seq = 3, .read_messages = 2,
                   .delivered_seq = 4};
  EXPECT_EQ(Hex(member.Encode()),
            "0102" "0000000000000001" "0000000000000000" "0000000000000003" "0000000000000002" "0000000000000004");
  EXPECT_EQ(*MemberRow::Decode(member.Encode()), member);
  MessageRow message{.kind = 2, .messages = 3, .message_id = 0x5000, .record = "xy"};
  EXPECT_EQ(Hex(message.Encode()), "02" "0000000000000003" "0000000000005000" "7879");
  EXPECT_EQ(*MessageRow::Decode(message.Encode()), message);
  EXPECT_EQ(Hex(EncodeU64(0x0102)), "0000000000000102");
}

TEST(Tables, KeysDecodeToWhatTheyWere) {
  MemberKey member{5, PersonNo{6}};
  EXPECT_EQ(*MemberKey::Decode(member.Encode()), member);
  MessageKey message{5, ~uint64_t{0}};
  EXPECT_EQ(*MessageKey::Decode(message.Encode()), message);
  MembershipKey membership{PersonNo{6}, 5};
  EXPECT_EQ(*MembershipKey::Decode(membership.Encode()), membership);
}

TEST(Tables, DecodingTrustsNoLength) {
  const std::string head = HeadRow{}.Encode(), member = MemberRow{}.Encode();
  for (size_t n = 0; n < 64; ++n) {
    std::string bytes(n, '\x02');
    EXPECT_FALSE(HeadRow::Decode(bytes).ok());
    EXPECT_FALSE(MemberRow::Decode(bytes).ok());
    EXPECT_EQ(MessageRow::Decode(bytes).ok(), n >= 17);
    EXPECT_EQ(DecodeU64(bytes).ok(), n == 8);
    EXPECT_FALSE(MemberKey::Decode(bytes).ok());
    EXPECT_FALSE(MessageKey::Decode(bytes).ok());
    EXPECT_FALSE(MembershipKey::Decode(bytes).ok());
  }
  EXPECT_TRUE(absl::IsDataLoss(HeadRow::Decode(head + "x").status()));
  EXPECT_TRUE(absl::IsDataLoss(MemberRow::Decode(member.substr(1)).status()));
  // A conversation id beyond the bound cannot overrun the key.
  EXPECT_EQ(HeadKey{std::string(1'000, 'x')}.Encode().view().size(), 1 + kMaxConversationIdBytes);
}

TEST(MessageId, CarriesItsTime) {
  uint64_t id = MessageIdOf(1'700'000'000'000'001, 17);
  EXPECT_EQ(TimeOfMessageId(id), 1'700'000'000'000'001);
  EXPECT_EQ(id & 0xfff, 17u);
  EXPECT_EQ(TimeOfMessageId(NextMessageId(id)), 1'700'000'000'000'002);
  EXPECT_EQ(NextMessageId(id) & 0xfff, 17u);
}

}  // namespace
}  // namespace yizhan::im
