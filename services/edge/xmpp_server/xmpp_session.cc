#include "edge/xmpp_server/xmpp_session.h"

#include <algorithm>
#include <utility>

#include "base/ids.h"
#include "base/logging.h"
#include "base/status.h"
#include "edge/xmpp/errors.h"
#include "edge/xmpp/extensions.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/stanza.h"
#include "edge/xmpp_server/event_stanza.h"
#include "edge/xmpp_server/queries.h"
#include "edge/xmpp_server/text.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr char kSend[] = "/yizhan.im.v1.MessageService/SendMessage";
constexpr char kLogOut[] = "/yizhan.directory.v1.SessionService/LogOut";
// Own messages whose event has not come yet, beyond which the oldest are forgotten (a copy of them is then taken for another device's).
constexpr size_t kMaxOriginIds = 1'000;

}  // namespace

XmppSession::XmppSession(const XmppContext* context, SessionHome* home, http::Sweep* sweep, uint64_t id, Jid jid)
    : http::Sweep::Entry(sweep),
      context_(context),
      home_(home),
      id_(id),
      jid_(std::move(jid)),
      direct_(this),
      contacts_(this),
      rooms_(this),
      scope_(RandomName(8)),
      heard_ms_(context->now_ms()) {}

XmppSession::~XmppSession() {
  if (managed_ != nullptr && managed_->detached_since != 0) {
    context_->detached_sessions.fetch_sub(1);
    context_->detached_bytes.fetch_sub(managed_->detached_bytes);
  }
}

void XmppSession::Open(size_t thread, SessionOptions options, absl::AnyInvocable<void(absl::Status)> opened) {
  thread_ = thread;
  person_id_ = options.principal.id();
  auto session = context_->router->Open(thread, std::move(options), this);
  if (!session.ok()) {
    opened(session.status());
    return Over();
  }
  edge_ = *std::move(session);
  opened_ = std::move(opened);
}

void XmppSession::OnReady(bool again) {
  if (over_) return;
  if (opened_) {
    WakeAt(now_ms() + context_->limits.silence_ms);
    std::exchange(opened_, nullptr)(absl::OkStatus());
    return;
  }
  if (!again) return;
  contacts_.Restore();
  if (contacts_.available()) direct_.CatchUp();
  rooms_.CatchUp();
}

void XmppSession::OnEnded(const absl::Status& why) {
  if (over_) return;
  if (opened_) {
    std::exchange(opened_, nullptr)(why);
    return Over();
  }
  End(why.code() == absl::StatusCode::kUnavailable ? StreamCondition::kSystemShutdown : StreamCondition::kNotAuthorized,
      "the session has ended: log in again");
}

void XmppSession::OnEvent(const std::shared_ptr<const Event>& event) {
  if (over_ || !event->parsed().has_im()) return;
  in_events_ = true;
  const im::v1::ImEvent& im = event->parsed().im();
  switch (im.kind_case()) {
    case im::v1::ImEvent::kMessage:
      return im.message().conversation_id().starts_with("g:") ? rooms_.OnMessage(event, im.message())
                                                              : direct_.OnMessage(event, im.message());
    case im::v1::ImEvent::kCursor:
      return direct_.OnCursor(im.cursor());
    case im::v1::ImEvent::kTyping:
      if (inactive_ || im.typing().person_id() == person_id_) return;
      return im.typing().conversation_id().starts_with("g:") ? rooms_.OnTyping(im.typing()) : direct_.OnTyping(im.typing());
    case im::v1::ImEvent::kPresence:
      contacts_.OnPresence(im.presence());
      return rooms_.OnPresence(im.presence());
    case im::v1::ImEvent::kJoined:
      return rooms_.OnJoined(im.joined());
    case im::v1::ImEvent::kLeft:
      return rooms_.OnLeft(im.left().conversation_id());
    case im::v1::ImEvent::KIND_NOT_SET:
      return;
  }
}

void XmppSession::OnEventsEnd() {
  in_events_ = false;
  if (sink_ != nullptr) sink_->Flush();
}

// --- stanzas in

void XmppSession::OnHeard() {
  heard_ms_ = now_ms();
  pinged_ = false;
}

void XmppSession::OnElement(const Element& element) {
  if (over_) return;
  if (element.ns() == ns::kClient && (element.name() == "message" || element.name() == "iq" || element.name() == "presence")) {
    OnStanza(element);
  } else {
    OnNonza(element);
  }
}

void XmppSession::OnStanza(const Element& element) {
  context_->metrics.stanzas_in.Add();
  ticket_ = managed_ == nullptr ? 0 : managed_->handled.Add();
  deferred_ = false;
  const uint64_t ticket = ticket_;

  std::string storage;
  const std::string_view to = element.attr("to");
  Address address;
  if (to.empty()) {
    // RFC 6120 section 10.3: the account itself.
    address = {Place::kPerson, jid_.local(), {}};
  } else {
    address = ParseAddress(*context_, to, &storage);
  }
  const std::string_view type = element.attr("type");
  if (element.name() == "message" && IsCarbon(element)) {
    context_->metrics.dropped.Add();  // forged
  } else if (address.place == Place::kMalformed) {
    Refuse(element, StanzaCondition::kJidMalformed, "the address cannot be read");
  } else if (element.name() == "iq") {
    OnQuery(this, element, address);
  } else if (type == "error") {
    context_->metrics.dropped.Add();
  } else if (address.place == Place::kElsewhere) {
    Refuse(element, StanzaCondition::kRemoteServerNotFound, "this server speaks to no other");
  } else if (element.name() == "presence") {
    if (address.place == Place::kRoom) {
      rooms_.OnPresence(element, address);
    } else if (to.empty()) {
      contacts_.OnBroadcast(element);
    } else if (address.place == Place::kPerson) {
      contacts_.OnDirected(element, address.local);
    }
  } else if (address.place == Place::kRoom) {
    rooms_.OnStanza(element, address);
  } else if (address.place == Place::kPerson) {
    direct_.OnStanza(element, address.local);
  } else {
    Refuse(element, StanzaCondition::kServiceUnavailable, "nobody reads messages here");
  }
  if (!deferred_ && !over_) Handled(ticket);
}

void XmppSession::Handled(uint64_t ticket) {
  if (managed_ != nullptr && ticket != 0) Progressed(managed_->handled.Done(ticket));
}

void XmppSession::Refuse(const Element& stanza, StanzaCondition condition, std::string_view text) {
  context_->metrics.errors_out.Add();
  std::string reply;
  AppendErrorReply(stanza, condition, text, &reply);
  Send(std::move(reply));
}

void XmppSession::Refuse(const Element& stanza, const absl::Status& why) {
  context_->metrics.errors_out.Add();
  std::string reply;
  AppendErrorReply(stanza, why, &reply);
  Send(std::move(reply));
}

// --- messages to their owners

std::string XmppSession::HeadOf(const Element& stanza) {
  // Separated by what XML cannot hold.
  return Cat(stanza.attr("type"), std::string_view("\0", 1), stanza.attr("to"), std::string_view("\0", 1), stanza.attr("id"));
}

void XmppSession::RefuseHead(std::string_view head, const absl::Status& why) {
  context_->metrics.errors_out.Add();
  const size_t first = head.find('\0');
  const size_t second = head.find('\0', first + 1);
  std::string reply;
  XmlWriter writer(&reply);
  StartStanza(&writer, "message",
              {.type = "error", .from = head.substr(first + 1, second - first - 1), .to = jid_.full(), .id = head.substr(second + 1)});
  const bool told = why.code() != absl::StatusCode::kInternal && why.code() != absl::StatusCode::kUnknown;
  AddStanzaError(&writer, StanzaConditionOf(why), told ? std::string_view(why.message().data(), why.message().size()) : std::string_view());
  writer.End();
  Send(std::move(reply));
}

std::string XmppSession::NewClientId(const Element& stanza) {
  const Element* origin = stanza.FindChild(ns::kStanzaId, "origin-id");
  std::string id = ClientIdOf(Cat(scope_, ++sent_), stanza.attr("id"), origin == nullptr ? std::string_view() : origin->attr("id"));
  if (id.starts_with("o:")) {
    if (origin_ids_.size() >= kMaxOriginIds) origin_ids_.erase(origin_ids_.begin());
    origin_ids_.push_back(id);
  }
  return id;
}

bool XmppSession::IsOwn(std::string_view client_id) {
  if (client_id.starts_with("x:")) return client_id.substr(2, scope_.size()) == scope_;
  auto found = std::find(origin_ids_.begin(), origin_ids_.end(), client_id);
  if (found == origin_ids_.end()) return false;
  origin_ids_.erase(found);
  return true;
}

void XmppSession::SendMessage(im::v1::SendMessageRequest request, const Element& stanza,
                              absl::AnyInvocable<void(const im::v1::SendMessageResponse&)> sent) {
  const uint64_t ticket = Defer();
  SendMessage(std::move(request), ticket, HeadOf(stanza), std::move(sent));
}

void XmppSession::SendMessage(im::v1::SendMessageRequest request, uint64_t ticket, std::string head,
                              absl::AnyInvocable<void(const im::v1::SendMessageResponse&)> sent) {
  context_->metrics.messages_in.Add();
  if (++in_flight_ >= context_->limits.sends_in_flight && !held_ && sink_ != nullptr) {
    held_ = true;
    sink_->Hold(true);
  }
  edge_->Call(kSend, request.SerializeAsString(),
              [this, ticket, head = std::move(head), sent = std::move(sent)](absl::StatusOr<std::string> answer) mutable {
                --in_flight_;
                if (held_ && in_flight_ <= context_->limits.sends_in_flight / 2) {
                  held_ = false;
                  if (sink_ != nullptr) sink_->Hold(false);
                }
                if (over_) return;
                if (!answer.ok()) {
                  RefuseHead(head, answer.status());
                } else if (sent) {
                  im::v1::SendMessageResponse response;
                  if (response.ParseFromString(*answer)) sent(response);
                }
                if (!over_) Handled(ticket);
              });
}

// --- the end

void XmppSession::Over() {
  if (std::exchange(over_, true)) return;
  if (resuming_ != nullptr) std::exchange(resuming_, nullptr)->sink->End(std::string(kStreamEnd));
  if (StanzaSink* sink = std::exchange(sink_, nullptr)) sink->End(std::string(kStreamEnd));
  if (managed_ != nullptr && !managed_->resumption_id.empty()) home_->DropResumption(managed_->resumption_id);
  if (edge_ != nullptr) {
    // The person's log-in ends with it.
    if (rpc::Channel* directory = context_->router->ChannelFor(kLogOut)) {
      rpc::CallOptions options;
      options.on_behalf_of = edge_->principal();
      directory->Call(kLogOut, "", std::move(options), [](absl::StatusOr<std::string>) {});
    }
    edge_.reset();
  }
  deadline = http::Sweep::TimePoint::max();
  home_->Retire(this);
}

void XmppSession::OnStreamEnd() {
  if (over_) return;
  direct_.ReportDelivered(true);
  if (StanzaSink* sink = std::exchange(sink_, nullptr)) sink->End(std::string(kStreamEnd));
  Over();
}

void XmppSession::End(StreamCondition condition, std::string_view text) {
  if (over_) return;
  direct_.ReportDelivered(false);
  std::string words;
  AppendStreamError(condition, text, {}, &words);
  if (resuming_ != nullptr) std::exchange(resuming_, nullptr)->sink->End(words);
  if (StanzaSink* sink = std::exchange(sink_, nullptr)) sink->End(std::move(words));
  Over();
}

void XmppSession::BreakStream(const absl::Status& why) {
  if (over_) return;
  std::string words;
  AppendStreamError(why, &words);
  if (sink_ == nullptr) return;
  StanzaSink* sink = sink_;
  sink->End(std::move(words));
  OnStreamLost(sink);
}

}  // namespace yizhan::edge::xmpp
