#include "base/rpc/server.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/ids.h"
#include "base/rpc/testing.h"
#include "base/rpc/wire.h"
#include "base/status.h"
#include "base/tls.h"
#include "yizhan/directory/v1/directory_service.pb.h"
#include "yizhan/directory/v1/session_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::rpc {
namespace {

using yizhan::im::v1::SendMessageRequest;
using yizhan::im::v1::SendMessageResponse;
using yizhan::im::v1::SetTypingRequest;
using yizhan::im::v1::SetTypingResponse;
using yizhan::live::v1::DownFrame;
using yizhan::live::v1::LinkDown;
using yizhan::live::v1::UpFrame;

constexpr char kSend[] = "/yizhan.im.v1.MessageService/SendMessage";
constexpr char kSetTyping[] = "/yizhan.im.v1.MessageService/SetTyping";
constexpr char kGetPerson[] = "/yizhan.directory.v1.DirectoryService/GetPerson";
constexpr char kLogIn[] = "/yizhan.directory.v1.SessionService/LogIn";
constexpr char kIntrospect[] = "/yizhan.directory.v1.SessionService/Introspect";

Principal Person(const std::string& id) {
  Principal principal;
  principal.set_kind(Principal::KIND_PERSON);
  principal.set_id(id);
  principal.set_session_id("s-" + id);
  return principal;
}

class Handler : public LinkHandler {
 public:
  absl::StatusOr<std::vector<std::string>> OnOpen(const std::string&, uint64_t, const Principal& principal) override {
    return std::vector<std::string>{"person:" + principal.id()};
  }
  void OnClose(const std::string&, uint64_t session, const Principal&) override { closed.fetch_add(1); }
  std::atomic<int> closed{0};
};

// How services reach one another: within one process, or from one to another.
enum class Transport { kLocal, kSocket };

class ServerTest : public ::testing::TestWithParam<Transport> {
 protected:
  ServerTest() {
    using namespace yizhan::directory::v1;
    table_.Unary<SendMessageRequest, SendMessageResponse>(
        kSend, [this](const Context& context, const SendMessageRequest& request, Reply<SendMessageResponse> reply) {
          {
            absl::MutexLock lock(&mutex_);
            last_ = context;
          }
          if (request.client_id() == "refuse") {
            return reply.Error(RefuseForNow(absl::StatusCode::kUnavailable, "TOO_EARLY", "not yet", 250));
          }
          SendMessageResponse response;
          response.set_conversation_id(context.Actor() + "/" + request.client_id());
          reply.Ok(response);
        });
    table_.Unary<SetTypingRequest, SetTypingResponse>(
        kSetTyping, [this](const Context&, const SetTypingRequest&, Reply<SetTypingResponse> reply) {
          absl::MutexLock lock(&mutex_);
          held_.push_back(std::move(reply));
        });
    table_.Unary<GetPersonRequest, GetPersonResponse>(
        kGetPerson, [](const Context& context, const GetPersonRequest&, Reply<GetPersonResponse> reply) {
          GetPersonResponse response;
          response.mutable_person()->set_name(context.Actor());
          reply.Ok(response);
        });
    table_.Unary<LogInRequest, LogInResponse>(
        kLogIn, [](const Context& context, const LogInRequest& request, Reply<LogInResponse> reply) {
          LogInResponse response;
          response.set_token(request.remote_address() + "|" + context.Actor());
          reply.Ok(response);
        });
    table_.Unary<IntrospectRequest, IntrospectResponse>(
        kIntrospect, [this](const Context&, const IntrospectRequest& request, Reply<IntrospectResponse> reply) {
          introspected_++;
          if (request.token() != "yzp_good")
            return reply.Error(Refuse(absl::StatusCode::kUnauthenticated, "TOKEN_UNKNOWN", "no"));
          IntrospectResponse response;
          *response.mutable_principal() = Person("p1");
          reply.Ok(response);
        });
  }

  ~ServerTest() override {
    {
      absl::MutexLock lock(&mutex_);
      held_.clear();
    }
    link_.reset();
    outer_.reset();
    channel_.reset();
    authenticator_.reset();
    server_.reset();
  }

  void Start(bool outer = false) {
    ServerOptions options;
    options.service_name = "edge";
    if (GetParam() == Transport::kSocket) options.inner_address = Socket();
    inner_only_ = Server::Start(options, &table_, nullptr).value();
    authenticator_channel_ = NewChannel(*inner_only_, options);
    authenticator_ = MakeAuthenticator(authenticator_channel_.get(), authenticator_channel_.get());
    if (GetParam() == Transport::kSocket) options.inner_address = Socket();
    if (outer) {
      std::string dir = ::testing::TempDir() + "/yizhan-rpc-tls";
      auto files = EnsureDemonstrationTls(dir, "bank.example").value();
      options.address = "127.0.0.1:0";
      options.tls = {files.certificate, files.private_key};
      ca_ = files.ca;
    }
    server_ = Server::Start(options, &table_, authenticator_.get()).value();
    channel_ = NewChannel(*server_, options);
    if (outer)
      outer_ =
          Connect({.address = "127.0.0.1:" + std::to_string(server_->port()), .ca = ca_, .server_name = ""}).value();
  }

  // A path of its own for each server.
  static std::string Socket() {
    static std::atomic<int> count{0};
    return absl::StrCat("unix:", ::testing::TempDir(), "/yz-", getpid(), "-", count++, ".sock");
  }
  static std::unique_ptr<Channel> NewChannel(Server& server, const ServerOptions& options) {
    return options.inner_address.empty() ? server.channel()
                                         : ConnectInside(options.inner_address, options.service_name).value();
  }

  absl::Mutex mutex_;
  Context last_;
  std::vector<Reply<SetTypingResponse>> held_;
  std::atomic<int> introspected_{0};
  ServiceTable table_;
  Handler handler_;
  std::string ca_;
  std::unique_ptr<Server> inner_only_;
  std::unique_ptr<Channel> authenticator_channel_;
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Channel> channel_, outer_;
  std::unique_ptr<Link> link_;
};

SendMessageRequest Named(const std::string& client_id) {
  SendMessageRequest request;
  request.set_client_id(client_id);
  return request;
}

TEST_P(ServerTest, InsideACallerIsPassedOn) {
  Start();
  CallOptions options;
  options.on_behalf_of = Person("p7");
  options.request_id = "follow-me";
  options.remote_address = "10.0.0.9";
  auto answer = channel_->Wait<SendMessageResponse>(kSend, Named("c1"), options);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->conversation_id(), "person:p7/c1");
  EXPECT_EQ(last_.request_id, "follow-me");
  EXPECT_EQ(last_.remote_address, "10.0.0.9");
  EXPECT_LT(last_.deadline, absl::Now() + absl::Seconds(11));

  // The service itself may not do what only people may, and nobody may not do what only services may.
  EXPECT_EQ(ReasonOf(channel_->Wait<SendMessageResponse>(kSend, Named("c1")).status()), "NOT_FOR_SERVICES");
  auto person =
      channel_->Wait<yizhan::directory::v1::GetPersonResponse>(kGetPerson, yizhan::directory::v1::GetPersonRequest());
  EXPECT_EQ(person->person().name(), "service:edge");
  options = {};
  options.anonymous = true;
  auto anonymous = channel_->Wait<yizhan::directory::v1::IntrospectResponse>(
      kIntrospect, yizhan::directory::v1::IntrospectRequest(), options);
  EXPECT_EQ(ReasonOf(anonymous.status()), "TOKEN_REQUIRED");
}

TEST_P(ServerTest, StatusesKeepReasonAndRetryHint) {
  Start();
  CallOptions options;
  options.on_behalf_of = Person("p7");
  auto answer = channel_->Wait<SendMessageResponse>(kSend, Named("refuse"), options);
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(answer.status().message(), "not yet");
  EXPECT_EQ(ReasonOf(answer.status()), "TOO_EARLY");
  EXPECT_EQ(RetryAfterMs(answer.status()), 250);
  EXPECT_EQ(ReasonOf(channel_->CallAndWait("/no.such/Method", "", options).status()), "METHOD_UNKNOWN");
  EXPECT_EQ(ReasonOf(channel_->CallAndWait(kSend, "\xff\xff", options).status()), "MALFORMED_REQUEST");
  EXPECT_EQ(ReasonOf(channel_->CallAndWait(kSend, std::string(kMaxMessageBytes + 1, 'x'), options).status()),
            "REQUEST_TOO_LARGE");
}

TEST_P(ServerTest, ACallEndsAtItsDeadline) {
  Start();
  CallOptions options;
  options.on_behalf_of = Person("p7");
  options.timeout = absl::Milliseconds(50);
  EXPECT_EQ(channel_->CallAndWait(kSetTyping, "", options).status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_P(ServerTest, OutsideATokenIsNeededAndNothingIsBelieved) {
  Start(true);
  EXPECT_EQ(ReasonOf(outer_->Wait<SendMessageResponse>(kSend, Named("c1")).status()), "TOKEN_REQUIRED");
  CallOptions options;
  options.token = "yzp_good";
  auto answer = outer_->Wait<SendMessageResponse>(kSend, Named("c1"), options);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->conversation_id(), "person:p1/c1");
  EXPECT_EQ(last_.remote_address, "127.0.0.1");
  options.token = "yzp_bad";
  EXPECT_EQ(ReasonOf(outer_->Wait<SendMessageResponse>(kSend, Named("c1"), options).status()), "TOKEN_UNKNOWN");
  options.token = "";
  EXPECT_EQ(ReasonOf(outer_->CallAndWait(kIntrospect, "", options).status()), "TOKEN_REQUIRED");

  // The address of a log-in is the connection's, whatever the caller wrote.
  yizhan::directory::v1::LogInRequest login;
  login.set_remote_address("1.2.3.4");
  EXPECT_EQ(outer_->Wait<yizhan::directory::v1::LogInResponse>(kLogIn, login)->token(), "127.0.0.1|");

  // The inner face's metadata are nothing here, and links are refused.
  std::string ca((std::istreambuf_iterator<char>(std::ifstream(ca_).rdbuf())), {});
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ca;
  auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->port()), grpc::SslCredentials(tls));
  grpc::GenericStub stub(channel);
  auto call = [&](const std::string& method) {
    grpc::ClientContext context;
    context.AddMetadata(kCallerKey, Person("p9").SerializeAsString());
    context.AddMetadata(kServiceKey, "im");
    context.AddMetadata(kLinkServiceKey, "im");
    grpc::ByteBuffer request = ToBuffer(""), response;
    absl::Notification done;
    grpc::Status status;
    stub.UnaryCall(&context, method, grpc::StubOptions(), &request, &response, [&](grpc::Status s) {
      status = s;
      done.Notify();
    });
    done.WaitForNotification();
    return ReasonOf(FromGrpc(status));
  };
  EXPECT_EQ(call(kIntrospect), "TOKEN_REQUIRED");
  EXPECT_EQ(call(kLinkMethod), "INTERNAL_METHOD");
}

TEST_P(ServerTest, APortInUseIsAClearRefusal) {
  Start(true);
  ServerOptions options;
  options.address = "127.0.0.1:" + std::to_string(server_->port());
  auto files = EnsureDemonstrationTls(::testing::TempDir() + "/yizhan-rpc-tls", "bank.example").value();
  options.tls = {files.certificate, files.private_key};
  auto second = Server::Start(options, &table_, authenticator_.get());
  EXPECT_EQ(ReasonOf(second.status()), "PORT_IN_USE");
  options.tls.certificate = "/nonexistent.pem";
  EXPECT_EQ(ReasonOf(Server::Start(options, &table_, authenticator_.get()).status()), "TLS_FILE");
}

TEST_P(ServerTest, TheAuthenticatorRemembersAndForgets) {
  Start();
  auto ask = [&](const std::string& token) {
    absl::Notification done;
    absl::StatusOr<Principal> result = absl::UnknownError("");
    authenticator_->Authenticate(token, [&](absl::StatusOr<Principal> r) {
      result = std::move(r);
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  };
  EXPECT_EQ(ask("yzp_good")->id(), "p1");
  EXPECT_EQ(ask("yzp_good")->id(), "p1");
  EXPECT_EQ(introspected_.load(), 1);
  authenticator_->Forget("s-p1");
  EXPECT_TRUE(ask("yzp_good").ok());
  EXPECT_EQ(introspected_.load(), 2);
  EXPECT_EQ(ask("yzp_other").status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ask("yzp_other").status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(introspected_.load(), 4) << "a refusal is not remembered";
  EXPECT_EQ(ask("something else").status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(introspected_.load(), 4);
}

// Collects what comes down a link.
struct Inbox {
  absl::Mutex mutex;
  std::vector<DownFrame> frames;
  absl::Status broken;
  void Take(const LinkDown& down) {
    absl::MutexLock lock(&mutex);
    for (const auto& frame : down.frames()) frames.push_back(frame);
  }
  void Break(absl::Status why) {
    absl::MutexLock lock(&mutex);
    broken = std::move(why);
  }
  bool WaitFor(size_t count) {
    absl::MutexLock lock(&mutex);
    auto ready = [&] { return frames.size() >= count; };
    return mutex.AwaitWithTimeout(absl::Condition(&ready), absl::Seconds(10));
  }
  absl::Status WaitForBreak() {
    absl::MutexLock lock(&mutex);
    auto ready = [&] { return !broken.ok(); };
    mutex.AwaitWithTimeout(absl::Condition(&ready), absl::Seconds(10));
    return broken;
  }
};

UpFrame OpenFrame(uint64_t session, const std::string& person) {
  UpFrame frame;
  frame.mutable_open()->set_session(session);
  *frame.mutable_open()->mutable_principal() = Person(person);
  return frame;
}

UpFrame CallFrame(uint64_t session, uint64_t call_id, const std::string& method, const std::string& request) {
  UpFrame frame;
  frame.mutable_call()->set_session(session);
  frame.mutable_call()->set_call_id(call_id);
  frame.mutable_call()->set_method(method);
  frame.mutable_call()->set_request(request);
  return frame;
}

TEST_P(ServerTest, ALinkCarriesSessionsCallsAndEvents) {
  Start();
  Hub* hub = server_->ServeLink("im", &handler_);
  auto kept = std::make_shared<Inbox>();
  Inbox& inbox = *kept;
  link_ = channel_->OpenLink(
      "im", "edge9", [kept](const LinkDown& down) { kept->Take(down); },
      [kept](absl::Status why) { kept->Break(why); });
  ASSERT_TRUE(link_->Send(OpenFrame(5, "p5")).ok());
  ASSERT_TRUE(inbox.WaitFor(1));
  EXPECT_THAT(inbox.frames[0].opened().topics(), ::testing::ElementsAre("person:p5"));

  ASSERT_TRUE(link_->Send(CallFrame(5, 77, kSend, Named("c9").SerializeAsString())).ok());
  ASSERT_TRUE(inbox.WaitFor(2));
  EXPECT_EQ(inbox.frames[1].reply().call_id(), 77u);
  SendMessageResponse response;
  ASSERT_TRUE(response.ParseFromString(inbox.frames[1].reply().response()));
  EXPECT_EQ(response.conversation_id(), "person:p5/c9");
  EXPECT_EQ(last_.link_session, 5u);
  EXPECT_EQ(last_.edge_id, "edge9");

  ASSERT_TRUE(link_->Send(CallFrame(5, 78, kSend, Named("refuse").SerializeAsString())).ok());
  ASSERT_TRUE(link_->Send(CallFrame(6, 79, kSend, "")).ok());
  ASSERT_TRUE(link_->Send(CallFrame(5, 80, kIntrospect, "")).ok());
  ASSERT_TRUE(inbox.WaitFor(5));
  EXPECT_EQ(inbox.frames[2].reply().reason(), "TOO_EARLY");
  EXPECT_EQ(inbox.frames[2].reply().retry_after_ms(), 250u);
  EXPECT_EQ(inbox.frames[3].reply().reason(), "SESSION_UNKNOWN");
  EXPECT_EQ(inbox.frames[4].reply().reason(), "INTERNAL_METHOD") << "a session has its principal's rights and no more";

  hub->Publish("person:p5", "event");
  hub->Subscribe("p5", "g:1", true);
  hub->Publish("g:1", "group event");
  ASSERT_TRUE(inbox.WaitFor(8));
  EXPECT_EQ(inbox.frames[5].event().frame(), "event");
  EXPECT_EQ(inbox.frames[6].subscription().topic(), "g:1");
  EXPECT_EQ(inbox.frames[7].event().frame(), "group event");

  // The link goes, and with it the session.
  link_.reset();
  absl::Time give_up = absl::Now() + absl::Seconds(10);
  while (handler_.closed.load() == 0 && absl::Now() < give_up) std::this_thread::yield();
  EXPECT_EQ(handler_.closed.load(), 1);
  EXPECT_EQ(hub->sessions(), 0u);
  EXPECT_TRUE(inbox.broken.ok()) << "who closes a link is not told that it broke";
}

TEST_P(ServerTest, ManyCallsOnALinkAllAnsweredInOrder) {
  Start();
  server_->ServeLink("im", &handler_);
  auto kept = std::make_shared<Inbox>();
  Inbox& inbox = *kept;
  link_ = channel_->OpenLink(
      "im", "edge9", [kept](const LinkDown& down) { kept->Take(down); },
      [kept](absl::Status why) { kept->Break(why); });
  ASSERT_TRUE(link_->Send(OpenFrame(1, "p1")).ok());
  constexpr uint64_t kCalls = 20'000;
  for (uint64_t i = 1; i <= kCalls; ++i)
    ASSERT_TRUE(link_->Send(CallFrame(1, i, kSend, Named("c").SerializeAsString())).ok());
  ASSERT_TRUE(inbox.WaitFor(kCalls + 1));
  for (uint64_t i = 1; i <= kCalls; ++i) ASSERT_EQ(inbox.frames[i].reply().call_id(), i);
}

TEST_P(ServerTest, ALinkToNobodyAndALinkThatTheServerEndsAreReported) {
  Start();
  server_->ServeLink("im", &handler_);
  auto kept = std::make_shared<Inbox>(), kept_nobody = std::make_shared<Inbox>();
  Inbox &inbox = *kept, &nobody = *kept_nobody;
  auto lost = channel_->OpenLink(
      "desk", "e", [kept_nobody](const LinkDown& down) { kept_nobody->Take(down); },
      [kept_nobody](absl::Status why) { kept_nobody->Break(why); });
  EXPECT_EQ(ReasonOf(nobody.WaitForBreak()), "SERVICE_UNKNOWN");
  EXPECT_EQ(lost->Send(OpenFrame(1, "p1")).code(), absl::StatusCode::kUnavailable);

  link_ = channel_->OpenLink(
      "im", "edge9", [kept](const LinkDown& down) { kept->Take(down); },
      [kept](absl::Status why) { kept->Break(why); });
  ASSERT_TRUE(link_->Send(OpenFrame(1, "p1")).ok());
  ASSERT_TRUE(inbox.WaitFor(1));
  server_->Stop();
  EXPECT_EQ(inbox.WaitForBreak().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(handler_.closed.load(), 1);
  EXPECT_EQ(channel_->CallAndWait(kSend, "").status().code(), absl::StatusCode::kUnavailable);
}

// A stream lets go of its channel in its last callback, on a thread of gRPC's. Where that was the last of the process
// gRPC 1.51 waited there for itself, and aborted (see grpc_library.h).
TEST_P(ServerTest, AStreamMayBeTheLastThatUsesGrpc) {
  for (int round = 0; round < 20; ++round) {
    ServerOptions options;
    if (GetParam() == Transport::kSocket) options.inner_address = Socket();
    std::unique_ptr<Server> server = Server::Start(options, &table_, nullptr).value();
    server->ServeLink("im", &handler_);
    std::unique_ptr<Channel> channel = NewChannel(*server, options);
    auto heard = std::make_shared<absl::Notification>(), let_go = std::make_shared<absl::Notification>();
    std::weak_ptr<absl::Notification> held = let_go;
    std::unique_ptr<Link> link = channel->OpenLink(
        "im", "edge",
        [heard, let_go](const LinkDown&) {
          heard->Notify();
          let_go->WaitForNotification();
        },
        [](absl::Status) {});
    ASSERT_TRUE(link->Send(OpenFrame(1, "p1")).ok());
    heard->WaitForNotification();
    link.reset();
    channel.reset();
    std::thread stopping([&] { server.reset(); });  // within one process it waits for the callback
    std::exchange(let_go, nullptr)->Notify();
    stopping.join();
    while (!held.expired()) std::this_thread::yield();
  }
}

TEST_P(ServerTest, AnAnswerComesOnceHoweverItRacesWithItsDeadline) {
  Start();
  CallOptions options;
  options.on_behalf_of = Person("p7");
  constexpr int kCalls = 200;
  std::atomic<int> answers{0};
  for (int i = 0; i < kCalls; ++i) {
    options.timeout = absl::Milliseconds(1 + i / 4);
    channel_->Call(kSetTyping, "", options, [&](absl::StatusOr<std::string>) { answers++; });
  }
  absl::Time give_up = absl::Now() + absl::Seconds(10);
  while (answers.load() < kCalls && absl::Now() < give_up) {
    std::vector<Reply<SetTypingResponse>> some;
    {
      absl::MutexLock lock(&mutex_);
      if (!held_.empty()) {
        some.push_back(std::move(held_.back()));
        held_.pop_back();
      }
    }
    absl::SleepFor(absl::Microseconds(100));  // some are answered, some are late
  }
  EXPECT_EQ(answers.load(), kCalls);
  {
    absl::MutexLock lock(&mutex_);
    held_.clear();
  }
  server_->Stop();
  EXPECT_EQ(answers.load(), kCalls);
}

TEST_P(ServerTest, AnAnswerNeverComesOnTheCallersStack) {
  Start();
  CallOptions options;
  options.on_behalf_of = Person("p7");
  absl::Mutex held_while_calling;
  for (int i = 0; i < 200; ++i) {
    auto caller = std::this_thread::get_id();
    absl::Notification done;
    bool same = true;
    {
      absl::MutexLock lock(&held_while_calling);
      channel_->Call(kSend, Named("c").SerializeAsString(), options, [&](absl::StatusOr<std::string>) {
        {
          absl::MutexLock inside(&held_while_calling);
          same = std::this_thread::get_id() == caller;
        }
        done.Notify();
      });
    }
    done.WaitForNotification();
    ASSERT_FALSE(same);
  }
}

TEST_P(ServerTest, StoppingAnswersEveryCallAndRefusesNewOnes) {
  Start();
  CallOptions options;
  options.on_behalf_of = Person("p7");
  options.timeout = absl::InfiniteDuration();
  absl::Notification answered;
  absl::StatusOr<std::string> answer;
  channel_->Call(kSetTyping, "", options, [&](absl::StatusOr<std::string> result) {
    answer = std::move(result);
    answered.Notify();
  });
  auto arrived = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !held_.empty(); };
  {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&arrived));
  }
  // The call is given up after the grace; the server then waits for its handler.
  std::thread stopping([this] { server_->Stop(); });
  answered.WaitForNotification();
  EXPECT_FALSE(answer.ok());
  {
    absl::MutexLock lock(&mutex_);
    held_.clear();
  }
  stopping.join();
  EXPECT_EQ(channel_->CallAndWait(kSend, "", options).status().code(), absl::StatusCode::kUnavailable);
}

TEST_P(ServerTest, AnInnerFaceIsOnTheNetworkOnlyWithCertificates) {
  ServerOptions options;
  options.inner_address = "127.0.0.1:0";
  EXPECT_EQ(ReasonOf(Server::Start(options, &table_, nullptr).status()), "INNER_TLS");
  for (const char* address : {"dns:///somewhere", "unix:80", "unix:relative", "somewhere", ":80", "[::1]", "a:65536"}) {
    options.inner_address = address;
    EXPECT_EQ(ReasonOf(Server::Start(options, &table_, nullptr).status()), "INNER_ADDRESS") << address;
    EXPECT_EQ(ReasonOf(ConnectInside(address, "test").status()), "INNER_ADDRESS") << address;
  }
  EXPECT_EQ(ReasonOf(ConnectInside("127.0.0.1:80", "test").status()), "INNER_ADDRESS");
  options.inner_address = "unix:/nonexistent/folder/socket";
  EXPECT_EQ(ReasonOf(Server::Start(options, &table_, nullptr).status()), "PORT_IN_USE");
}

TEST_P(ServerTest, ARequestIsFollowedByItsId) {
  Start(true);
  server_->ServeLink("im", &handler_);
  auto seen = [this] {
    absl::MutexLock lock(&mutex_);
    return last_.request_id;
  };
  // From outside, under either name; what is no id is not taken over.
  const ConnectOptions outside = {
      .address = "127.0.0.1:" + std::to_string(server_->port()), .ca = ca_, .server_name = ""};
  auto call = [&](const std::map<std::string, std::string>& ids) {
    std::map<std::string, std::string> metadata = ids;
    metadata["authorization"] = "Bearer yzp_good";
    auto client = testing::StreamClient::Open(outside, kSend, metadata);
    client->Write(Named("c1").SerializeAsString());
    client->HalfClose();
    EXPECT_TRUE(client->Read().has_value());
    EXPECT_TRUE(client->Finish().ok());
    return seen();
  };
  EXPECT_EQ(call({{"x-request-id", "theirs.1"}}), "theirs.1");
  EXPECT_EQ(call({{"x-request-id", "theirs.1"}, {"yizhan-request-id", "ours-2"}}), "ours-2");
  EXPECT_NE(call({{"x-request-id", "not an id"}}), "not an id");
  EXPECT_TRUE(IsRequestId(seen()));

  // Within, and over a link; one is drawn where there is none.
  CallOptions options;
  options.on_behalf_of = Person("p7");
  options.request_id = "within-3";
  ASSERT_TRUE(channel_->Wait<SendMessageResponse>(kSend, Named("c1"), options).ok());
  EXPECT_EQ(seen(), "within-3");
  auto inbox = std::make_shared<Inbox>();
  link_ = channel_->OpenLink(
      "im", "edge9", [inbox](const LinkDown& down) { inbox->Take(down); }, [](absl::Status) {});
  ASSERT_TRUE(link_->Send(OpenFrame(1, "p1")).ok());
  UpFrame frame = CallFrame(1, 1, kSend, Named("c1").SerializeAsString());
  frame.mutable_call()->set_request_id("link-4");
  ASSERT_TRUE(link_->Send(frame).ok());
  ASSERT_TRUE(inbox->WaitFor(2));
  EXPECT_EQ(seen(), "link-4");
  ASSERT_TRUE(link_->Send(CallFrame(1, 2, kSend, Named("c1").SerializeAsString())).ok());
  ASSERT_TRUE(inbox->WaitFor(3));
  EXPECT_NE(seen(), "link-4");
  EXPECT_TRUE(IsRequestId(seen()));
}

INSTANTIATE_TEST_SUITE_P(, ServerTest, ::testing::Values(Transport::kLocal, Transport::kSocket),
                         [](const auto& info) { return info.param == Transport::kLocal ? "Local" : "Socket"; });

}  // namespace
}  // namespace yizhan::rpc
