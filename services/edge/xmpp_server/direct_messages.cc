#include "edge/xmpp_server/direct_messages.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "edge/xmpp/extensions.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/stanza.h"
#include "edge/xmpp_server/event_stanza.h"
#include "edge/xmpp_server/text.h"
#include "edge/xmpp_server/xmpp_session.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr char kMoveCursor[] = "/yizhan.im.v1.MessageService/MoveCursor";
constexpr char kSetTyping[] = "/yizhan.im.v1.MessageService/SetTyping";
constexpr char kListArchive[] = "/yizhan.im.v1.MessageService/ListArchive";

constexpr size_t kRecent = 32;
// Own messages for which a receipt is awaited; of more the oldest get none.
constexpr size_t kMaxAsked = 200;
// Conversations whose delivery is not reported yet; beyond, it is reported at once.
constexpr size_t kMaxDelivered = 64;

uint64_t HashOf(std::string_view conversation_id, std::string_view stanza_id) {
  return NameHash()(conversation_id) * 31 + NameHash()(stanza_id);
}

absl::Status NoSuchPerson(std::string_view login) {
  return Refuse(absl::StatusCode::kNotFound, "PERSON_NOT_FOUND", Cat("nobody here has the log-in name ", login));
}

}  // namespace

// --- from the client

void DirectMessages::OnStanza(const Element& message, std::string_view login) {
  if (message.attr("type") == "groupchat") {
    return session_->Refuse(message, StanzaCondition::kServiceUnavailable, "a person is not a room");
  }
  const MessageMarks marks = ParseMarks(message);
  const std::string_view body = message.ChildText(ns::kClient, "body");
  if (!body.empty()) return Send(message, login, marks, body);
  if (!marks.receipt_for.empty()) {
    Confirm(login, marks.receipt_for, false);
  } else if (marks.marker && *marks.marker != Marker::kMarkable && !marks.marker_for.empty()) {
    Confirm(login, marks.marker_for, *marks.marker != Marker::kReceived);
  } else if (marks.chat_state) {
    SetTyping(login, *marks.chat_state == ChatState::kComposing);
  } else if (message.first_child() != nullptr && !marks.no_store) {
    session_->Refuse(message, StanzaCondition::kServiceUnavailable, "only messages with a body are carried");
  }
}

void DirectMessages::Send(const Element& message, std::string_view login, const MessageMarks& marks,
                          std::string_view body) {
  im::v1::SendMessageRequest request;
  request.set_client_id(session_->NewClientId(message));
  request.mutable_content()->set_text(std::string(body));
  std::string to = session_->context().people->IdOf(login);
  absl::AnyInvocable<void(const im::v1::SendMessageResponse&)> sent;
  if (marks.receipt_requested || marks.marker == Marker::kMarkable) {
    Asked asked{{}, std::string(message.attr("id")), 0, marks.receipt_requested, marks.marker == Marker::kMarkable};
    sent = [this, asked = std::move(asked)](const im::v1::SendMessageResponse& response) mutable {
      asked.conversation_id = response.conversation_id();
      asked.seq = response.seq();
      if (asked_.size() >= kMaxAsked) asked_.erase(asked_.begin());
      asked_.push_back(std::move(asked));
    };
  }
  if (!to.empty()) {
    request.set_to_person_id(std::move(to));
    return session_->SendMessage(std::move(request), message, std::move(sent));
  }
  // Perhaps somebody whom the directory has known for less than two seconds.
  const uint64_t ticket = session_->Defer();
  session_->context().refresh_people(
      session_->thread(), [home = &session_->home(), id = session_->id(), ticket, head = XmppSession::HeadOf(message),
                           login = std::string(login), request = std::move(request), sent = std::move(sent)]() mutable {
        XmppSession* session = home->Find(id);
        if (session == nullptr || session->over()) return;
        request.set_to_person_id(session->context().people->IdOf(login));
        if (!request.to_person_id().empty()) {
          return session->SendMessage(std::move(request), ticket, std::move(head), std::move(sent));
        }
        session->RefuseHead(head, NoSuchPerson(login));
        if (!session->over()) session->Handled(ticket);
      });
}

void DirectMessages::Confirm(std::string_view login, std::string_view stanza_id, bool read) {
  std::string peer = session_->context().people->IdOf(login);
  if (peer.empty()) return;
  std::string conversation = DirectId(session_->person_id(), peer);
  const uint64_t hash = HashOf(conversation, stanza_id);
  for (const auto& [known, seq] : recent_) {
    if (known == hash) return MoveCursor(conversation, read ? seq : 0, seq);
  }
  if (read) FindAndConfirm(std::move(conversation), std::move(peer), std::string(stanza_id), read);
}

void DirectMessages::FindAndConfirm(std::string conversation_id, std::string peer_id, std::string stanza_id,
                                    bool read) {
  im::v1::ListArchiveRequest request;
  request.set_with_person_id(peer_id);
  request.set_newest(true);
  request.set_page_size(50);
  session_->edge().Ask<im::v1::ListArchiveResponse>(
      kListArchive, request,
      [this, conversation = std::move(conversation_id), id = std::move(stanza_id),
       read](absl::StatusOr<im::v1::ListArchiveResponse> page) {
        if (!page.ok()) return;
        for (const im::v1::Message& message : page->messages()) {
          if (StanzaIdOf(message) != id && Cat(message.message_id()) != id) continue;
          return MoveCursor(conversation, read ? message.seq() : 0, message.seq());
        }
      });
}

void DirectMessages::MoveCursor(const std::string& conversation_id, uint64_t read_seq, uint64_t delivered_seq) {
  im::v1::MoveCursorRequest request;
  request.set_conversation_id(conversation_id);
  request.set_read_seq(read_seq);
  request.set_delivered_seq(delivered_seq);
  // What goes wrong here is repaired by the next report; a receipt is not worth an error.
  session_->edge().Call(kMoveCursor, request.SerializeAsString(), [](absl::StatusOr<std::string>) {});
}

void DirectMessages::SetTyping(std::string_view login, bool active) {
  std::string peer = session_->context().people->IdOf(login);
  if (peer.empty()) return;
  im::v1::SetTypingRequest request;
  request.set_to_person_id(std::move(peer));
  request.set_active(active);
  session_->edge().Call(kSetTyping, request.SerializeAsString(), [](absl::StatusOr<std::string>) {});
}

// --- to the client

void DirectMessages::Deliver(const std::shared_ptr<const Event>& event, const im::v1::Message& message) {
  const XmppContext& context = session_->context();
  if (message.sender_id() == session_->person_id()) {
    const bool own = session_->IsOwn(message.client_id());
    const auto pair = ParseDirect(message.conversation_id());
    if (pair && pair->first == pair->second) {
      // A note to oneself: every device gets it, the one that wrote it too.
    } else {
      if (!own && session_->carbons())
        session_->Send(SentCarbon(context, message, session_->account(), session_->jid().full()));
      return;
    }
  }
  const std::string& stanza =
      event->Rendered(Event::kXmpp, [&](const Event&) { return DirectStanza(context, message); });
  if (stanza.empty()) return;
  context.metrics.messages_out.Add();
  session_->Send(Stanza(event, &stanza));
  if (!session_->over()) NoteDelivered(message);
}

void DirectMessages::NoteDelivered(const im::v1::Message& message) {
  const uint64_t hash = HashOf(message.conversation_id(), StanzaIdOf(message));
  if (recent_.size() < kRecent) {
    recent_.reserve(kRecent);
    recent_.emplace_back(hash, message.seq());
  } else {
    recent_[recent_at_++ % kRecent] = {hash, message.seq()};
  }
  for (Delivered& delivered : delivered_) {
    if (delivered.conversation_id != message.conversation_id()) continue;
    delivered.seq = std::max(delivered.seq, message.seq());
    return;
  }
  if (delivered_.size() >= kMaxDelivered) ReportDelivered(false);
  if (delivered_.empty()) session_->WakeAt(session_->now_ms() + session_->context().limits.cursors_ms);
  delivered_.push_back({message.conversation_id(), message.seq()});
}

void DirectMessages::ReportDelivered(bool last) {
  if (delivered_.empty() || session_->over()) return;
  const StreamManagement* sm = session_->sm();
  const uint32_t acknowledged = sm == nullptr ? 0 : sm->sent() - static_cast<uint32_t>(sm->unacknowledged());
  std::erase_if(delivered_, [&](Delivered& delivered) {
    const bool all = sm == nullptr ? last : sm->unacknowledged() == 0;
    const bool ripe =
        delivered.ripe_seq != 0 && (sm == nullptr || static_cast<int32_t>(acknowledged - delivered.ripe_mark) >= 0);
    if (all || ripe) MoveCursor(delivered.conversation_id, 0, all ? delivered.seq : delivered.ripe_seq);
    if (all || (ripe && delivered.ripe_seq == delivered.seq)) return true;
    if (ripe || delivered.ripe_seq == 0) {
      delivered.ripe_seq = delivered.seq;
      delivered.ripe_mark = sm == nullptr ? 0 : sm->sent();
    }
    return false;
  });
  if (!delivered_.empty()) session_->WakeAt(session_->now_ms() + session_->context().limits.cursors_ms);
}

void DirectMessages::OnCursor(const im::v1::CursorMoved& moved) {
  if (asked_.empty() || moved.person_id() == session_->person_id() || !moved.conversation_id().starts_with("d:"))
    return;
  const std::string from = session_->context().JidOf(moved.person_id());
  if (from.empty()) return;
  auto tell = [&](const Asked& asked, bool receipt) {
    std::string stanza;
    XmlWriter writer(&stanza);
    StartStanza(&writer, "message", {.type = "chat", .from = from, .to = session_->jid().full(), .id = {}});
    if (receipt) {
      AddReceipt(&writer, asked.stanza_id);
    } else {
      AddMarker(&writer, Marker::kDisplayed, asked.stanza_id);
    }
    writer.End();
    session_->Send(std::move(stanza));
  };
  const Asked* displayed = nullptr;  // a marker stands for all before it
  for (Asked& asked : asked_) {
    if (session_->over()) return;
    if (asked.conversation_id != moved.conversation_id()) continue;
    if (asked.receipt && asked.seq <= std::max(moved.delivered_seq(), moved.read_seq())) {
      tell(asked, true);
      asked.receipt = false;
    }
    if (asked.marker && asked.seq <= moved.read_seq()) displayed = &asked;
  }
  if (displayed != nullptr && !session_->over()) tell(*displayed, false);
  std::erase_if(asked_, [&](const Asked& asked) {
    return asked.conversation_id == moved.conversation_id() && !asked.receipt &&
           (!asked.marker || asked.seq <= moved.read_seq());
  });
}

void DirectMessages::OnTyping(const im::v1::TypingChanged& typing) {
  const std::string from = session_->context().JidOf(typing.person_id());
  if (from.empty() || !session_->contacts().available()) return;
  std::string stanza;
  XmlWriter writer(&stanza);
  StartStanza(&writer, "message", {.type = "chat", .from = from, .to = session_->jid().full(), .id = {}});
  AddChatState(&writer, typing.active() ? ChatState::kComposing : ChatState::kPaused);
  writer.End();
  session_->Send(std::move(stanza));
}

}  // namespace yizhan::edge::xmpp
