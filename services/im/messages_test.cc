#include "im/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "im/testing/bed.h"

namespace yizhan::im {
namespace {

class MessagesTest : public testing::Test {
 protected:
  Bed bed;
  const Caller anna = bed.Person(1), bo = bed.Person(2), cai = bed.Person(3);
};

TEST_F(MessagesTest, TheFirstMessageMakesTheConversation) {
  auto sent = bed.SendTo(anna, bo, "你好");
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->conversation_id(), "d:p000000000001:p000000000002");
  EXPECT_EQ(sent->seq(), 2u);
  EXPECT_EQ(sent->time_us(), TimeOfMessageId(sent->message_id()));
  auto back = bed.SendTo(bo, anna, "好");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->conversation_id(), sent->conversation_id());
  EXPECT_EQ(back->seq(), 3u);
  EXPECT_GT(back->message_id(), sent->message_id());
  auto page = bed.List(bo, sent->conversation_id());
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(Texts(*page), "[1] 你好 好");
  EXPECT_EQ(page->messages(1).sender_id(), anna.id);
  EXPECT_EQ(page->messages(1).message_id(), sent->message_id());
  EXPECT_EQ(page->last_seq(), 3u);
  EXPECT_FALSE(page->more());
}

TEST_F(MessagesTest, NotesToSelf) {
  auto sent = bed.SendTo(anna, anna, "记得");
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(bed.Get(anna, sent->conversation_id())->member_count(), 1u);
  EXPECT_EQ(bed.Get(anna, sent->conversation_id())->unread(), 0u);
}

TEST_F(MessagesTest, ARetryGetsTheFirstResult) {
  auto first = bed.SendTo(anna, bo, "once", "c1");
  auto again = bed.SendTo(anna, bo, "once", "c1");
  ASSERT_TRUE(first.ok() && again.ok()) << first.status() << again.status();
  EXPECT_EQ(first->SerializeAsString(), again->SerializeAsString());
  // The same client id from somebody else, or elsewhere, is another message.
  EXPECT_EQ(bed.SendTo(bo, anna, "mine", "c1")->seq(), 3u);
  EXPECT_EQ(bed.SendTo(anna, cai, "there", "c1")->seq(), 2u);
  bed.Restart();
  EXPECT_EQ(bed.SendTo(anna, bo, "once", "c1")->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(Texts(*bed.List(anna, first->conversation_id())), "[1] once mine");
}

TEST_F(MessagesTest, NobodyElseReadsOrWritesIt) {
  std::string id = bed.SendTo(anna, bo, "private")->conversation_id();
  absl::Status unknown = bed.List(cai, "g:nothing-here").status();
  EXPECT_EQ(ReasonOf(unknown), "CONVERSATION_NOT_FOUND");
  // Not to be told apart.
  EXPECT_EQ(bed.List(cai, id).status(), unknown);
  EXPECT_EQ(bed.Send(cai, id, "hello").status(), unknown);
  EXPECT_EQ(bed.Get(cai, id).status(), unknown);
  EXPECT_EQ(bed.Move(cai, id, 1).status(), unknown);
  EXPECT_EQ(bed.Send(cai, "g:nothing-here", "x").status(), unknown);
  EXPECT_EQ(bed.Send(cai, std::string(10'000, 'g'), "x").status(), unknown);
  EXPECT_EQ(bed.List(cai, std::string(10'000, 'g')).status(), unknown);
  EXPECT_EQ(bed.List(cai, "").status(), unknown);
  std::string group = bed.Group(anna, {bo});
  EXPECT_EQ(bed.Send(cai, group, "x").status(), unknown);
  EXPECT_EQ(bed.List(cai, group).status(), unknown);
  EXPECT_EQ(bed.Get(cai, group).status(), unknown);
  // Nor once the day's key is made, when only the decision itself stands in the way.
  ASSERT_TRUE(bed.Send(anna, group, "x").ok());
  EXPECT_EQ(bed.Send(cai, group, "x").status(), unknown);
  EXPECT_EQ(Texts(*bed.List(anna, group)), "[1] x");
}

TEST_F(MessagesTest, BothMustExistAndBeActive) {
  const Caller ghost{PersonNo{99}, PersonNo{99}.ToString()};
  EXPECT_EQ(ReasonOf(bed.SendTo(anna, ghost, "x").status()), "PERSON_NOT_FOUND");
  EXPECT_EQ(ReasonOf(bed.SendTo(ghost, anna, "x").status()), "PERSON_NOT_FOUND");
  std::string id = bed.SendTo(anna, bo, "x")->conversation_id();
  bed.PutPerson(bo, false);
  EXPECT_EQ(ReasonOf(bed.SendTo(anna, bo, "y").status()), "PERSON_INACTIVE");
  EXPECT_EQ(ReasonOf(bed.Send(anna, id, "y").status()), "PERSON_INACTIVE");
  // What was said stays readable.
  EXPECT_EQ(Texts(*bed.List(anna, id)), "[1] x");
}

TEST_F(MessagesTest, RefusesBadRequestsWithoutARecord) {
  std::string id = bed.SendTo(anna, bo, "x")->conversation_id();
  uint64_t before = bed.RecordCount();
  v1::SendMessageRequest request;
  request.set_conversation_id(id);
  request.mutable_content()->set_text("x");
  EXPECT_EQ(ReasonOf(bed.Send(anna, request).status()), "CLIENT_ID_LENGTH");
  request.set_client_id(std::string(129, 'c'));
  EXPECT_EQ(ReasonOf(bed.Send(anna, request).status()), "CLIENT_ID_LENGTH");
  request.set_client_id("c");
  request.mutable_content()->set_text("a\rb");
  EXPECT_EQ(ReasonOf(bed.Send(anna, request).status()), "CONTROL_CHARACTER");
  request.mutable_content()->set_text("x");
  request.mutable_content()->set_reply_to_seq(3);
  EXPECT_EQ(ReasonOf(bed.Send(anna, request).status()), "UNKNOWN_REPLY");
  request.mutable_content()->set_reply_to_seq(2);
  request.clear_conversation_id();
  EXPECT_EQ(ReasonOf(bed.Send(anna, request).status()), "NO_CONVERSATION");
  request.set_to_person_id("bo");
  EXPECT_EQ(ReasonOf(bed.Send(anna, request).status()), "INVALID_PERSON_ID");
  EXPECT_EQ(bed.RecordCount(), before);
  request.set_to_person_id(bo.id);
  EXPECT_TRUE(bed.Send(anna, request).ok());
  EXPECT_EQ(bed.List(bo, id)->messages(2).content().reply_to_seq(), 2u);
}

TEST_F(MessagesTest, PagesBothWays) {
  std::string id = bed.SendTo(anna, bo, "2")->conversation_id();
  for (int i = 3; i <= 10; ++i) ASSERT_TRUE(bed.Send(anna, id, absl::StrCat(i)).ok());
  auto page = [&](uint64_t after, uint64_t before, uint32_t size) {
    v1::ListMessagesRequest request;
    request.set_conversation_id(id);
    request.set_after_seq(after);
    request.set_before_seq(before);
    request.set_page_size(size);
    auto response = bed.parts->messages.List(bo, request);
    return response.ok() ? absl::StrCat(Texts(*response), response->more() ? " +" : "") : std::string("error");
  };
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(page(0, 0, 3), "[1] 2 3 +");
  EXPECT_EQ(page(3, 0, 3), "4 5 6 +");
  EXPECT_EQ(page(7, 0, 3), "8 9 10");
  EXPECT_EQ(page(8, 0, 3), "9 10");
  EXPECT_EQ(page(10, 0, 3), "");
  EXPECT_EQ(page(kMax, 0, 3), "");
  EXPECT_EQ(page(0, kMax, 3), "8 9 10 +");
  EXPECT_EQ(page(0, 8, 3), "5 6 7 +");
  EXPECT_EQ(page(0, 4, 3), "[1] 2 3");
  EXPECT_EQ(page(0, 3, 3), "[1] 2");
  EXPECT_EQ(page(0, 1, 3), "");
  EXPECT_EQ(page(0, 0, 1'000'000), "[1] 2 3 4 5 6 7 8 9 10");
}

TEST_F(MessagesTest, APageEndsAtItsBytes) {
  std::string id = bed.SendTo(anna, bo, "x")->conversation_id();
  const std::string long_text(20'000, 'x');
  for (int i = 0; i < 120; ++i) ASSERT_TRUE(bed.Send(anna, id, long_text).ok());
  uint64_t after = 0, seen = 0;
  int pages = 0;
  for (bool more = true; more; ++pages) {
    auto page = bed.List(bo, id, after);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LT(page->ByteSizeLong(), 2u << 20);
    seen += static_cast<uint64_t>(page->messages_size());
    after = page->messages(page->messages_size() - 1).seq();
    more = page->more();
  }
  EXPECT_EQ(seen, 122u);
  EXPECT_GT(pages, 2);
}

TEST_F(MessagesTest, ContentIsSealedAtRest) {
  const std::string secret = "机密-9f8e7d6c";
  std::string id = bed.SendTo(anna, bo, secret)->conversation_id();
  auto records = bed.ledger->Read(bed.parts->core.HomeOf(id), 1, 1 << 20);
  ASSERT_TRUE(records.ok());
  for (const auto& record : *records) EXPECT_EQ(record.SerializeAsString().find(secret), std::string::npos);
  EXPECT_EQ(records->back().type(), "im.MessageSent");
  EXPECT_EQ(records->back().actor(), anna.Actor());
}

TEST(MessagesClock, AFrozenClockStillGivesUniqueGrowingIds) {
  FakeClock clock;
  Bed bed(1, &clock);
  const Caller anna = bed.Person(1);
  uint64_t last = 0;
  // Each makes a conversation: two ids within one microsecond, so ids run ahead of the clock and messages must follow them.
  for (int i = 2; i < 40; ++i) {
    auto sent = bed.SendTo(anna, i % 3 ? bed.Person(i) : anna, "x");
    ASSERT_TRUE(sent.ok());
    EXPECT_GT(sent->message_id(), last);
    last = sent->message_id();
  }
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

TEST(MessagesClock, EveryDayHasItsKey) {
  FakeClock clock;
  Bed bed(1, &clock);
  const Caller anna = bed.Person(1), bo = bed.Person(2);
  std::string id = bed.SendTo(anna, bo, "today")->conversation_id();
  clock.Advance(absl::Hours(24));
  ASSERT_TRUE(bed.Send(bo, id, "tomorrow").ok());
  auto records = bed.ledger->Read({"im", 0}, 2, 1 << 20);
  v1::ImRecord first, second;
  ASSERT_TRUE(first.ParseFromString(records->at(0).payload()) && second.ParseFromString(records->at(1).payload()));
  EXPECT_EQ(first.sent().content().key_id(), id + "@20231114");
  EXPECT_EQ(second.sent().content().key_id(), id + "@20231115");
  EXPECT_EQ(Texts(*bed.List(anna, id)), "[1] today tomorrow");
}

}  // namespace
}  // namespace yizhan::im
