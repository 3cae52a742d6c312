// LiveService over gRPC, with gRPC's own client.
#include "edge/live_grpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/rpc/testing.h"
#include "base/status.h"
#include "base/tls.h"
#include "edge/edge.h"
#include "edge/testing/station.h"

namespace yizhan::edge {
namespace {

using rpc::testing::StreamClient;
using testing::Station;
using yizhan::live::v1::ClientFrame;
using yizhan::live::v1::ServerFrame;
using Metadata = std::map<std::string, std::string>;

class LiveGrpcTest : public ::testing::Test {
 protected:
  ~LiveGrpcTest() override {
    if (edge_ != nullptr) edge_->Stop();
    if (outer_ != nullptr) outer_->Stop();
  }

  void Start(LiveOptions live = {}) {
    auto tls = EnsureDemonstrationTls(::testing::TempDir() + "/yizhan-live-grpc-tls", "bank.example").value();
    rpc::ServerOptions outer;
    outer.address = "127.0.0.1:0";
    outer.tls = {tls.certificate, tls.private_key};
    outer_ = rpc::Server::Start(outer, &table_, station_.authenticator()).value();
    ca_ = tls.ca;
    EdgeOptions options;
    options.address = "127.0.0.1:0";
    options.live = live;
    edge_ = Edge::Start(options, &station_.pool, station_.channels(), station_.authenticator()).value();
    outer_->ServeStream(kLiveMethod, edge_->live_acceptor());
  }
  std::unique_ptr<StreamClient> Open(const Metadata& metadata = {}) {
    return StreamClient::Open({.address = "127.0.0.1:" + std::to_string(outer_->port()), .ca = ca_, .server_name = ""},
                              kLiveMethod, metadata);
  }
  static ServerFrame Next(StreamClient& client) {
    ServerFrame frame;
    auto bytes = client.Read();
    EXPECT_TRUE(bytes.has_value()) << "nothing came";
    EXPECT_TRUE(frame.ParseFromString(bytes.value_or("")));
    return frame;
  }
  static void Say(StreamClient& client, const ClientFrame& frame) { client.Write(frame.SerializeAsString()); }

  Station station_;
  rpc::ServiceTable table_;
  std::string ca_;
  std::unique_ptr<rpc::Server> outer_;
  std::unique_ptr<Edge> edge_;
};

TEST_F(LiveGrpcTest, ATokenOpensItAndEventsCome) {
  Start();
  auto client = Open({{"authorization", "Bearer yzp_lin"}, {"x-request-id", "follow.me-7"}});
  ServerFrame ready = Next(*client);
  EXPECT_EQ(ready.ready().principal_id(), "p-lin");
  EXPECT_EQ(ready.ready().stream_id(), "follow.me-7");
  station_.Say("person:p-lin", "你好");
  EXPECT_EQ(Next(*client).im().message().content().text(), "你好");

  ClientFrame ping;
  ping.mutable_ping()->set_nonce(42);
  Say(*client, ping);
  EXPECT_EQ(Next(*client).pong().nonce(), 42u);
  ClientFrame watch;
  watch.mutable_watch_presence()->add_person_ids("p-bo");
  Say(*client, watch);
  EXPECT_EQ(Next(*client).im().presence().person_id(), "p-bo");
  EXPECT_EQ(station_.Last("/yizhan.im.v1.ConversationService/WatchPresence").context.request_id, "follow.me-7");

  // Who has nothing more to say may listen on.
  client->HalfClose();
  station_.Say("all", "weiter");
  EXPECT_EQ(Next(*client).im().message().content().text(), "weiter");
}

TEST_F(LiveGrpcTest, AVisitorBeginsWithHello) {
  Start();
  auto client = Open();
  ClientFrame hello;
  hello.mutable_hello()->set_token("yzv_guest");
  Say(*client, hello);
  EXPECT_EQ(Next(*client).ready().principal_id(), "v-guest");
}

TEST_F(LiveGrpcTest, RefusalsAreClear) {
  Start();
  EXPECT_EQ(Open({{"authorization", "Bearer yzp_ended"}})->Finish().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ReasonOf(Open({{"authorization", "Basic eA=="}})->Finish()), "TOKEN_REQUIRED");

  auto mute = Open();
  mute->HalfClose();
  EXPECT_EQ(Next(*mute).bye().reason(), "PROTOCOL_ERROR");
  EXPECT_EQ(ReasonOf(mute->Finish()), "PROTOCOL_ERROR");

  auto early = Open();
  ClientFrame typing;
  typing.mutable_typing()->set_conversation_id("d:1");
  Say(*early, typing);
  EXPECT_EQ(Next(*early).bye().reason(), "PROTOCOL_ERROR");
  EXPECT_EQ(early->Finish().code(), absl::StatusCode::kInvalidArgument);

  for (const std::string& garbage : {std::string("\xff\xff\xff"), std::string(100 << 10, 'x')}) {
    auto client = Open({{"authorization", "Bearer yzp_lin"}});
    client->Write(garbage);
    ServerFrame frame = Next(*client);
    if (frame.has_ready()) frame = Next(*client);
    EXPECT_EQ(frame.bye().reason(), "PROTOCOL_ERROR");
    EXPECT_EQ(client->Finish().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(station_.channel() != nullptr);
}

TEST_F(LiveGrpcTest, WhoDoesNotSayHelloInTimeIsLetGo) {
  LiveOptions live;
  live.hello_timeout = absl::Milliseconds(50);
  Start(live);
  auto client = Open();
  EXPECT_EQ(Next(*client).bye().reason(), "PROTOCOL_ERROR");
  EXPECT_EQ(ReasonOf(client->Finish()), "PROTOCOL_ERROR");
}

TEST_F(LiveGrpcTest, StoppingSaysGoodbye) {
  Start();
  auto client = Open({{"authorization", "Bearer yzp_lin"}});
  EXPECT_TRUE(Next(*client).has_ready());
  edge_->Stop();
  ServerFrame bye = Next(*client);
  EXPECT_EQ(bye.bye().reason(), "SHUTTING_DOWN");
  EXPECT_TRUE(bye.bye().reconnect());
  EXPECT_EQ(client->Finish().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Open({{"authorization", "Bearer yzp_lin"}})->Finish().code(), absl::StatusCode::kUnavailable);
}

TEST_F(LiveGrpcTest, AClientThatGoesClosesItsSession) {
  Start();
  {
    auto client = Open({{"authorization", "Bearer yzp_lin"}});
    EXPECT_TRUE(Next(*client).has_ready());
    EXPECT_EQ(station_.opened.load(), 1);
  }
  absl::Time give_up = absl::Now() + absl::Seconds(10);
  while (station_.closed.load() == 0 && absl::Now() < give_up) std::this_thread::yield();
  EXPECT_EQ(station_.closed.load(), 1);
}

}  // namespace
}  // namespace yizhan::edge
