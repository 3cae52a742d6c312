#include "edge/xmpp_server/handled_queue.h"

#include <gtest/gtest.h>

#include <vector>

namespace yizhan::edge::xmpp {
namespace {

TEST(HandledQueue, CountsOnlyAnUnbrokenBeginning) {
  HandledQueue queue;
  const uint64_t a = queue.Add(), b = queue.Add(), c = queue.Add();
  EXPECT_EQ(queue.Done(b).stanzas, 0u);
  EXPECT_EQ(queue.Done(a).stanzas, 2u);
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(queue.Done(c).stanzas, 1u);
  EXPECT_TRUE(queue.empty());
}

TEST(HandledQueue, ARequestIsAnsweredBehindWhatCameBeforeIt) {
  HandledQueue queue;
  const uint64_t a = queue.Add();
  EXPECT_FALSE(queue.AddRequest().answer);
  const uint64_t b = queue.Add();
  const auto progress = queue.Done(a);
  EXPECT_EQ(progress.stanzas, 1u);
  EXPECT_TRUE(progress.answer);
  EXPECT_EQ(queue.Done(b).stanzas, 1u);
  EXPECT_TRUE(queue.AddRequest().answer);
}

TEST(HandledQueue, ATicketCountsOnce) {
  HandledQueue queue;
  const uint64_t a = queue.Add();
  queue.Add();
  EXPECT_EQ(queue.Done(a).stanzas, 1u);
  EXPECT_EQ(queue.Done(a).stanzas, 0u);
  EXPECT_EQ(queue.Done(0).stanzas, 0u);
  EXPECT_EQ(queue.Done(12345).stanzas, 0u);
}

TEST(HandledQueue, StaysRightOverLongStreams) {
  HandledQueue queue;
  std::vector<uint64_t> tickets;
  uint64_t counted = 0;
  for (int i = 0; i < 5'000; ++i) {
    tickets.push_back(queue.Add());
    // Answers come up to 700 stanzas late, in order.
    if (tickets.size() > 700) {
      counted += queue.Done(tickets.front()).stanzas;
      tickets.erase(tickets.begin());
    }
  }
  for (uint64_t ticket : tickets) counted += queue.Done(ticket).stanzas;
  EXPECT_EQ(counted, 5'000u);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace yizhan::edge::xmpp
