// Messages as stanzas. Everything that many sessions get is written once, without its addressee (RFC 6120 section 8.1.1.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "edge/xmpp_server/xmpp_context.h"
#include "yizhan/im/v1/conversation.pb.h"

namespace yizhan::edge::xmpp {

// The client's id of a message that came by XMPP carries its stanza's id, so that receipts, reflections and corrections find it:
//   "x:" scope ":" stanza id     once in a stream: `scope` names the session and counts its messages
//   "o:" stanza id               of a client that makes its ids unique for all time (XEP-0359 origin-id): a retry is recognised
// `origin`: the stanza's origin-id, may be empty. Ids too long for the contract are left out.
std::string ClientIdOf(std::string_view scope, std::string_view stanza_id, std::string_view origin_id);
// The stanza id of a message: as its XMPP sender gave it, else the client's id as it is.
std::string_view StanzaIdOf(const im::v1::Message& message);

// "d:A:B": the two, else nullopt.
struct DirectPair {
  std::string_view first, second;
  std::string_view Other(std::string_view person_id) const { return first == person_id ? second : first; }
};
std::optional<DirectPair> ParseDirect(std::string_view conversation_id);
std::string DirectId(std::string_view a, std::string_view b);

// "g:HANDLE" and back; empty when it is not one.
std::string_view HandleOf(std::string_view conversation_id);
std::string RoomJid(const XmppContext& context, std::string_view conversation_id);

// Whether it is a message with text, as opposed to a notice or one whose content is shredded.
bool HasText(const im::v1::Message& message);

// A direct message, for the sessions of its recipient. Asks for receipt and marker. Empty for what has no text.
std::string DirectStanza(const XmppContext& context, const im::v1::Message& message);
// A group's message, for all occupants.
std::string GroupStanza(const XmppContext& context, const im::v1::Message& message);
// With the time and to one reader: what waited for them, a room's history. `delay_from`: who kept it.
std::string DelayedStanza(const XmppContext& context, const im::v1::Message& message, std::string_view delay_from);
// A copy for another device of the sender.
std::string SentCarbon(const XmppContext& context, const im::v1::Message& message, std::string_view account, std::string_view to);
// Appends one result of an archive query. `archive`: the room, or empty for the account's own.
void AppendArchived(const XmppContext& context, const im::v1::Message& message, std::string_view archive, std::string_view to,
                    std::string_view queryid, std::string* out);

}  // namespace yizhan::edge::xmpp
