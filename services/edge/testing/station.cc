#include "edge/testing/station.h"

#include <algorithm>
#include <utility>

#include "base/rpc/hub.h"
#include "base/status.h"
#include "yizhan/desk/v1/agent_service.pb.h"
#include "yizhan/desk/v1/visitor_service.pb.h"
#include "yizhan/directory/v1/session_service.pb.h"
#include "yizhan/im/v1/conversation_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge::testing {
namespace {

namespace dir = yizhan::directory::v1;

// A channel whose server may be exchanged.
class ExchangeableChannel final : public rpc::Channel {
 public:
  void Set(std::shared_ptr<rpc::Channel> to) {
    absl::MutexLock lock(&mutex_);
    to_ = std::move(to);
  }
  void Call(std::string_view method, std::string request, rpc::CallOptions options, rpc::RawReply done) override {
    Get()->Call(method, std::move(request), std::move(options), std::move(done));
  }
  std::unique_ptr<rpc::Link> OpenLink(std::string service, std::string edge_id,
                                      std::function<void(yizhan::live::v1::LinkDown)> on_frames,
                                      std::function<void(absl::Status)> on_broken) override {
    return Get()->OpenLink(std::move(service), std::move(edge_id), std::move(on_frames), std::move(on_broken));
  }

 private:
  std::shared_ptr<rpc::Channel> Get() {
    absl::MutexLock lock(&mutex_);
    return to_;
  }
  absl::Mutex mutex_;
  std::shared_ptr<rpc::Channel> to_;
};

absl::Status Unknown() { return Refuse(absl::StatusCode::kUnauthenticated, "TOKEN_UNKNOWN", "the token is not known"); }

}  // namespace

class Station::Handler : public rpc::LinkHandler {
 public:
  Handler(Station* station, bool desk) : station_(station), desk_(desk) {}
  absl::StatusOr<std::vector<std::string>> OnOpen(const std::string&, uint64_t,
                                                  const rpc::Principal& principal) override {
    if (desk_ && station_->refuse_desk.load()) return Refuse(absl::StatusCode::kPermissionDenied, "BANNED", "not you");
    station_->opened++;
    return std::vector<std::string>{desk_ ? "desk:" + principal.id() : "person:" + principal.id(), "all"};
  }
  void OnClose(const std::string&, uint64_t, const rpc::Principal&) override { station_->closed++; }

 private:
  Station* const station_;
  const bool desk_;
};

Station::Station()
    : im_handler_(std::make_unique<Handler>(this, false)), desk_handler_(std::make_unique<Handler>(this, true)) {
  Register();
  channel_ = std::make_unique<ExchangeableChannel>();
  StartServer();
  authenticator_ = rpc::MakeAuthenticator(channel_.get(), channel_.get());
}

Station::~Station() {
  server_->Stop();
  pool.Stop();
}

void Station::StartServer() {
  rpc::ServerOptions options;
  options.service_name = "edge";
  server_ = rpc::Server::Start(options, &table_, nullptr).value();
  im = server_->ServeLink("im", im_handler_.get());
  desk = server_->ServeLink("desk", desk_handler_.get());
  static_cast<ExchangeableChannel*>(channel_.get())->Set(server_->channel());
}

void Station::Restart() {
  server_->Stop();
  StartServer();
}

SessionRouter::Channels Station::channels() {
  return [this](std::string_view service) -> rpc::Channel* { return service == "audit" ? nullptr : channel_.get(); };
}

rpc::Principal Station::Principal(const std::string& token) const {
  rpc::Principal principal;
  bool person = token.rfind("yzp_", 0) == 0;
  std::string name = token.substr(4);
  principal.set_kind(person ? rpc::Principal::KIND_PERSON : rpc::Principal::KIND_VISITOR);
  principal.set_id((person ? "p-" : "v-") + name);
  principal.set_session_id("s-" + name);
  if (person) principal.add_roles(yizhan::common::v1::ROLE_EMPLOYEE);
  if (name.rfind("agent", 0) == 0) principal.add_roles(yizhan::common::v1::ROLE_AGENT);
  return principal;
}

void Station::EndToken(const std::string& token) {
  absl::MutexLock lock(&mutex_);
  ended_.push_back(token);
}

void Station::See(const rpc::Context& context, const std::string& method, const std::string& request) {
  absl::MutexLock lock(&mutex_);
  seen_.push_back({method, {context, request}});
}

Station::Seen Station::Last(const std::string& method) const {
  absl::MutexLock lock(&mutex_);
  auto it = std::find_if(seen_.rbegin(), seen_.rend(), [&](const auto& seen) { return seen.first == method; });
  return it == seen_.rend() ? Seen{} : it->second;
}

int Station::Count(const std::string& method) const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(
      std::count_if(seen_.begin(), seen_.end(), [&](const auto& seen) { return seen.first == method; }));
}

bool Station::WaitForCount(const std::string& method, int count) const {
  absl::MutexLock lock(&mutex_);
  auto there = [&] {
    return std::count_if(seen_.begin(), seen_.end(), [&](const auto& seen) { return seen.first == method; }) >= count;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&there), absl::Seconds(10));
}

void Station::Say(const std::string& topic, const std::string& text) {
  yizhan::live::v1::ServerFrame frame;
  frame.mutable_im()->mutable_message()->set_conversation_id(topic);
  frame.mutable_im()->mutable_message()->mutable_content()->set_text(text);
  im->Publish(topic, frame.SerializeAsString());
}

void Station::Register() {
  auto answer = [this](auto request_type, auto response_type, const std::string& method) {
    using Request = decltype(request_type);
    using Response = decltype(response_type);
    table_.Unary<Request, Response>(
        method, [this, method](const rpc::Context& context, const Request& request, rpc::Reply<Response> reply) {
          See(context, method, request.SerializeAsString());
          reply.Ok({});
        });
  };
  answer(dir::LogOutRequest(), dir::LogOutResponse(), "/yizhan.directory.v1.SessionService/LogOut");
  answer(im::v1::SetTypingRequest(), im::v1::SetTypingResponse(), "/yizhan.im.v1.MessageService/SetTyping");
  answer(yizhan::desk::v1::AgentSetTypingRequest(), yizhan::desk::v1::AgentSetTypingResponse(),
         "/yizhan.desk.v1.AgentService/SetTyping");
  answer(yizhan::desk::v1::VisitorSetTypingRequest(), yizhan::desk::v1::VisitorSetTypingResponse(),
         "/yizhan.desk.v1.VisitorService/SetTyping");
  answer(yizhan::desk::v1::StartVisitRequest(), yizhan::desk::v1::StartVisitResponse(),
         "/yizhan.desk.v1.VisitorService/StartVisit");

  table_.Unary<dir::LogInRequest, dir::LogInResponse>(
      "/yizhan.directory.v1.SessionService/LogIn",
      [this](const rpc::Context& context, const dir::LogInRequest& request, rpc::Reply<dir::LogInResponse> reply) {
        See(context, "/yizhan.directory.v1.SessionService/LogIn", request.SerializeAsString());
        if (request.password() != "right") {
          return reply.Error(
              Refuse(absl::StatusCode::kUnauthenticated, "BAD_CREDENTIALS", "name or password is wrong"));
        }
        dir::LogInResponse response;
        response.set_token("yzp_" + request.login());
        response.mutable_person()->set_name("曾小贤");
        reply.Ok(response);
      });
  table_.Unary<dir::WhoAmIRequest, dir::WhoAmIResponse>(
      "/yizhan.directory.v1.SessionService/WhoAmI",
      [this](const rpc::Context& context, const dir::WhoAmIRequest&, rpc::Reply<dir::WhoAmIResponse> reply) {
        See(context, "/yizhan.directory.v1.SessionService/WhoAmI", "");
        dir::WhoAmIResponse response;
        *response.mutable_principal() = context.caller;
        reply.Ok(response);
      });
  table_.Unary<dir::IntrospectRequest, dir::IntrospectResponse>(
      "/yizhan.directory.v1.SessionService/Introspect",
      [this](const rpc::Context&, const dir::IntrospectRequest& request, rpc::Reply<dir::IntrospectResponse> reply) {
        absl::MutexLock lock(&mutex_);
        if (request.token().rfind("yzp_ended", 0) == 0 ||
            std::find(ended_.begin(), ended_.end(), request.token()) != ended_.end()) {
          return reply.Error(Unknown());
        }
        dir::IntrospectResponse response;
        *response.mutable_principal() = Principal(request.token());
        reply.Ok(response);
      });
  table_.Unary<yizhan::desk::v1::IntrospectVisitorRequest, yizhan::desk::v1::IntrospectVisitorResponse>(
      "/yizhan.desk.v1.VisitorService/Introspect",
      [this](const rpc::Context&, const yizhan::desk::v1::IntrospectVisitorRequest& request,
             rpc::Reply<yizhan::desk::v1::IntrospectVisitorResponse> reply) {
        yizhan::desk::v1::IntrospectVisitorResponse response;
        *response.mutable_principal() = Principal(request.token());
        reply.Ok(response);
      });
  table_.Unary<yizhan::desk::v1::ListEmbeddingSitesRequest, yizhan::desk::v1::ListEmbeddingSitesResponse>(
      "/yizhan.desk.v1.VisitorService/ListEmbeddingSites",
      [this](const rpc::Context& context, const yizhan::desk::v1::ListEmbeddingSitesRequest& request,
             rpc::Reply<yizhan::desk::v1::ListEmbeddingSitesResponse> reply) {
        See(context, "/yizhan.desk.v1.VisitorService/ListEmbeddingSites", request.SerializeAsString());
        yizhan::desk::v1::ListEmbeddingSitesResponse response;
        if (request.channel_id() == "wbank") {
          response.add_origins("https://www.bank.example");
          response.add_origins("https://a; script-src *");
          response.add_origins("http://10.0.0.7:8080");
        }
        reply.Ok(response);
      });
  table_.Unary<im::v1::SendMessageRequest, im::v1::SendMessageResponse>(
      "/yizhan.im.v1.MessageService/SendMessage",
      [this](const rpc::Context& context, const im::v1::SendMessageRequest& request,
             rpc::Reply<im::v1::SendMessageResponse> reply) {
        See(context, "/yizhan.im.v1.MessageService/SendMessage", request.SerializeAsString());
        if (request.client_id() == "slow")
          return reply.Error(RefuseForNow(absl::StatusCode::kUnavailable, "NOT_NOW", "later", 1500));
        im::v1::SendMessageResponse response;
        response.set_seq(7);
        response.set_message_id(1ull << 60);
        reply.Ok(response);
      });
  table_.Unary<im::v1::WatchPresenceRequest, im::v1::WatchPresenceResponse>(
      "/yizhan.im.v1.ConversationService/WatchPresence",
      [this](const rpc::Context& context, const im::v1::WatchPresenceRequest& request,
             rpc::Reply<im::v1::WatchPresenceResponse> reply) {
        See(context, "/yizhan.im.v1.ConversationService/WatchPresence", request.SerializeAsString());
        im::v1::WatchPresenceResponse response;
        for (const std::string& id : request.person_ids()) response.add_presences()->set_person_id(id);
        reply.Ok(response);
      });
}

}  // namespace yizhan::edge::testing
