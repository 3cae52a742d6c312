#include "edge/session_router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"
#include "base/status.h"
#include "edge/testing/station.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge {
namespace {

using testing::Station;

constexpr char kSend[] = "/yizhan.im.v1.MessageService/SendMessage";

// A connection: keeps what it is told.
class Device : public SessionListener {
 public:
  void OnReady(bool again) override { Note(again ? "again" : "ready"); }
  void OnEvent(const std::shared_ptr<const Event>& event) override {
    absl::MutexLock lock(&mutex);
    last = event;
    notes.push_back(event->parsed().im().message().content().text());
  }
  void OnEventsEnd() override {
    absl::MutexLock lock(&mutex);
    ++batches;
  }
  void OnEnded(const absl::Status& why) override { Note("ended:" + ReasonOf(why)); }

  void Note(const std::string& what) {
    absl::MutexLock lock(&mutex);
    notes.push_back(what);
  }
  bool WaitFor(const std::string& what, int times = 1) {
    absl::MutexLock lock(&mutex);
    auto there = [&] { return std::count(notes.begin(), notes.end(), what) >= times; };
    return mutex.AwaitWithTimeout(absl::Condition(&there), absl::Seconds(10));
  }
  std::vector<std::string> Notes() {
    absl::MutexLock lock(&mutex);
    return notes;
  }

  absl::Mutex mutex;
  std::vector<std::string> notes;
  std::shared_ptr<const Event> last;
  int batches = 0;
  std::unique_ptr<Session> session;
  size_t thread = 0;
};

class RouterTest : public ::testing::Test {
 protected:
  RouterTest()
      : router_(SessionRouter::Make(&station_.pool, station_.channels(), station_.authenticator(), limits())) {}
  ~RouterTest() override {
    for (auto& device : devices_) Close(device.get());
    router_->Stop();
  }
  static SessionRouter::Limits limits() {
    SessionRouter::Limits limits;
    limits.sessions_per_principal = 3;
    return limits;
  }

  Device* Open(const std::string& token, size_t thread, absl::Status* refused = nullptr) {
    devices_.push_back(std::make_unique<Device>());
    Device* device = devices_.back().get();
    device->thread = thread;
    station_.pool.RunAndWait(thread, [&] {
      auto session = router_->Open(thread, {station_.Principal(token), token, "10.0.0.1"}, device);
      if (session.ok()) device->session = *std::move(session);
      if (refused != nullptr) *refused = session.status();
    });
    return device;
  }
  void Close(Device* device) {
    station_.pool.RunAndWait(device->thread, [&] { device->session = nullptr; });
  }
  absl::StatusOr<std::string> Call(Device* device, const std::string& method, const std::string& request,
                                   absl::Duration timeout = absl::Seconds(10)) {
    absl::Notification done;
    absl::StatusOr<std::string> answer = absl::UnknownError("");
    station_.pool.RunAndWait(device->thread, [&] {
      device->session->Call(
          method, request,
          [&](absl::StatusOr<std::string> result) {
            EXPECT_TRUE(station_.pool.OnThread(device->thread));
            answer = std::move(result);
            done.Notify();
          },
          timeout, "req-1");
    });
    done.WaitForNotification();
    return answer;
  }

  Station station_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::unique_ptr<SessionRouter> router_;
};

TEST_F(RouterTest, HandsAnEventToEverySessionThatHearsIt) {
  Device* one = Open("yzp_a", 0);
  Device* two = Open("yzp_a", 1);
  Device* other = Open("yzp_b", 1);
  for (Device* device : {one, two, other}) ASSERT_TRUE(device->WaitFor("ready"));
  station_.Say("person:p-a", "for a");
  station_.Say("all", "for all");
  for (Device* device : {one, two, other}) ASSERT_TRUE(device->WaitFor("for all"));
  EXPECT_THAT(one->Notes(), ::testing::ElementsAre("ready", "for a", "for all"));
  EXPECT_THAT(two->Notes(), ::testing::ElementsAre("ready", "for a", "for all"));
  EXPECT_THAT(other->Notes(), ::testing::ElementsAre("ready", "for all"));
  EXPECT_EQ(two->last, other->last) << "one object for all";

  Close(two);
  station_.Say("all", "second");
  ASSERT_TRUE(one->WaitFor("second"));
  ASSERT_TRUE(other->WaitFor("second"));
  EXPECT_THAT(two->Notes(), ::testing::Not(::testing::Contains("second")));
}

TEST_F(RouterTest, KeepsTheOrderOfEventsAndSubscriptions) {
  Device* device = Open("yzp_a", 0);
  ASSERT_TRUE(device->WaitFor("ready"));
  for (int round = 0; round < 50; ++round) {
    station_.im->Subscribe("p-a", "g:1", true);
    for (int i = 0; i < 20; ++i) station_.Say("g:1", std::to_string(round * 20 + i));
    station_.im->Subscribe("p-a", "g:1", false);
    station_.Say("g:1", "unheard");
  }
  station_.Say("all", "end");
  ASSERT_TRUE(device->WaitFor("end"));
  auto notes = device->Notes();
  ASSERT_EQ(notes.size(), 1002u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(notes[i + 1], std::to_string(i));
  absl::MutexLock lock(&device->mutex);
  EXPECT_LT(device->batches, 1000) << "events that come together are handed over together";
}

TEST_F(RouterTest, CallsThroughTheLinkAsTheSession) {
  Device* device = Open("yzp_a", 1);
  ASSERT_TRUE(device->WaitFor("ready"));
  im::v1::SendMessageRequest request;
  request.set_client_id("c1");
  auto answer = Call(device, kSend, request.SerializeAsString());
  ASSERT_TRUE(answer.ok()) << answer.status();
  im::v1::SendMessageResponse response;
  ASSERT_TRUE(response.ParseFromString(*answer));
  EXPECT_EQ(response.seq(), 7u);
  auto seen = station_.Last(kSend);
  EXPECT_EQ(seen.context.caller.id(), "p-a");
  EXPECT_EQ(seen.context.request_id, "req-1");
  EXPECT_NE(seen.context.link_session, 0u);
  EXPECT_THAT(seen.context.edge_id, ::testing::StartsWith(router_->edge_id()));

  request.set_client_id("slow");
  answer = Call(device, kSend, request.SerializeAsString());
  EXPECT_EQ(ReasonOf(answer.status()), "NOT_NOW");
  EXPECT_EQ(RetryAfterMs(answer.status()), 1500);

  // Of a service without a link; of one that this installation lacks.
  EXPECT_TRUE(Call(device, "/yizhan.directory.v1.SessionService/WhoAmI", "").ok());
  EXPECT_EQ(station_.Last("/yizhan.directory.v1.SessionService/WhoAmI").context.remote_address, "10.0.0.1");
  EXPECT_EQ(ReasonOf(Call(device, "/yizhan.audit.v1.ArchiveService/Search", "").status()), "SERVICE_ABSENT");
}

TEST_F(RouterTest, LinksWhomItConcernsToDesk) {
  int before = station_.opened.load();
  Device* person = Open("yzp_a", 0);
  Device* agent = Open("yzp_agent1", 0);
  Device* visitor = Open("yzv_v", 1);
  for (Device* device : {person, agent, visitor}) ASSERT_TRUE(device->WaitFor("ready"));
  EXPECT_EQ(station_.opened.load() - before, 4);
  station_.pool.RunAndWait(0, [&] {
    EXPECT_TRUE(agent->session->Hears("desk:p-agent1"));
    EXPECT_FALSE(person->session->Hears("desk:p-a"));
  });
  // A visitor's calls to im do not go by a link, and the rule refuses them.
  EXPECT_EQ(ReasonOf(Call(visitor, kSend, "").status()), "NOT_FOR_VISITORS");
}

TEST_F(RouterTest, OpensABrokenLinkAgainAndSaysSo) {
  Device* device = Open("yzp_a", 0);
  Device* agent = Open("yzp_agent1", 1);
  ASSERT_TRUE(device->WaitFor("ready"));
  ASSERT_TRUE(agent->WaitFor("ready"));
  station_.Restart();
  ASSERT_TRUE(device->WaitFor("again"));
  ASSERT_TRUE(agent->WaitFor("again"));
  station_.Say("person:p-a", "after");
  ASSERT_TRUE(device->WaitFor("after"));
  EXPECT_TRUE(Call(device, kSend, "").ok());
  EXPECT_THAT(device->Notes(), ::testing::ElementsAre("ready", "again", "after"));
  EXPECT_TRUE(router_->linked());
}

TEST_F(RouterTest, ACallOnABrokenLinkIsRefusedAtOnce) {
  Device* device = Open("yzp_a", 0);
  ASSERT_TRUE(device->WaitFor("ready"));
  router_->Stop();
  EXPECT_EQ(ReasonOf(Call(device, kSend, "").status()), "LINK_BROKEN");
}

TEST_F(RouterTest, RefusesBeyondItsLimits) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Open("yzp_a", i % 2)->WaitFor("ready"));
  absl::Status refused;
  Device* fourth = Open("yzp_a", 0, &refused);
  EXPECT_EQ(ReasonOf(refused), "TOO_MANY_STREAMS");
  EXPECT_EQ(fourth->session, nullptr);
  ASSERT_TRUE(Open("yzp_b", 0)->WaitFor("ready"));
  Close(devices_.front().get());
  ASSERT_TRUE(Open("yzp_a", 0, &refused)->WaitFor("ready"));
}

TEST_F(RouterTest, ASessionThatAnOwnerRefusesEnds) {
  station_.refuse_desk = true;
  Device* visitor = Open("yzv_v", 0);
  EXPECT_TRUE(visitor->WaitFor("ended:BANNED"));
  Device* person = Open("yzp_a", 0);
  EXPECT_TRUE(person->WaitFor("ready")) << "and nobody else's";
}

TEST_F(RouterTest, ADeviceMayCloseItselfInsideAnEvent) {
  class Leaver : public Device {
   public:
    void OnEvent(const std::shared_ptr<const Event>& event) override {
      Device::OnEvent(event);
      session = nullptr;
    }
  };
  std::vector<std::unique_ptr<Leaver>> leavers;
  for (int i = 0; i < 3; ++i) leavers.push_back(std::make_unique<Leaver>());
  station_.pool.RunAndWait(0, [&] {
    for (auto& leaver : leavers)
      leaver->session = router_->Open(0, {station_.Principal("yzp_a"), "", ""}, leaver.get()).value();
  });
  for (auto& leaver : leavers) ASSERT_TRUE(leaver->WaitFor("ready"));
  Device* stays = Open("yzp_b", 0);
  ASSERT_TRUE(stays->WaitFor("ready"));
  station_.Say("all", "one");
  station_.Say("all", "two");
  ASSERT_TRUE(stays->WaitFor("two"));
  for (auto& leaver : leavers) EXPECT_THAT(leaver->Notes(), ::testing::ElementsAre("ready", "one"));
}

TEST(ServiceOf, TakesTheServiceOutOfAMethod) {
  EXPECT_EQ(SessionRouter::ServiceOf(kSend), "im");
  EXPECT_EQ(SessionRouter::ServiceOf("/yizhan."), "");
  EXPECT_EQ(SessionRouter::ServiceOf("nonsense"), "");
  EXPECT_EQ(SessionRouter::ServiceOf(""), "");
}

}  // namespace
}  // namespace yizhan::edge
