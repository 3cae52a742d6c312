// Rooms (XEP-0045): what a client asks of one, and the presences and notices that it gets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "base/status.h"

namespace yizhan::edge::xmpp {

class Element;
class XmlWriter;

// Status codes that we send (XEP-0045 section 15.6.2).
inline constexpr uint16_t kMucNonAnonymous = 100;
inline constexpr uint16_t kMucConfigurationChanged = 104;
inline constexpr uint16_t kMucSelf = 110;
inline constexpr uint16_t kMucLogged = 170;
inline constexpr uint16_t kMucCreated = 201;
inline constexpr uint16_t kMucNickAssigned = 210;
inline constexpr uint16_t kMucBanned = 301;
inline constexpr uint16_t kMucNickChanged = 303;
inline constexpr uint16_t kMucKicked = 307;
inline constexpr uint16_t kMucNoLongerMember = 321;
inline constexpr uint16_t kMucShutdown = 332;

struct MucOccupant {
  std::string_view affiliation;  // "owner", "admin", "member", "none", "outcast"
  std::string_view role;         // "moderator", "participant", "visitor", "none"
  std::string_view jid;          // the real JID; empty where the reader may not know it
};

// One occupant's presence.
struct MucPresence {
  std::string_view from;  // room@service/nick
  std::string_view to;    // may be empty
  bool available = true;
  MucOccupant occupant;
  absl::Span<const uint16_t> codes = {};
  std::string_view new_nick = {};  // with kMucNickChanged
  std::string_view reason = {};    // for a kick or ban
  std::string_view show = {};      // "away", "chat", "dnd", "xa"
  std::string_view status = {};    // in words
  std::string_view id = {};        // of the presence that is answered
};
void AppendMucPresence(const MucPresence& presence, std::string* out);

// <message type='groupchat'><subject/>: ends a join. `text` may be empty, the element is there all the same.
void AppendMucSubject(std::string_view from, std::string_view to, std::string_view text, std::optional<int64_t> micros,
                      std::string* out);
// <message type='groupchat'> with status codes: the room's configuration has changed.
void AppendMucNotice(std::string_view room, std::string_view to, absl::Span<const uint16_t> codes, std::string* out);
// Opens <x xmlns='…muc#user'> with its codes; the caller ends it.
void StartMucUser(XmlWriter* writer, absl::Span<const uint16_t> codes);

// <presence to='room/nick'><x xmlns='http://jabber.org/protocol/muc'>.
struct MucJoin {
  std::string password;
  // How much history is wanted; absent: as the room likes.
  std::optional<uint32_t> max_stanzas, max_chars, seconds;
  std::optional<int64_t> since_us;
};
// Null-like absence when the presence is not a join. InvalidArgument for history bounds that cannot be read.
absl::StatusOr<std::optional<MucJoin>> ParseMucJoin(const Element& presence);

}  // namespace yizhan::edge::xmpp
