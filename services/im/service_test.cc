// The whole service behind a real server: every method has a handler, calls are authorised, events reach an edge over its link.
#include "im/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "base/rpc/channel.h"
#include "base/rpc/server.h"
#include "base/status.h"
#include "im/testing/bed.h"

namespace yizhan::im {
namespace {

using live::v1::DownFrame;
using live::v1::LinkDown;
using live::v1::UpFrame;

constexpr char kSend[] = "/yizhan.im.v1.MessageService/SendMessage";

rpc::Principal PrincipalOf(const Caller& caller) {
  rpc::Principal principal;
  principal.set_kind(rpc::Principal::KIND_PERSON);
  principal.set_id(caller.id);
  principal.set_session_id("s-" + caller.id);
  return principal;
}

// What an edge hears.
class Edge {
 public:
  Edge(rpc::Channel* channel, const std::string& id) {
    link_ = channel->OpenLink("im", id, [this](const LinkDown& down) {
      absl::MutexLock lock(&mu_);
      for (const DownFrame& frame : down.frames()) frames_.push_back(frame);
    }, [](absl::Status) {});
  }
  void Open(uint64_t session, const rpc::Principal& principal) {
    UpFrame up;
    up.mutable_open()->set_session(session);
    *up.mutable_open()->mutable_principal() = principal;
    ASSERT_TRUE(link_->Send(std::move(up)).ok());
  }
  void Close(uint64_t session) {
    UpFrame up;
    up.mutable_close()->set_session(session);
    ASSERT_TRUE(link_->Send(std::move(up)).ok());
  }
  template <typename Request>
  void Call(uint64_t session, uint64_t call_id, const std::string& method, const Request& request) {
    UpFrame up;
    up.mutable_call()->set_session(session);
    up.mutable_call()->set_call_id(call_id);
    up.mutable_call()->set_method(method);
    up.mutable_call()->set_request(request.SerializeAsString());
    ASSERT_TRUE(link_->Send(std::move(up)).ok());
  }
  // The first frame, now or to come, for which this holds.
  DownFrame Await(std::function<bool(const DownFrame&)> wanted) {
    DownFrame found;
    absl::MutexLock lock(&mu_);
    auto there = [&] {
      for (const DownFrame& frame : frames_) {
        if (!wanted(frame)) continue;
        found = frame;
        return true;
      }
      return false;
    };
    EXPECT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&there), absl::Seconds(20)));
    return found;
  }
  v1::ImEvent AwaitEvent(const std::string& topic, std::function<bool(const v1::ImEvent&)> wanted) {
    live::v1::ServerFrame server;
    Await([&](const DownFrame& frame) {
      return frame.event().topic() == topic && server.ParseFromString(frame.event().frame()) && wanted(server.im());
    });
    return server.im();
  }

 private:
  absl::Mutex mu_;
  std::vector<DownFrame> frames_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<rpc::Link> link_;
};

class DirectoryMachine final : public ledger::StateMachine {
 public:
  std::string_view service() const override { return "directory"; }
  absl::Status Apply(const ledger::Record&, ledger::StateWriter&) override { return absl::OkStatus(); }
};

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() {
    std::filesystem::create_directories(dir_);
    ledger::Options options;
    options.data_dir = dir_;
    options.partitions = {{"keyring", 1}, {"directory", 1}, {"im", 4}};
    ledger_ = ledger::Ledger::Open(std::move(options)).value();
    keyring_ = ledger::Keyring::Open(ledger_.get(), dir_).value();
    ledger_->Register(&directory_);
    im_ = std::make_unique<ImService>(ledger_.get(), keyring_.get());
    EXPECT_TRUE(ledger_->Start().ok());
    EXPECT_TRUE(im_->Start().ok());
    im_->Register(table_);
    rpc::ServerOptions inner;
    inner.service_name = "test";
    server_ = rpc::Server::Start(inner, &table_, nullptr).value();
    im_->SetHub(server_->ServeLink("im", im_->link_handler()));
    channel_ = server_->channel();
    PutPeople(*ledger_, {anna, bo});
  }
  ~ServiceTest() override {
    edges_.clear();
    channel_.reset();
    server_->Stop();
    im_->Stop();
    ledger_->Stop();
    im_.reset();
    server_.reset();
    keyring_.reset();
    ledger_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const Caller& caller, const std::string& method, const Request& request) {
    rpc::CallOptions options;
    options.on_behalf_of = PrincipalOf(caller);
    return channel_->Wait<Response>(method, request, options);
  }
  absl::StatusOr<v1::SendMessageResponse> SendTo(const Caller& from, const Caller& to, const std::string& text) {
    v1::SendMessageRequest request;
    request.set_to_person_id(to.id);
    request.set_client_id(text);
    request.mutable_content()->set_text(text);
    // The directory's record is committed; messaging reads it a moment later.
    for (int i = 0;; ++i) {
      auto sent = Call<v1::SendMessageResponse>(from, kSend, request);
      if (sent.ok() || ReasonOf(sent.status()) != "PERSON_NOT_FOUND" || i == 10'000) return sent;
      absl::SleepFor(absl::Milliseconds(1));
    }
  }
  Edge& NewEdge(const std::string& id) {
    edges_.push_back(std::make_unique<Edge>(channel_.get(), id));
    return *edges_.back();
  }

  const std::string dir_ = (std::filesystem::temp_directory_path() / absl::StrCat("yizhan-im-service-", getpid())).string();
  const Caller anna{PersonNo{1}, PersonNo{1}.ToString()}, bo{PersonNo{2}, PersonNo{2}.ToString()};
  DirectoryMachine directory_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<ledger::Keyring> keyring_;
  std::unique_ptr<ImService> im_;
  rpc::ServiceTable table_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Channel> channel_;
  std::vector<std::unique_ptr<Edge>> edges_;
};

TEST_F(ServiceTest, EveryMethodHasAHandler) {
  EXPECT_THAT(table_.Missing("yizhan.im.v1.MessageService"), testing::IsEmpty());
  EXPECT_THAT(table_.Missing("yizhan.im.v1.ConversationService"), testing::IsEmpty());
}

TEST_F(ServiceTest, AnswersPeopleAndNobodyElse) {
  auto sent = SendTo(anna, bo, "你好");
  ASSERT_TRUE(sent.ok()) << sent.status();
  v1::ListMessagesRequest request;
  request.set_conversation_id(sent->conversation_id());
  auto page = Call<v1::ListMessagesResponse>(bo, "/yizhan.im.v1.MessageService/ListMessages", request);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(Texts(*page), "[1] 你好");
  // A service by itself is not a person.
  EXPECT_TRUE(absl::IsPermissionDenied(
      channel_->Wait<v1::ListMessagesResponse>("/yizhan.im.v1.MessageService/ListMessages", request).status()));
  // Nor is a person whose id the directory cannot have given.
  Caller odd{PersonNo{1}, "p1"};
  EXPECT_EQ(ReasonOf(Call<v1::ListMessagesResponse>(odd, "/yizhan.im.v1.MessageService/ListMessages", request).status()),
            "NOT_A_PERSON");
  // Reasons travel.
  request.set_conversation_id("g:unknown");
  EXPECT_EQ(ReasonOf(Call<v1::ListMessagesResponse>(bo, "/yizhan.im.v1.MessageService/ListMessages", request).status()),
            "CONVERSATION_NOT_FOUND");
  v1::SetPresenceRequest presence;
  EXPECT_EQ(ReasonOf(Call<v1::SetPresenceResponse>(bo, "/yizhan.im.v1.ConversationService/SetPresence", presence).status()),
            "NO_SESSION");
}

TEST_F(ServiceTest, ADeviceHearsItsPersonsConversations) {
  ASSERT_TRUE(SendTo(anna, bo, "before").ok());
  const std::string direct = DirectId(anna.no, bo.no);
  Edge& edge = NewEdge("edge-1");
  edge.Open(7, PrincipalOf(bo));
  DownFrame opened = edge.Await([](const DownFrame& frame) { return frame.has_opened(); });
  EXPECT_THAT(opened.opened().topics(), testing::UnorderedElementsAre(direct, PersonTopic(bo.id)));

  ASSERT_TRUE(SendTo(anna, bo, "live").ok());
  v1::ImEvent event = edge.AwaitEvent(direct, [](const v1::ImEvent& e) { return e.has_message(); });
  EXPECT_EQ(event.message().content().text(), "live");
  EXPECT_EQ(event.message().seq(), 3u);

  // A group made while the device is connected reaches it.
  v1::CreateGroupRequest create;
  create.set_title("组");
  create.set_handle("team");
  create.add_member_ids(bo.id);
  ASSERT_TRUE(Call<v1::CreateGroupResponse>(anna, "/yizhan.im.v1.ConversationService/CreateGroup", create).ok());
  event = edge.AwaitEvent(PersonTopic(bo.id), [](const v1::ImEvent& e) { return e.has_joined(); });
  EXPECT_EQ(event.joined().conversation_id(), "g:team");
  edge.AwaitEvent("g:team", [](const v1::ImEvent& e) { return e.message().has_notice(); });
}

TEST_F(ServiceTest, PresenceLivesAndDiesWithSessions) {
  Edge& watching = NewEdge("edge-w");
  watching.Open(1, PrincipalOf(anna));
  v1::WatchPresenceRequest watch;
  watch.add_person_ids(bo.id);
  watching.Call(1, 5, "/yizhan.im.v1.ConversationService/WatchPresence", watch);
  DownFrame reply = watching.Await([](const DownFrame& frame) { return frame.has_reply(); });
  EXPECT_EQ(reply.reply().call_id(), 5u);
  EXPECT_EQ(reply.reply().code(), 0u) << reply.reply().message();
  v1::WatchPresenceResponse response;
  ASSERT_TRUE(response.ParseFromString(reply.reply().response()));
  EXPECT_EQ(response.presences(0).show(), v1::Presence::SHOW_OFFLINE);

  Edge& other = NewEdge("edge-o");
  other.Open(1, PrincipalOf(bo));
  auto shows = [](v1::Presence::Show show) {
    return [show](const v1::ImEvent& e) { return e.has_presence() && e.presence().show() == show; };
  };
  watching.AwaitEvent("presence:" + bo.id, shows(v1::Presence::SHOW_ONLINE));
  v1::SetPresenceRequest busy;
  busy.mutable_presence()->set_show(v1::Presence::SHOW_BUSY);
  other.Call(1, 6, "/yizhan.im.v1.ConversationService/SetPresence", busy);
  watching.AwaitEvent("presence:" + bo.id, shows(v1::Presence::SHOW_BUSY));
  other.Close(1);
  watching.AwaitEvent("presence:" + bo.id, shows(v1::Presence::SHOW_OFFLINE));
}

TEST_F(ServiceTest, AVisitorOpensNoSession) {
  Edge& edge = NewEdge("edge-1");
  rpc::Principal visitor;
  visitor.set_kind(rpc::Principal::KIND_VISITOR);
  visitor.set_id("v1");
  edge.Open(3, visitor);
  DownFrame opened = edge.Await([](const DownFrame& frame) { return frame.has_opened(); });
  EXPECT_NE(opened.opened().code(), 0u);
  EXPECT_EQ(opened.opened().reason(), "NOT_A_PERSON");
}

}  // namespace
}  // namespace yizhan::im
