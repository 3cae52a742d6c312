#include "edge/xmpp_server/testing/town.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/time/clock.h"
#include "base/rpc/hub.h"
#include "base/status.h"
#include "edge/xmpp/base64.h"
#include "edge/xmpp_server/event_stanza.h"
#include "edge/xmpp_server/text.h"
#include "yizhan/directory/v1/directory_service.pb.h"
#include "yizhan/directory/v1/session_service.pb.h"
#include "yizhan/im/v1/conversation_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"
#include "yizhan/live/v1/live_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

namespace dir = yizhan::directory::v1;

std::string IdOf(const std::string& login) { return "p" + login.substr(1); }

rpc::Principal PrincipalOf(const std::string& login) {
  rpc::Principal principal;
  principal.set_kind(rpc::Principal::KIND_PERSON);
  principal.set_id(IdOf(login));
  principal.set_session_id("s-" + login);
  principal.set_login(login);
  principal.set_expires_at_us(absl::ToUnixMicros(absl::Now() + absl::Hours(1)));
  return principal;
}

}  // namespace

class Town::Handler final : public rpc::LinkHandler {
 public:
  absl::StatusOr<std::vector<std::string>> OnOpen(const std::string&, uint64_t, const rpc::Principal& principal) override {
    std::vector<std::string> topics = {"person:" + principal.id()};
    for (const char* other : {"p1", "p2", "p3", "p4", "p9"}) topics.push_back(DirectId(principal.id(), other));
    return topics;
  }
  void OnClose(const std::string&, uint64_t, const rpc::Principal&) override {}
};

Town::Town(XmppOptions options, bool tls) : logins_{"u1", "u2", "u3", "u4"}, handler_(std::make_unique<Handler>()) {
  folder_ = (std::filesystem::path(::testing::TempDir()) / "town-XXXXXX").string();
  if (mkdtemp(folder_.data()) == nullptr) abort();
  Register();
  server_ = *rpc::Server::Start({}, &table_, nullptr);
  channel_ = server_->channel();
  hub_ = server_->ServeLink("im", handler_.get());
  authenticator_ = rpc::MakeAuthenticator(channel_.get(), channel_.get());
  pool_ = std::make_unique<http::IoPool>(2);
  router_ = SessionRouter::Make(
      pool_.get(), [this](std::string_view service) { return service == "im" || service == "directory" ? channel_.get() : nullptr; },
      authenticator_.get());
  options.domain = "example.org";
  options.plain_address = "127.0.0.1:0";
  options.address = options.tls_address = "";
  if (tls) {
    tls_ = *EnsureDemonstrationTls(folder_, options.domain);
    options.tls = tls_;
    options.address = options.tls_address = "127.0.0.1:0";
  }
  auto started = XmppServer::Start(options, router_.get());
  if (!started.ok()) {
    ADD_FAILURE() << started.status();
    abort();
  }
  xmpp_ = *std::move(started);
}

Town::~Town() {
  xmpp_.reset();
  router_->Stop();
  server_->Stop();
  pool_->Stop();
  router_.reset();
  std::filesystem::remove_all(folder_);
}

void Town::See(const std::string& method) {
  absl::MutexLock lock(&mutex_);
  seen_.push_back(method);
}

int Town::Count(const std::string& name) const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(std::count(seen_.begin(), seen_.end(), name));
}

bool Town::WaitForCount(const std::string& name, int count) const {
  absl::MutexLock lock(&mutex_);
  auto reached = [&] { return std::count(seen_.begin(), seen_.end(), name) >= count; };
  return mutex_.AwaitWithTimeout(absl::Condition(&reached), absl::Seconds(10));
}

void Town::AddPerson(const std::string& login) {
  absl::MutexLock lock(&mutex_);
  logins_.push_back(login);
}

void Town::Register() {
  auto empty = [this](auto request_type, auto response_type, const std::string& service, const std::string& name) {
    using Request = decltype(request_type);
    using Response = decltype(response_type);
    table_.Unary<Request, Response>(Cat("/", service, "/", name), [this, name](const rpc::Context&, const Request&, rpc::Reply<Response> reply) {
      See(name);
      reply.Ok({});
    });
  };
  const std::string messages = "yizhan.im.v1.MessageService", conversations = "yizhan.im.v1.ConversationService";
  empty(dir::LogOutRequest(), dir::LogOutResponse(), "yizhan.directory.v1.SessionService", "LogOut");
  empty(im::v1::MoveCursorRequest(), im::v1::MoveCursorResponse(), messages, "MoveCursor");
  empty(im::v1::ListMessagesRequest(), im::v1::ListMessagesResponse(), messages, "ListMessages");
  empty(im::v1::SyncRequest(), im::v1::SyncResponse(), conversations, "Sync");
  empty(im::v1::SetPresenceRequest(), im::v1::SetPresenceResponse(), conversations, "SetPresence");
  empty(im::v1::WatchPresenceRequest(), im::v1::WatchPresenceResponse(), conversations, "WatchPresence");

  table_.Unary<dir::LogInRequest, dir::LogInResponse>(
      "/yizhan.directory.v1.SessionService/LogIn",
      [this](const rpc::Context&, const dir::LogInRequest& request, rpc::Reply<dir::LogInResponse> reply) {
        See("LogIn");
        if (request.password() != "right" || request.remote_address() != "127.0.0.1") {
          return reply.Error(Refuse(absl::StatusCode::kUnauthenticated, "BAD_CREDENTIALS", "name or password is wrong"));
        }
        dir::LogInResponse response;
        response.set_token("yzp_" + request.login());
        *response.mutable_principal() = PrincipalOf(request.login());
        response.mutable_person()->set_person_id(IdOf(request.login()));
        response.mutable_person()->set_login(request.login());
        response.mutable_person()->set_active(true);
        reply.Ok(response);
      });
  table_.Unary<dir::IntrospectRequest, dir::IntrospectResponse>(
      "/yizhan.directory.v1.SessionService/Introspect",
      [](const rpc::Context&, const dir::IntrospectRequest& request, rpc::Reply<dir::IntrospectResponse> reply) {
        dir::IntrospectResponse response;
        *response.mutable_principal() = PrincipalOf(request.token().substr(4));
        reply.Ok(response);
      });
  table_.Unary<dir::SyncDirectoryRequest, dir::SyncDirectoryResponse>(
      "/yizhan.directory.v1.DirectoryService/SyncDirectory",
      [this](const rpc::Context&, const dir::SyncDirectoryRequest& request, rpc::Reply<dir::SyncDirectoryResponse> reply) {
        dir::SyncDirectoryResponse response;
        absl::MutexLock lock(&mutex_);
        for (size_t i = request.since_version(); i < logins_.size(); ++i) {
          auto* person = response.add_people();
          person->set_person_id(IdOf(logins_[i]));
          person->set_login(logins_[i]);
          person->set_active(true);
        }
        response.set_version(logins_.size());
        reply.Ok(response);
      });
  table_.Unary<im::v1::SendMessageRequest, im::v1::SendMessageResponse>(
      "/yizhan.im.v1.MessageService/SendMessage",
      [this](const rpc::Context& context, const im::v1::SendMessageRequest& request, rpc::Reply<im::v1::SendMessageResponse> reply) {
        See("SendMessage");
        live::v1::ServerFrame frame;
        im::v1::Message* message = frame.mutable_im()->mutable_message();
        message->set_conversation_id(DirectId(context.caller.id(), request.to_person_id()));
        message->set_sender_id(context.caller.id());
        message->set_client_id(request.client_id());
        *message->mutable_content() = request.content();
        im::v1::SendMessageResponse response;
        absl::MutexLock lock(&mutex_);
        message->set_seq(++seqs_[message->conversation_id()]);
        message->set_message_id(message->seq());
        response.set_conversation_id(message->conversation_id());
        response.set_seq(message->seq());
        hub_->Publish(message->conversation_id(), frame.SerializeAsString());
        reply.Ok(response);
      });
}

std::string TownClient::Open() {
  Send("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.org' "
       "version='1.0'>");
  return ReadUntil("</stream:features>");
}

std::string TownClient::LogIn(const std::string& login, const std::string& password) {
  const std::string plain = std::string(1, '\0') + login + std::string(1, '\0') + password;
  Send(Cat("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>", Base64Encode(plain), "</auth>"));
  std::string answer = ReadUntil(">");
  return answer.starts_with("<failure") ? answer + ReadUntil("</failure>") : answer;
}

void TownClient::Enter(const std::string& login, const std::string& resource) {
  Open();
  EXPECT_EQ(LogIn(login), "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
  Open();
  Send(Cat("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>", resource, "</resource></bind></iq>"));
  const std::string bound = ReadUntil("</iq>");
  EXPECT_NE(bound.find(Cat("<jid>", login, "@example.org/", resource, "</jid>")), std::string::npos) << bound;
  Send("<presence/>");
  ReadUntil("/>");
}

}  // namespace yizhan::edge::xmpp
