// The half of Connection that comes before its session: RFC 6120 sections 4 to 7.
#include "edge/xmpp_server/connection_negotiation.h"

#include <utility>

#include "base/ids.h"
#include "base/status.h"
#include "edge/xmpp/errors.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/precis.h"
#include "edge/xmpp/sasl.h"
#include "edge/xmpp/sm.h"
#include "edge/xmpp/stanza.h"
#include "edge/xmpp_server/remote_sink.h"
#include "edge/xmpp_server/xmpp_shard.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr char kLogOut[] = "/yizhan.directory.v1.SessionService/LogOut";

void LogOut(XmppShard* shard, const rpc::Principal& principal) {
  rpc::Channel* directory = shard->context().router->ChannelFor(kLogOut);
  if (directory == nullptr) return;
  rpc::CallOptions options;
  options.on_behalf_of = principal;
  directory->Call(kLogOut, "", std::move(options), [](absl::StatusOr<std::string>) {});
}

// Exactly, or once prepared.
bool SameDomain(std::string_view given, std::string_view ours) {
  if (given == ours) return true;
  auto prepared = PrepareDomain(given);
  return prepared.ok() && *prepared == ours;
}

}  // namespace

void Connection::OnHeader(std::string_view text) {
  auto header = ParseStreamHeader(text);
  if (!header.ok()) return Fail(header.status());
  const XmppContext& context = shard_->context();
  namespaces_ = header->namespaces;
  std::string out;
  AppendStreamOpen(RandomName(16), context.domain, header->from, &out);
  header_sent_ = true;
  if (!header->to.empty() && !SameDomain(header->to, context.domain)) {
    Write(std::move(out));
    return Fail(StreamRefusal(StreamCondition::kHostUnknown, "this server is " + context.domain));
  }
  if (!header->IsVersion1()) {
    Write(std::move(out));
    return Fail(StreamRefusal(StreamCondition::kUnsupportedVersion, "version 1.0 is spoken here"));
  }
  StreamFeatures features;
  if (logged_in_) {
    features.bind = true;
    state_ = State::kBind;
  } else if (kind_ == Kind::kStartTls && !stream_->secure()) {
    features.starttls = true;
    state_ = State::kStartTls;
  } else {
    features.mechanisms = LogIn::Mechanisms();
    state_ = State::kSasl;
  }
  AppendStreamFeatures(features, &out);
  Write(std::move(out));
  FlushSoon();
}

void Connection::OnNegotiation(const Element& element) {
  switch (state_) {
    case State::kStartTls:
      if (element.Is(ns::kTls, "starttls")) {
        Write(std::string("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
        const bool early = framer_.RestartAndDiscard();
        namespaces_ = nullptr;
        header_sent_ = false;
        state_ = State::kHeader;
        return stream_->StartTls(shard_->core().starttls, early ? "plain" : "");
      }
      if (element.ns() == ns::kSasl) {
        std::string failure;
        AppendSaslFailure(SaslCondition::kEncryptionRequired, "", &failure);
        Write(std::move(failure));
      }
      return Fail(StreamRefusal(StreamCondition::kPolicyViolation, "STARTTLS comes first"));
    case State::kSasl:
      if (element.ns() == ns::kSasl) return OnLogIn(element);
      return Fail(StreamRefusal(StreamCondition::kNotAuthorized, "log in first"));
    case State::kBind:
      if (element.Is(ns::kClient, "iq") && element.attr("type") == "set" && element.FindChild(ns::kBind, "bind") != nullptr) {
        return Bind(element);
      }
      if (element.Is(ns::kSm, "resume")) return Resume(element);
      if (element.ns() == ns::kSm) {
        std::string failed;
        AppendSmFailed("unexpected-request", &failed);
        Write(std::move(failed));
        return FlushSoon();
      }
      return Fail(StreamRefusal(StreamCondition::kNotAuthorized, "a resource comes first"));
    case State::kHeader:
    case State::kSession:
      return Fail(StreamRefusal(StreamCondition::kNotAuthorized, "the stream begins with its header"));
  }
}

// --- log-in

void Connection::OnLogIn(const Element& element) {
  if (negotiation_->log_in == nullptr) {
    negotiation_->log_in = std::make_unique<LogIn>(
        shard_->context().domain, stream_->remote_address(),
        [this](std::string_view method, std::string request, bool anonymous, absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) {
          Ask(method, std::move(request), anonymous, std::move(done));
        });
  }
  Wait();
  negotiation_->log_in->OnElement(element, [this](LogIn::Step step) {
    Write(std::move(step.xml));
    if (step.next == LogIn::Step::kClose) return Close();
    if (step.next == LogIn::Step::kSuccess) {
      logged_in_ = true;
      negotiation_->who = negotiation_->log_in->TakeResult();
      shard_->context().people->Put(negotiation_->who.person());
      framer_.Restart();
      framer_.set_element_bytes(kElementBytesAfterLogin);
      header_sent_ = false;
      namespaces_ = nullptr;
      state_ = State::kHeader;
    }
    Go();
  });
}

void Connection::Ask(std::string_view method, std::string request, bool anonymous,
                     absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) {
  rpc::Channel* channel = shard_->context().router->ChannelFor(method);
  if (channel == nullptr) return done(absl::UnavailableError("there is no directory"));
  rpc::CallOptions options;
  options.anonymous = anonymous;
  options.remote_address = stream_->remote_address();
  channel->Call(method, std::move(request), std::move(options),
                [shard = shard_->shared_from_this(), id = id_, done = std::move(done)](absl::StatusOr<std::string> answer) mutable {
                  shard->Post([id, done = std::move(done), answer = std::move(answer)](XmppShard& shard) mutable {
                    Connection* connection = shard.FindConnection(id);
                    if (connection != nullptr && !connection->closed_) done(std::move(answer));
                  });
                });
}

// --- resource

void Connection::Bind(const Element& iq) {
  const directory::v1::LogInResponse& who = negotiation_->who;
  std::string_view wanted = iq.FindChild(ns::kBind, "bind")->ChildText(ns::kBind, "resource");
  const std::string drawn = wanted.empty() ? RandomName(10) : std::string();
  const std::string& login = who.person().login().empty() ? who.principal().login() : who.person().login();
  auto jid = Jid::Make(login, shard_->context().domain, wanted.empty() ? std::string_view(drawn) : wanted);
  if (!jid.ok()) {
    std::string refused;
    AppendErrorReply(iq, StanzaCondition::kBadRequest, "the resource cannot be used", &refused);
    Write(std::move(refused));
    return FlushSoon();
  }
  negotiation_->bind_id = std::string(iq.attr("id"));
  Wait();
  session_ = shard_->NewSession(*std::move(jid));
  SessionOptions options;
  options.principal = who.principal();
  options.token = who.token();
  options.remote_address = stream_->remote_address();
  session_->Open(shard_->thread(), std::move(options), [this](absl::Status status) { Bound(status); });
}

void Connection::Bound(const absl::Status& status) {
  if (!status.ok()) {
    session_ = nullptr;
    return Fail(status);
  }
  shard_->TakeAddress(session_);
  std::string result;
  XmlWriter writer(&result);
  StartStanza(&writer, "iq", {.type = "result", .from = {}, .to = {}, .id = negotiation_->bind_id});
  writer.Start("bind", ns::kBind).Leaf("jid", session_->jid().full()).End().End();
  Write(std::move(result));
  state_ = State::kSession;
  negotiation_.reset();
  stream_->SetTimeout(absl::InfiniteDuration());
  session_->Attach(this);
  Go();
}

// --- resumption

void Connection::Resume(const Element& element) {
  auto h = ParseHandled(element);
  if (!h.ok()) return Fail(h.status());
  const std::string previd(element.attr("previd"));
  auto place = shard_->core().registry.FindResumption(previd);
  if (place && place->thread != shard_->thread()) return ResumeRemote(*place, previd, *h);
  XmppSession* session = place ? shard_->Find(place->session) : nullptr;
  if (session == nullptr || session->person_id() != negotiation_->who.principal().id()) {
    std::string failed;
    AppendSmFailed("item-not-found", &failed);
    Write(std::move(failed));
    return FlushSoon();
  }
  state_ = State::kSession;
  stream_->SetTimeout(absl::InfiniteDuration());
  Negotiated();
  session_ = session;
  session->Resume(this, previd, *h);
}

void Connection::ResumeRemote(SessionPlace place, std::string previd, uint32_t h) {
  Wait();
  shard_->core().shards[place.thread]->Post([place, previd = std::move(previd), h, person = negotiation_->who.principal().id(),
                                             from = shard_->shared_from_this(), id = id_](XmppShard& shard) {
    XmppSession* session = shard.Find(place.session);
    if (session == nullptr || session->person_id() != person) {
      return from->Post([id](XmppShard& shard) {
        Connection* connection = shard.FindConnection(id);
        if (connection == nullptr || connection->closed_) return;
        std::string failed;
        AppendSmFailed("item-not-found", &failed);
        connection->Write(std::move(failed));
        connection->Go();
      });
    }
    RemoteSink* sink = shard.NewRemoteSink({from->thread(), id});
    from->Post([id, place, sink_id = sink->id(), fill = sink->fill()](XmppShard& shard) {
      Connection* connection = shard.FindConnection(id);
      auto remote = std::make_unique<RemoteSession>(&shard, place, sink_id, fill);
      if (connection == nullptr || connection->closed_) return remote->OnStreamLost();
      connection->state_ = State::kSession;
      connection->stream_->SetTimeout(absl::InfiniteDuration());
      connection->Negotiated();
      connection->remote_ = std::move(remote);
      connection->Go();
    });
    session->Resume(sink, previd, h);
  });
}

// Negotiation is over, or the connection is. A log-in that nobody uses ends: a resumed session has its own.
void Connection::Negotiated() {
  if (negotiation_ == nullptr) return;
  if (logged_in_ && session_ == nullptr) LogOut(shard_, negotiation_->who.principal());
  if (state_ == State::kSession) negotiation_.reset();
}

}  // namespace yizhan::edge::xmpp
