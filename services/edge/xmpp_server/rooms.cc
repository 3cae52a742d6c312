#include "edge/xmpp_server/rooms.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "edge/xmpp/extensions.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/stanza.h"
#include "edge/xmpp_server/event_stanza.h"
#include "edge/xmpp_server/room.h"
#include "edge/xmpp_server/text.h"
#include "edge/xmpp_server/xmpp_session.h"
#include "yizhan/im/v1/conversation_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr char kSetTyping[] = "/yizhan.im.v1.MessageService/SetTyping";
constexpr char kMoveCursor[] = "/yizhan.im.v1.MessageService/MoveCursor";
constexpr char kListArchive[] = "/yizhan.im.v1.MessageService/ListArchive";
constexpr char kRenameGroup[] = "/yizhan.im.v1.ConversationService/RenameGroup";
constexpr char kAddMembers[] = "/yizhan.im.v1.ConversationService/AddMembers";
constexpr size_t kMaxWaiting = 1'000;
constexpr size_t kMaxUnsent = 64;
constexpr char kNotInside[] = "you are not in this room";
constexpr uint16_t kKickedCodes[] = {kMucSelf, kMucNoLongerMember};

}  // namespace

Rooms::Rooms(XmppSession* session) : session_(session) {}
Rooms::~Rooms() = default;

bool Rooms::IsIn(std::string_view handle) const { return Find(handle) != nullptr; }

Rooms::Room* Rooms::Find(std::string_view handle) const {
  for (const auto& room : rooms_) {
    if (room->handle() == handle) return room.get();
  }
  return nullptr;
}
Rooms::Room* Rooms::FindConversation(std::string_view conversation_id) const {
  for (const auto& room : rooms_) {
    if (room->conversation_id == conversation_id) return room.get();
  }
  return nullptr;
}
Rooms::Room* Rooms::FindSerial(uint64_t serial) const {
  for (const auto& room : rooms_) {
    if (room->serial == serial && room->joining != nullptr) return room.get();
  }
  return nullptr;
}
void Rooms::Remove(const Room* room) {
  std::vector<Room::Unsent> unsent;
  if (room->joining != nullptr) unsent.swap(room->joining->unsent);
  std::erase_if(rooms_, [room](const auto& one) { return one.get() == room; });
  for (const Room::Unsent& one : unsent) {
    session_->RefuseHead(one.head, absl::FailedPreconditionError(kNotInside));
    if (session_->over()) return;
    session_->Handled(one.ticket);
  }
}
std::string Rooms::JidOf(const Room& room) const { return RoomJid(session_->context(), room.conversation_id); }
bool Rooms::small(const Room& room) const { return room.member_count <= session_->context().limits.present_occupants; }

// --- from the client

void Rooms::OnPresence(const Element& presence, const Address& to) {
  const std::string_view type = presence.attr("type");
  if (type == "unavailable") {
    if (Room* room = Find(to.local)) {
      const uint16_t codes[] = {kMucSelf};
      TellSelf(*room, presence.attr("id"), codes, false);
      Remove(room);
      session_->contacts().WatchSoon();
    }
    return;
  }
  if (!type.empty()) return session_->Refuse(presence, StanzaCondition::kBadRequest, "a room understands joining and leaving");
  if (to.resource.empty()) return session_->Refuse(presence, StanzaCondition::kJidMalformed, "a nickname is missing: room@service/nick");
  auto join = ParseMucJoin(presence);
  if (!join.ok()) return session_->Refuse(presence, join.status());
  Room* room = Find(to.local);
  if (*join || room == nullptr) return Join(presence, to.local, to.resource, join->value_or(MucJoin()));
  if (!room->entered) return;
  if (to.resource != session_->jid().local()) {
    return session_->Refuse(presence, StanzaCondition::kNotAcceptable, "nicknames are log-in names here");
  }
  const uint16_t codes[] = {kMucNonAnonymous, kMucSelf};
  TellSelf(*room, presence.attr("id"), codes, true);
}

void Rooms::OnStanza(const Element& message, const Address& to) {
  Room* room = Find(to.local);
  const bool entering = room != nullptr && !room->entered;
  const std::string_view body = message.ChildText(ns::kClient, "body");
  if (room == nullptr || (entering && (body.empty() || room->joining->unsent.size() >= kMaxUnsent))) {
    return session_->Refuse(message, StanzaCondition::kNotAcceptable, kNotInside);
  }
  if (!to.resource.empty()) {
    return session_->Refuse(message, StanzaCondition::kServiceUnavailable, "write to the person, not to the occupant");
  }
  if (message.attr("type") != "groupchat") {
    const Element* x = message.FindChild(ns::kMucUser, "x");
    const Element* invite = x == nullptr ? nullptr : x->FindChild(ns::kMucUser, "invite");
    if (invite != nullptr) return Invite(message, *room, *invite);
    return session_->Refuse(message, StanzaCondition::kNotAcceptable, "a room takes messages of type groupchat");
  }
  if (!body.empty()) {
    im::v1::SendMessageRequest request;
    request.set_conversation_id(room->conversation_id);
    request.set_client_id(session_->NewClientId(message));
    request.mutable_content()->set_text(std::string(body));
    if (entering) {
      room->joining->unsent.push_back({std::move(request), session_->Defer(), XmppSession::HeadOf(message)});
      return;
    }
    return session_->SendMessage(std::move(request), message, {});
  }
  if (message.FindChild(ns::kClient, "subject") != nullptr) return Rename(message, *room, message.ChildText(ns::kClient, "subject"));
  const MessageMarks marks = ParseMarks(message);
  if (marks.marker == Marker::kDisplayed || marks.marker == Marker::kAcknowledged) return MarkRead(*room, marks.marker_for);
  if (marks.chat_state) {
    im::v1::SetTypingRequest request;
    request.set_conversation_id(room->conversation_id);
    request.set_active(*marks.chat_state == ChatState::kComposing);
    session_->edge().Call(kSetTyping, request.SerializeAsString(), [](absl::StatusOr<std::string>) {});
  }
}

void Rooms::Rename(const Element& message, const Room& room, std::string_view title) {
  im::v1::RenameGroupRequest request;
  request.set_conversation_id(room.conversation_id);
  request.set_title(std::string(title));
  const uint64_t ticket = session_->Defer();
  session_->edge().Call(kRenameGroup, request.SerializeAsString(),
                        [this, ticket, head = XmppSession::HeadOf(message)](absl::StatusOr<std::string> answer) {
                          if (!answer.ok()) session_->RefuseHead(head, answer.status());
                          if (!session_->over()) session_->Handled(ticket);
                        });
}

void Rooms::Invite(const Element& message, const Room& room, const Element& invite) {
  const XmppContext& context = session_->context();
  const std::string person = context.people->IdOf(context.LoginOf(invite.attr("to")));
  if (person.empty()) return session_->Refuse(message, StanzaCondition::kItemNotFound, "there is nobody of this name here");
  im::v1::AddMembersRequest request;
  request.set_conversation_id(room.conversation_id);
  request.add_person_ids(person);
  const uint64_t ticket = session_->Defer();
  // Who becomes a member is told so by the service, on all devices.
  session_->edge().Call(kAddMembers, request.SerializeAsString(),
                        [this, ticket, head = XmppSession::HeadOf(message)](absl::StatusOr<std::string> answer) {
                          if (!answer.ok()) session_->RefuseHead(head, answer.status());
                          if (!session_->over()) session_->Handled(ticket);
                        });
}

void Rooms::MarkRead(const Room& room, std::string_view message_id) {
  // In rooms a marker names the id that the room gave.
  uint64_t id = 0;
  if (!ToNumber(message_id, &id) || id == 0) return;
  im::v1::ListArchiveRequest request;
  request.set_conversation_id(room.conversation_id);
  request.set_before_id(id + 1);
  request.set_newest(true);
  request.set_page_size(1);
  session_->edge().Ask<im::v1::ListArchiveResponse>(
      kListArchive, request, [this, id, conversation = room.conversation_id](absl::StatusOr<im::v1::ListArchiveResponse> page) {
        if (!page.ok() || page->messages_size() != 1 || page->messages(0).message_id() != id) return;
        im::v1::MoveCursorRequest request;
        request.set_conversation_id(conversation);
        request.set_read_seq(page->messages(0).seq());
        session_->edge().Call(kMoveCursor, request.SerializeAsString(), [](absl::StatusOr<std::string>) {});
      });
}

void Rooms::LeaveAll() { rooms_.clear(); }

// --- to the client

void Rooms::OnMessage(const std::shared_ptr<const Event>& event, const im::v1::Message& message) {
  if (message.sender_id() == session_->person_id()) session_->IsOwn(message.client_id());
  Room* room = FindConversation(message.conversation_id());
  if (room == nullptr) return;
  if (room->joining == nullptr) return Deliver(room, event, message);
  if (room->joining->waiting.size() >= kMaxWaiting) {
    if (room->entered) {
      DeliverWaiting(room);
      return session_->over() ? void() : Deliver(room, event, message);
    }
    return Fail(room, absl::UnavailableError("the room is too busy to be joined now"));
  }
  room->joining->waiting.push_back(event);
}

void Rooms::Deliver(Room* room, const std::shared_ptr<const Event>& event, const im::v1::Message& message) {
  room->last_seq = message.seq();
  if (message.has_notice()) return OnNotice(room, message);
  const XmppContext& context = session_->context();
  const std::string& stanza = event->Rendered(Event::kXmppGroup, [&](const Event&) { return GroupStanza(context, message); });
  if (stanza.empty()) return;
  context.metrics.messages_out.Add();
  session_->Send(Stanza(event, &stanza));
}

void Rooms::OnNotice(Room* room, const im::v1::Message& message) {
  const im::v1::Notice& notice = message.notice();
  room->time_us = message.time_us();
  const auto people = static_cast<uint32_t>(notice.person_ids_size());
  switch (notice.kind()) {
    case im::v1::Notice::KIND_JOINED:
      room->member_count += people;
      if (!small(*room)) {
        room->members = {};
        return;
      }
      for (const std::string& person : notice.person_ids()) {
        auto at = std::lower_bound(room->members.begin(), room->members.end(), person);
        if (at == room->members.end() || *at != person) room->members.insert(at, person);
        if (person != session_->person_id()) TellOccupant(*room, person, nullptr, true);
        if (session_->over()) return;
      }
      return session_->contacts().WatchSoon();
    case im::v1::Notice::KIND_LEFT:
      room->member_count -= std::min(room->member_count, people);
      for (const std::string& person : notice.person_ids()) {
        auto at = std::lower_bound(room->members.begin(), room->members.end(), person);
        const bool known = at != room->members.end() && *at == person;
        if (known) room->members.erase(at);
        if (known && person != session_->person_id()) TellOccupant(*room, person, nullptr, false);
        if (session_->over()) return;
      }
      return;
    case im::v1::Notice::KIND_RENAMED:
      room->title = notice.title();
      return TellSubject(*room);
    default:
      return;
  }
}

void Rooms::OnTyping(const im::v1::TypingChanged& typing) {
  Room* room = FindConversation(typing.conversation_id());
  if (room == nullptr || !room->entered) return;
  std::string stanza;
  XmlWriter writer(&stanza);
  StartStanza(&writer, "message",
              {.type = "groupchat",
               .from = Cat(JidOf(*room), "/", session_->context().people->LoginOf(typing.person_id())),
               .to = session_->jid().full(),
               .id = {}});
  AddChatState(&writer, typing.active() ? ChatState::kComposing : ChatState::kPaused);
  writer.End();
  session_->Send(std::move(stanza));
}

void Rooms::OnJoined(const im::v1::Conversation& conversation) {
  if (conversation.kind() != im::v1::Conversation::KIND_GROUP) return;
  if (Room* room = FindConversation(conversation.conversation_id())) {
    if (room->joining != nullptr && !room->entered) Know(room, conversation);
    return;
  }
  if (!session_->contacts().available()) return;
  // Somebody has added this person, or another device has: an invitation, so that the client can join.
  const std::string jid = RoomJid(session_->context(), conversation.conversation_id());
  std::string stanza;
  XmlWriter writer(&stanza);
  StartStanza(&writer, "message", {.type = {}, .from = jid, .to = session_->jid().full(), .id = {}});
  writer.Start("x", ns::kMucUser).Start("invite").Attr("from", session_->context().groups_domain);
  writer.Leaf("reason", conversation.title()).End().End();
  writer.Start("x", ns::kDirectInvite).Attr("jid", jid).AttrIf("reason", conversation.title()).End();
  writer.End();
  session_->Send(std::move(stanza));
}

void Rooms::OnLeft(std::string_view conversation_id) {
  Room* room = FindConversation(conversation_id);
  if (room == nullptr) return;
  TellSelf(*room, {}, kKickedCodes, false);
  Remove(room);
}

void Rooms::OnPresence(const im::v1::Presence& presence) {
  if (presence.person_id() == session_->person_id()) return;
  for (const auto& room : rooms_) {
    if (!room->entered || !std::binary_search(room->members.begin(), room->members.end(), presence.person_id())) continue;
    TellOccupant(*room, presence.person_id(), &presence, presence.show() > im::v1::Presence::SHOW_OFFLINE);
    if (session_->over()) return;
  }
}

void Rooms::TellSelf(const Room& room, std::string_view presence_id, absl::Span<const uint16_t> codes, bool available) {
  const std::string from = Cat(JidOf(room), "/", session_->jid().local());
  MucPresence presence;
  presence.from = from;
  presence.to = session_->jid().full();
  presence.id = presence_id;
  presence.available = available;
  presence.codes = codes;
  presence.occupant.affiliation = room.owner ? "owner" : "member";
  presence.occupant.role = !available ? "none" : room.owner ? "moderator" : "participant";
  presence.occupant.jid = session_->jid().full();
  std::string stanza;
  AppendMucPresence(presence, &stanza);
  session_->Send(std::move(stanza));
}

void Rooms::TellOccupant(const Room& room, std::string_view person_id, const im::v1::Presence* seen, bool available) {
  const std::string login = session_->context().people->LoginOf(person_id);
  if (login.empty()) return;
  const std::string from = Cat(JidOf(room), "/", login);
  const std::string jid = Cat(login, "@", session_->context().domain);
  MucPresence presence;
  presence.from = from;
  presence.to = session_->jid().full();
  presence.available = available;
  presence.occupant = {"member", available ? "participant" : "none", jid};
  if (seen != nullptr && available) {
    presence.show = ShowWord(seen->show());
    presence.status = seen->status();
  }
  std::string stanza;
  AppendMucPresence(presence, &stanza);
  session_->Send(std::move(stanza));
}

void Rooms::TellSubject(const Room& room) {
  std::string stanza;
  AppendMucSubject(JidOf(room), session_->jid().full(), room.title, std::nullopt, &stanza);
  session_->Send(std::move(stanza));
}

void Rooms::AddWatched(std::vector<std::string>* ids, size_t limit) const {
  for (const auto& room : rooms_) {
    for (const std::string& person : room->members) {
      if (ids->size() >= limit) return;
      ids->push_back(person);
    }
  }
}

}  // namespace yizhan::edge::xmpp
