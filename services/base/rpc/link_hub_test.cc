#include "base/rpc/link_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yizhan::rpc {
namespace {

using yizhan::live::v1::DownFrame;
using yizhan::live::v1::LinkDown;

class Handler : public LinkHandler {
 public:
  absl::StatusOr<std::vector<std::string>> OnOpen(const std::string&, uint64_t session,
                                                  const Principal& principal) override {
    if (during_open) during_open();
    if (principal.id() == "refused") return absl::PermissionDeniedError("not you");
    opened.push_back(session);
    return topics;
  }
  void OnClose(const std::string&, uint64_t session, const Principal&) override { closed.push_back(session); }

  std::vector<std::string> topics = {"d:1"};
  std::function<void()> during_open;
  std::vector<uint64_t> opened, closed;
};

// An edge whose writes end when the test says so.
struct Edge {
  explicit Edge(LinkHub* hub, size_t bound = 1 << 20) {
    link = std::make_shared<LinkHub::EdgeLink>(
        "edge1", bound, [this](std::string batch) { batches.push_back(std::move(batch)); }, [this] { ++broken; });
    hub->Attach(link);
  }
  // Every frame written so far; ends the writes in flight until nothing waits.
  std::vector<DownFrame> Drain() {
    size_t done = 0;
    std::vector<DownFrame> frames;
    while (done < batches.size()) {
      LinkDown down;
      EXPECT_TRUE(down.ParseFromString(batches[done]));
      for (auto& frame : *down.mutable_frames()) frames.push_back(frame);
      ++done;
      link->queue.Written();
    }
    batches.clear();
    return frames;
  }
  std::shared_ptr<LinkHub::EdgeLink> link;
  std::vector<std::string> batches;
  int broken = 0;
};

std::shared_ptr<const Principal> Person(const std::string& id) {
  auto principal = std::make_shared<Principal>();
  principal->set_kind(Principal::KIND_PERSON);
  principal->set_id(id);
  return principal;
}

TEST(LinkHub, SendsOneEventToAnEdgeWhateverItsSessions) {
  Handler handler;
  LinkHub hub("im", &handler);
  Edge edge(&hub);
  for (uint64_t session = 1; session <= 3; ++session) ASSERT_TRUE(hub.Open(edge.link, session, Person("p1")));
  EXPECT_EQ(hub.sessions(), 3u);
  EXPECT_TRUE(hub.Heard("d:1"));
  EXPECT_FALSE(hub.Heard("d:2"));
  edge.Drain();
  hub.Publish("d:1", "frame");
  hub.Publish("d:2", "nobody hears this");
  auto frames = edge.Drain();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].event().topic(), "d:1");
  EXPECT_EQ(frames[0].event().frame(), "frame");

  hub.Close(edge.link, 1);
  hub.Close(edge.link, 2);
  EXPECT_TRUE(hub.Heard("d:1"));
  hub.Close(edge.link, 3);
  EXPECT_FALSE(hub.Heard("d:1"));
  EXPECT_THAT(handler.closed, ::testing::ElementsAre(1, 2, 3));
}

TEST(LinkHub, ASubscriptionPrecedesItsEvents) {
  Handler handler;
  LinkHub hub("im", &handler);
  Edge edge(&hub);
  ASSERT_TRUE(hub.Open(edge.link, 1, Person("p1")));
  hub.Subscribe("p1", "g:new", true);
  hub.Publish("g:new", "a");
  hub.Subscribe("p1", "g:new", false);
  hub.Publish("g:new", "b");
  hub.Subscribe("stranger", "g:new", true);
  auto frames = edge.Drain();
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_THAT(frames[0].opened().topics(), ::testing::ElementsAre("d:1"));
  EXPECT_TRUE(frames[1].subscription().active());
  EXPECT_EQ(frames[2].event().frame(), "a");
  EXPECT_FALSE(frames[3].subscription().active());
}

TEST(LinkHub, ASubscriptionWhileASessionIsOpenedIsNotLost) {
  Handler handler;
  LinkHub hub("im", &handler);
  Edge edge(&hub);
  handler.topics = {"d:1", "g:left"};
  handler.during_open = [&] {
    hub.Subscribe("p1", "g:joined", true);
    hub.Subscribe("p1", "g:left", false);
  };
  ASSERT_TRUE(hub.Open(edge.link, 1, Person("p1")));
  auto frames = edge.Drain();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_THAT(frames[0].opened().topics(), ::testing::UnorderedElementsAre("d:1", "g:joined"));
  EXPECT_FALSE(hub.Heard("g:left"));
}

TEST(LinkHub, ALaterSessionHearsWhatThePrincipalWasSubscribedTo) {
  Handler handler;
  LinkHub hub("im", &handler);
  Edge edge(&hub);
  ASSERT_TRUE(hub.Open(edge.link, 1, Person("p1")));
  hub.Subscribe("p1", "presence:p2", true);
  ASSERT_TRUE(hub.Open(edge.link, 2, Person("p1")));
  hub.Close(edge.link, 1);
  EXPECT_TRUE(hub.Heard("presence:p2"));
  hub.Close(edge.link, 2);
  EXPECT_FALSE(hub.Heard("presence:p2"));
}

TEST(LinkHub, FramesCollectWhileAWriteIsInFlight) {
  Handler handler;
  LinkHub hub("im", &handler);
  Edge edge(&hub);
  ASSERT_TRUE(hub.Open(edge.link, 1, Person("p1")));
  for (int i = 0; i < 100; ++i) hub.Publish("d:1", std::to_string(i));
  EXPECT_EQ(edge.batches.size(), 1u);
  edge.link->queue.Written();
  ASSERT_EQ(edge.batches.size(), 2u);
  LinkDown down;
  ASSERT_TRUE(down.ParseFromString(edge.batches[1]));
  ASSERT_EQ(down.frames_size(), 100);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(down.frames(i).event().frame(), std::to_string(i));
}

TEST(LinkHub, AnEdgeThatDoesNotKeepUpLosesItsLink) {
  Handler handler;
  LinkHub hub("im", &handler);
  Edge slow(&hub, 1000), other(&hub);
  ASSERT_TRUE(hub.Open(slow.link, 1, Person("p1")));
  ASSERT_TRUE(hub.Open(other.link, 1, Person("p2")));
  other.Drain();
  for (int i = 0; i < 20; ++i) hub.Publish("d:1", std::string(100, 'x'));
  EXPECT_GT(slow.broken, 0);
  EXPECT_EQ(other.broken, 0);
  EXPECT_EQ(other.Drain().size(), 20u);
  hub.Detach(slow.link);
  EXPECT_THAT(handler.closed, ::testing::ElementsAre(1));
  EXPECT_EQ(hub.sessions(), 1u);
}

TEST(LinkHub, ARefusedSessionIsNotOpenAndTheLinkLives) {
  Handler handler;
  LinkHub hub("im", &handler);
  Edge edge(&hub);
  EXPECT_FALSE(hub.Open(edge.link, 1, Person("refused")));
  auto frames = edge.Drain();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].opened().code(), static_cast<uint32_t>(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(frames[0].opened().message(), "not you");
  EXPECT_EQ(edge.broken, 0);
  EXPECT_EQ(hub.sessions(), 0u);
}

TEST(LinkHub, OneSessionOpenedTwiceBreaksTheLink) {
  Handler handler;
  LinkHub hub("im", &handler);
  Edge edge(&hub);
  ASSERT_TRUE(hub.Open(edge.link, 1, Person("p1")));
  EXPECT_FALSE(hub.Open(edge.link, 1, Person("p1")));
  EXPECT_EQ(edge.broken, 1);
}

TEST(BatchQueue, ClosesOnceAndOnlyWhenNothingIsInFlight) {
  std::vector<std::string> writes;
  BatchQueue queue(100, [&](std::string batch) { writes.push_back(std::move(batch)); });
  EXPECT_EQ(queue.AddEvent("t", "f"), BatchQueue::Added::kQueued);
  queue.Kick();
  EXPECT_FALSE(queue.Close());  // a write is in flight
  EXPECT_EQ(queue.AddEvent("t", "f"), BatchQueue::Added::kClosed);
  EXPECT_TRUE(queue.Written());
  EXPECT_FALSE(queue.Close());
  EXPECT_EQ(writes.size(), 1u);
}

TEST(BatchQueue, WhatIsHeldGoesInOneBatch) {
  std::vector<std::string> writes;
  BatchQueue queue(1000, [&](std::string batch) { writes.push_back(std::move(batch)); });
  queue.Hold();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(queue.AddEvent("t", "f"), BatchQueue::Added::kQueued);
    queue.Kick();
  }
  EXPECT_TRUE(writes.empty());
  queue.Release();
  ASSERT_EQ(writes.size(), 1u);
  LinkDown down;
  ASSERT_TRUE(down.ParseFromString(writes[0]));
  EXPECT_EQ(down.frames_size(), 3);
  // A write that ends while more is held starts no other.
  queue.Hold();
  EXPECT_EQ(queue.AddEvent("t", "f"), BatchQueue::Added::kQueued);
  EXPECT_FALSE(queue.Written());
  EXPECT_EQ(writes.size(), 1u);
  queue.Release();
  EXPECT_EQ(writes.size(), 2u);
}

}  // namespace
}  // namespace yizhan::rpc
