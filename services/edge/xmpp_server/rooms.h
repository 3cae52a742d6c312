// One session's groups, as rooms (XEP-0045): joining makes a member of an open group, leaving only stops the session's listening.
// Nicknames are log-in names. Beyond 200 members nobody is told of the others' presence.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "edge/session_router.h"
#include "edge/xmpp/element.h"
#include "edge/xmpp/muc.h"
#include "yizhan/im/v1/conversation.pb.h"
#include "yizhan/im/v1/live.pb.h"

namespace yizhan::edge::xmpp {

class XmppSession;
struct Address;

class Rooms {
 public:
  explicit Rooms(XmppSession* session);
  ~Rooms();

  // Presence to room/nick: join, leave, or a change of one's own.
  void OnPresence(const Element& presence, const Address& to);
  // Messages to a room, or to one occupant.
  void OnStanza(const Element& message, const Address& to);

  // What happened in a group.
  void OnMessage(const std::shared_ptr<const Event>& event, const im::v1::Message& message);
  void OnTyping(const im::v1::TypingChanged& typing);
  // This person became a member, or is none any more.
  void OnJoined(const im::v1::Conversation& conversation);
  void OnLeft(std::string_view conversation_id);
  // A person's reachability changed: the occupants of small rooms hear of it.
  void OnPresence(const im::v1::Presence& presence);
  // Events may have been lost: fetches what the rooms have said since.
  void CatchUp();
  // The client went offline.
  void LeaveAll();

  bool IsIn(std::string_view handle) const;
  // People whose presence the rooms need; appended to `ids`, at most `limit` in all.
  void AddWatched(std::vector<std::string>* ids, size_t limit) const;

 private:
  struct Room;

  Room* Find(std::string_view handle) const;
  Room* FindConversation(std::string_view conversation_id) const;
  Room* FindSerial(uint64_t serial) const;
  void Remove(const Room* room);
  std::string JidOf(const Room& room) const;
  bool small(const Room& room) const;

  // Steps of a join (room_join.cc), each begun by the answer of the one before.
  void Join(const Element& presence, std::string_view handle, std::string_view nick, MucJoin wish);
  void AddSelf(Room* room);
  void Create(Room* room);
  void Look(Room* room);
  void Know(Room* room, const im::v1::Conversation& conversation);
  void LoadMembers(Room* room);
  void LoadPresence(Room* room);
  void LoadHistory(Room* room);
  void DeliverWaiting(Room* room);
  // After a broken link: pages of what was said since.
  void Refill(Room* room);
  void Complete(Room* room, const std::vector<im::v1::Message>& history);
  void Fail(Room* room, const absl::Status& why);

  void TellSelf(const Room& room, std::string_view presence_id, absl::Span<const uint16_t> codes, bool available);
  void TellOccupant(const Room& room, std::string_view person_id, const im::v1::Presence* presence, bool available);
  void TellSubject(const Room& room);
  void Deliver(Room* room, const std::shared_ptr<const Event>& event, const im::v1::Message& message);
  void OnNotice(Room* room, const im::v1::Message& message);
  void Rename(const Element& message, const Room& room, std::string_view title);
  void Invite(const Element& message, const Room& room, const Element& invite);
  void MarkRead(const Room& room, std::string_view message_id);

  XmppSession* const session_;
  std::vector<std::unique_ptr<Room>> rooms_;
  uint64_t serials_ = 0;
};

}  // namespace yizhan::edge::xmpp
