// How a session comes into a room (XEP-0045 section 7.2), and what it missed there.
#include <algorithm>
#include <utility>

#include "edge/xmpp_server/text.h"
#include "base/status.h"
#include "edge/xmpp/errors.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/stanza.h"
#include "edge/xmpp_server/event_stanza.h"
#include "edge/xmpp_server/room.h"
#include "edge/xmpp_server/xmpp_session.h"
#include "yizhan/im/v1/conversation_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr char kAddMembers[] = "/yizhan.im.v1.ConversationService/AddMembers";
constexpr char kCreateGroup[] = "/yizhan.im.v1.ConversationService/CreateGroup";
constexpr char kGetConversation[] = "/yizhan.im.v1.ConversationService/GetConversation";
constexpr char kListMembers[] = "/yizhan.im.v1.ConversationService/ListMembers";
constexpr char kGetPresence[] = "/yizhan.im.v1.ConversationService/GetPresence";
constexpr char kListMessages[] = "/yizhan.im.v1.MessageService/ListMessages";
constexpr char kListArchive[] = "/yizhan.im.v1.MessageService/ListArchive";
constexpr uint32_t kHistory = 20;
constexpr uint32_t kMaxHistory = 200;

bool IsHandle(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

}  // namespace

void Rooms::Join(const Element& presence, std::string_view handle, std::string_view nick, MucJoin wish) {
  if (!IsHandle(handle)) {
    return session_->Refuse(presence, StanzaCondition::kNotAcceptable, "a room's name is 1 to 64 characters of a-z 0-9 . - _");
  }
  if (Room* again = Find(handle)) Remove(again);  // the client has forgotten: it gets everything anew
  if (rooms_.size() >= session_->context().limits.rooms) {
    return session_->Refuse(presence, StanzaCondition::kResourceConstraint, "too many rooms at once");
  }
  auto room = std::make_unique<Room>();
  room->conversation_id = Cat("g:", handle);
  room->serial = ++serials_;
  room->joining = std::make_unique<Room::Joining>();
  room->joining->wish = std::move(wish);
  room->joining->presence_id = std::string(presence.attr("id"));
  room->joining->nick = std::string(nick);
  rooms_.push_back(std::move(room));
  Room* added = rooms_.back().get();
  return session_->edge().Hears(added->conversation_id) ? Look(added) : AddSelf(added);
}

void Rooms::AddSelf(Room* room) {
  im::v1::AddMembersRequest request;
  request.set_conversation_id(room->conversation_id);
  request.add_person_ids(session_->person_id());
  session_->edge().Call(kAddMembers, request.SerializeAsString(), [this, serial = room->serial](absl::StatusOr<std::string> answer) {
    Room* room = FindSerial(serial);
    if (room == nullptr) return;
    // The event that tells of the membership comes before this answer, and with it what the room is.
    if (answer.ok()) return room->joining->known ? LoadMembers(room) : Look(room);
    // A room that does not exist and one that is not open look alike from outside.
    if (absl::IsNotFound(answer.status()) && !room->joining->tried_to_create) return Create(room);
    Fail(room, answer.status());
  });
}

void Rooms::Create(Room* room) {
  room->joining->tried_to_create = true;
  im::v1::CreateGroupRequest request;
  request.set_title(std::string(room->handle()));
  request.set_handle(std::string(room->handle()));
  request.set_open(true);
  session_->edge().Ask<im::v1::CreateGroupResponse>(
      kCreateGroup, request, [this, serial = room->serial](absl::StatusOr<im::v1::CreateGroupResponse> answer) {
        Room* room = FindSerial(serial);
        if (room == nullptr) return;
        if (answer.ok()) {
          room->joining->created = true;
          Know(room, answer->conversation());
          return LoadMembers(room);
        }
        // Somebody was quicker, or it exists and is not open: the second attempt to join tells.
        if (absl::IsAlreadyExists(answer.status())) return AddSelf(room);
        Fail(room, answer.status());
      });
}

void Rooms::Look(Room* room) {
  im::v1::GetConversationRequest request;
  request.set_conversation_id(room->conversation_id);
  session_->edge().Ask<im::v1::GetConversationResponse>(
      kGetConversation, request, [this, serial = room->serial](absl::StatusOr<im::v1::GetConversationResponse> answer) {
        Room* room = FindSerial(serial);
        if (room == nullptr) return;
        if (!answer.ok()) return Fail(room, answer.status());
        Know(room, answer->conversation());
        LoadMembers(room);
      });
}

void Rooms::Know(Room* room, const im::v1::Conversation& conversation) {
  room->title = conversation.title();
  room->member_count = conversation.member_count();
  room->owner = conversation.role() == im::v1::Member::ROLE_OWNER;
  room->time_us = conversation.last_time_us();
  room->joining->known = true;
}

void Rooms::LoadMembers(Room* room) {
  if (!small(*room)) return LoadHistory(room);
  if (room->joining->created) {
    room->members = {session_->person_id()};
    return LoadHistory(room);
  }
  im::v1::ListMembersRequest request;
  request.set_conversation_id(room->conversation_id);
  request.set_page_size(session_->context().limits.present_occupants);
  session_->edge().Ask<im::v1::ListMembersResponse>(
      kListMembers, request, [this, serial = room->serial](absl::StatusOr<im::v1::ListMembersResponse> answer) {
        Room* room = FindSerial(serial);
        if (room == nullptr) return;
        if (!answer.ok()) return Fail(room, answer.status());
        room->members.clear();
        for (const im::v1::Member& member : answer->members()) room->members.push_back(member.person_id());
        std::sort(room->members.begin(), room->members.end());
        LoadPresence(room);
      });
}

void Rooms::LoadPresence(Room* room) {
  im::v1::GetPresenceRequest request;
  for (const std::string& person : room->members) {
    if (person != session_->person_id()) request.add_person_ids(person);
  }
  if (request.person_ids().empty()) return LoadHistory(room);
  session_->edge().Ask<im::v1::GetPresenceResponse>(
      kGetPresence, request, [this, serial = room->serial](absl::StatusOr<im::v1::GetPresenceResponse> answer) {
        Room* room = FindSerial(serial);
        if (room == nullptr) return;
        if (answer.ok()) {
          for (const im::v1::Presence& presence : answer->presences()) {
            if (presence.show() != im::v1::Presence::SHOW_OFFLINE) TellOccupant(*room, presence.person_id(), &presence, true);
            if (session_->over()) return;
          }
        }
        session_->contacts().WatchSoon();
        LoadHistory(room);
      });
}

void Rooms::LoadHistory(Room* room) {
  const Room::Joining& joining = *room->joining;
  std::vector<uint16_t> codes = {kMucNonAnonymous, kMucSelf, kMucLogged};
  if (joining.created) codes.push_back(kMucCreated);
  if (joining.nick != session_->jid().local()) codes.push_back(kMucNickAssigned);
  TellSelf(*room, joining.presence_id, codes, true);
  room->entered = true;
  if (session_->over()) return;
  for (Room::Unsent& one : std::exchange(room->joining->unsent, {}))
    session_->SendMessage(std::move(one.request), one.ticket, std::move(one.head), {});
  const MucJoin& wish = joining.wish;
  uint32_t wanted = wish.max_stanzas.value_or(wish.since_us || wish.seconds ? kMaxHistory : kHistory);
  if (joining.created || wish.max_chars == 0u || wish.seconds == 0u) wanted = 0;
  if (wanted == 0) return Complete(room, {});
  im::v1::ListArchiveRequest request;
  request.set_conversation_id(room->conversation_id);
  request.set_newest(true);
  request.set_page_size(std::min(wanted, kMaxHistory));
  int64_t start = wish.since_us.value_or(0);
  if (wish.seconds) start = std::max<int64_t>(start, session_->context().clock->NowUs() - int64_t{1'000'000} * *wish.seconds);
  if (start > 0) request.set_start_us(start);
  session_->edge().Ask<im::v1::ListArchiveResponse>(
      kListArchive, request, [this, serial = room->serial](absl::StatusOr<im::v1::ListArchiveResponse> answer) {
        Room* room = FindSerial(serial);
        if (room == nullptr) return;
        std::vector<im::v1::Message> history;
        if (answer.ok()) history.assign(answer->messages().begin(), answer->messages().end());
        Complete(room, history);
      });
}

void Rooms::Complete(Room* room, const std::vector<im::v1::Message>& history) {
  const std::string jid = JidOf(*room);
  size_t first = 0;
  if (room->joining->wish.max_chars) {
    size_t characters = 0;
    for (first = history.size(); first > 0; --first) {
      characters += history[first - 1].content().text().size();
      if (characters > *room->joining->wish.max_chars) break;
    }
  }
  for (size_t i = first; i < history.size(); ++i) {
    room->last_seq = history[i].seq();
    session_->Send(DelayedStanza(session_->context(), history[i], jid));
    if (session_->over()) return;
  }
  TellSubject(*room);
  DeliverWaiting(room);
}

void Rooms::DeliverWaiting(Room* room) {
  auto joining = std::exchange(room->joining, nullptr);
  for (const auto& event : joining->waiting) {
    if (session_->over()) return;
    const im::v1::Message& message = event->parsed().im().message();
    if (message.seq() > room->last_seq) Deliver(room, event, message);
  }
}

void Rooms::CatchUp() {
  for (const auto& room : rooms_) {
    if (room->joining != nullptr || room->last_seq == 0) continue;
    room->joining = std::make_unique<Room::Joining>();
    room->serial = ++serials_;
    Refill(room.get());
  }
}

void Rooms::Refill(Room* room) {
  im::v1::ListMessagesRequest request;
  request.set_conversation_id(room->conversation_id);
  request.set_after_seq(room->last_seq);
  request.set_page_size(kMaxHistory);
  session_->edge().Ask<im::v1::ListMessagesResponse>(
      kListMessages, request, [this, serial = room->serial](absl::StatusOr<im::v1::ListMessagesResponse> page) {
        Room* room = FindSerial(serial);
        if (room == nullptr) return;
        if (!page.ok()) return DeliverWaiting(room);  // the next break or join tries again; the archive has it
        for (const im::v1::Message& message : page->messages()) {
          if (session_->over()) return;
          if (message.seq() <= room->last_seq) continue;
          room->last_seq = message.seq();
          if (message.has_notice()) {
            OnNotice(room, message);
          } else {
            session_->Send(DelayedStanza(session_->context(), message, JidOf(*room)));
          }
        }
        if (session_->over()) return;
        return page->more() && page->messages_size() > 0 ? Refill(room) : DeliverWaiting(room);
      });
}

void Rooms::Fail(Room* room, const absl::Status& why) {
  StanzaCondition condition = StanzaConditionOf(why);
  std::string text(why.message().data(), why.message().size());
  if (absl::IsNotFound(why) || absl::IsPermissionDenied(why)) {
    condition = StanzaCondition::kRegistrationRequired;
    text = "this room is for its members: ask its owner";
  }
  std::string stanza;
  XmlWriter writer(&stanza);
  StartStanza(&writer, "presence",
              {.type = "error",
               .from = Cat(JidOf(*room), "/", room->joining->nick),
               .to = session_->jid().full(),
               .id = room->joining->presence_id});
  writer.Empty("x", ns::kMuc);
  AddStanzaError(&writer, condition, absl::IsInternal(why) ? std::string_view() : std::string_view(text));
  writer.End();
  const uint64_t serial = room->serial;
  session_->Send(std::move(stanza));
  if (!session_->over()) Remove(FindSerial(serial));
}

}  // namespace yizhan::edge::xmpp
