#include "edge/xmpp/sm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "edge/xmpp/element.h"
#include "edge/xmpp/errors.h"

namespace yizhan::edge::xmpp {
namespace {

StreamManagement::Stanza Text(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

class SmTest : public testing::Test {
 protected:
  void Send(int count, int64_t now_ms = 0) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(sm_.Sent(Text("<s" + std::to_string(next_++) + "/>"), now_ms).ok());
  }
  SmLimits limits_;
  StreamManagement sm_{&limits_};
  int next_ = 0;
};

TEST_F(SmTest, KeepsWhatIsNotAcknowledged) {
  Send(5);
  EXPECT_EQ(sm_.sent(), 5u);
  ASSERT_TRUE(sm_.Acknowledged(3, 0).ok());
  ASSERT_TRUE(sm_.Acknowledged(3, 0).ok());
  ASSERT_EQ(sm_.unacknowledged(), 2u);
  EXPECT_EQ(*sm_.unacknowledged(0), "<s3/>");
  EXPECT_EQ(sm_.unacknowledged_bytes(), 10u);
  ASSERT_TRUE(sm_.Acknowledged(5, 0).ok());
  EXPECT_EQ(sm_.unacknowledged(), 0u);
  EXPECT_EQ(sm_.unacknowledged_bytes(), 0u);
  EXPECT_EQ(sm_.NextCheckMs(), StreamManagement::kNever);
}

TEST_F(SmTest, RefusesAnHThatIsTooHighOrGoesBack) {
  Send(2);
  const auto high = sm_.Acknowledged(3, 0);
  EXPECT_EQ(StreamConditionOf(high), StreamCondition::kUndefinedCondition);
  EXPECT_EQ(sm_.HandledCountTooHigh(), "<handled-count-too-high xmlns='urn:xmpp:sm:3' h='3' send-count='2'/>");
  ASSERT_TRUE(sm_.Acknowledged(2, 0).ok());
  EXPECT_FALSE(sm_.Acknowledged(1, 0).ok());
  EXPECT_EQ(sm_.sent(), 2u);
}

TEST_F(SmTest, CountersWrapAround) {
  sm_.SetCountersForTest(0xFFFFFFFF, 0xFFFFFFFE);
  sm_.CountReceived();
  EXPECT_EQ(sm_.received(), 0u);
  Send(4);
  EXPECT_EQ(sm_.sent(), 2u);
  ASSERT_TRUE(sm_.Acknowledged(0xFFFFFFFF, 0).ok());
  EXPECT_EQ(sm_.unacknowledged(), 3u);
  ASSERT_TRUE(sm_.Acknowledged(1, 0).ok());
  EXPECT_EQ(*sm_.unacknowledged(0), "<s3/>");
  EXPECT_FALSE(sm_.Acknowledged(3, 0).ok());
  ASSERT_TRUE(sm_.Acknowledged(2, 0).ok());
}

TEST_F(SmTest, EndsASessionThatDoesNotAcknowledge) {
  limits_.max_stanzas = 3;
  Send(3);
  auto full = sm_.Sent(Text("x"), 0);
  EXPECT_EQ(StreamConditionOf(full), StreamCondition::kPolicyViolation);
  EXPECT_EQ(sm_.sent(), 3u);
  ASSERT_TRUE(sm_.Acknowledged(1, 0).ok());
  EXPECT_TRUE(sm_.Sent(Text("x"), 0).ok());
  limits_.max_bytes = 100;
  ASSERT_TRUE(sm_.Acknowledged(4, 0).ok());
  EXPECT_TRUE(sm_.Sent(Text(std::string(100, 'x')), 0).ok());
  EXPECT_FALSE(sm_.Sent(Text("x"), 0).ok());
}

TEST_F(SmTest, AsksInTimeAndRarely) {
  EXPECT_FALSE(sm_.ShouldRequest(1'000'000));
  Send(1, 1000);
  EXPECT_EQ(sm_.NextCheckMs(), 6000);
  EXPECT_FALSE(sm_.ShouldRequest(5999));
  EXPECT_TRUE(sm_.ShouldRequest(6000));
  EXPECT_FALSE(sm_.ShouldRequest(6000));
  EXPECT_FALSE(sm_.IsUnanswered(65'999));
  EXPECT_EQ(sm_.NextCheckMs(), 66'000);
  EXPECT_TRUE(sm_.IsUnanswered(66'000));
  ASSERT_TRUE(sm_.Acknowledged(1, 6100).ok());
  EXPECT_FALSE(sm_.IsUnanswered(1'000'000));

  // A busy stream: one request in 64 stanzas, and none while one is unanswered, up to twice that.
  int requests = 0;
  for (int i = 0; i < 64; ++i) {
    Send(1, 7000);
    requests += sm_.ShouldRequest(7000);
  }
  EXPECT_EQ(requests, 1);
  for (int i = 0; i < 127; ++i) {
    Send(1, 7000);
    requests += sm_.ShouldRequest(7000);
  }
  EXPECT_EQ(requests, 1);
  Send(1, 7000);
  EXPECT_TRUE(sm_.ShouldRequest(7000));
  ASSERT_TRUE(sm_.Acknowledged(sm_.sent(), 7001).ok());
  EXPECT_EQ(sm_.NextCheckMs(), StreamManagement::kNever);
}

TEST_F(SmTest, AsksAgainForWhatAnAnswerLeftOpen) {
  Send(2, 0);
  EXPECT_TRUE(sm_.ShouldRequest(5000));
  ASSERT_TRUE(sm_.Acknowledged(1, 5100).ok());
  EXPECT_FALSE(sm_.IsUnanswered(100'000));
  EXPECT_FALSE(sm_.ShouldRequest(10'099));
  EXPECT_TRUE(sm_.ShouldRequest(10'100));
}

TEST_F(SmTest, AsksWhenMuchIsUnacknowledgedInBytes) {
  ASSERT_TRUE(sm_.Sent(Text(std::string(limits_.request_bytes, 'x')), 0).ok());
  EXPECT_TRUE(sm_.ShouldRequest(0));
}

TEST_F(SmTest, ResumesWithWhatTheClientLacks) {
  Send(70);
  EXPECT_TRUE(sm_.ShouldRequest(0));
  ASSERT_TRUE(sm_.Resumed(60, 100'000).ok());
  EXPECT_EQ(sm_.unacknowledged(), 10u);
  EXPECT_EQ(*sm_.unacknowledged(0), "<s60/>");
  EXPECT_EQ(*sm_.unacknowledged(9), "<s69/>");
  EXPECT_FALSE(sm_.IsUnanswered(100'000));
  EXPECT_TRUE(sm_.ShouldRequest(100'000));
  EXPECT_EQ(sm_.sent(), 70u);
  EXPECT_FALSE(sm_.Resumed(71, 100'000).ok());
}

TEST_F(SmTest, FanOutIsNotCopied) {
  const auto shared = Text("<message/>");
  ASSERT_TRUE(sm_.Sent(shared, 0).ok());
  EXPECT_EQ(sm_.unacknowledged(0).get(), shared.get());
  EXPECT_EQ(shared.use_count(), 2);
  ASSERT_TRUE(sm_.Acknowledged(1, 0).ok());
  EXPECT_EQ(shared.use_count(), 1);
}

TEST_F(SmTest, LongRunsStayRight) {
  uint32_t acknowledged = 0;
  for (int i = 0; i < 20'000; ++i) {
    Send(1, i);
    if (i % 7 == 0 && i > 300) {
      acknowledged = static_cast<uint32_t>(i - 299 + i % 3);
      ASSERT_TRUE(sm_.Acknowledged(acknowledged, i).ok());
      ASSERT_EQ(*sm_.unacknowledged(0), "<s" + std::to_string(acknowledged) + "/>");
    }
  }
}

TEST(SmElements, AreReadAndWritten) {
  EXPECT_EQ(*ParseHandled(**ParseElement("<a h='4294967295'/>")), 4294967295u);
  for (const char* bad : {"<a/>", "<a h=''/>", "<a h='-1'/>", "<a h='4294967296'/>", "<a h='1x'/>", "<a h=' 1'/>"}) {
    EXPECT_EQ(StreamConditionOf(ParseHandled(**ParseElement(bad)).status()), StreamCondition::kBadFormat) << bad;
  }
  std::string out;
  AppendSmEnabled("abc", 300, &out);
  AppendSmEnabled("", 0, &out);
  AppendSmResumed("abc", 7, &out);
  AppendSmAnswer(7, &out);
  AppendSmFailed("item-not-found", &out);
  EXPECT_EQ(out,
            "<enabled xmlns='urn:xmpp:sm:3' id='abc' resume='true' max='300'/><enabled xmlns='urn:xmpp:sm:3'/>"
            "<resumed xmlns='urn:xmpp:sm:3' previd='abc' h='7'/><a xmlns='urn:xmpp:sm:3' h='7'/>"
            "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
}

TEST(SmElements, ResumptionIdsAreRandomAndCompared) {
  const auto a = NewResumptionId(), b = NewResumptionId();
  EXPECT_EQ(a->size(), 22u);
  EXPECT_FALSE(ResumptionIdsEqual(*a, *b));
  EXPECT_TRUE(ResumptionIdsEqual(*a, *a));
  EXPECT_FALSE(ResumptionIdsEqual(*a, a->substr(1)));
}

}  // namespace
}  // namespace yizhan::edge::xmpp
