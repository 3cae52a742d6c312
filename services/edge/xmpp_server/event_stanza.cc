#include "edge/xmpp_server/event_stanza.h"

#include "edge/xmpp/archive.h"
#include "edge/xmpp/extensions.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/timestamp.h"
#include "edge/xmpp/xml_writer.h"
#include "edge/xmpp_server/text.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr size_t kMaxClientId = 128;

// Who sent a direct message, and who gets it.
struct Ends {
  std::string from, to;
};
Ends EndsOf(const XmppContext& context, const im::v1::Message& message) {
  Ends ends{context.SenderJidOf(message.sender_id()), {}};
  if (auto pair = ParseDirect(message.conversation_id()))
    ends.to = context.SenderJidOf(pair->Other(message.sender_id()));
  return ends;
}

// "room@groups/nick".
std::string OccupantJid(const XmppContext& context, const im::v1::Message& message, std::string_view room) {
  std::string login = context.people->LoginOf(message.sender_id());
  return Cat(room, "/", login.empty() ? message.sender_id() : login);
}

void AppendHead(std::string_view type, std::string_view from, std::string_view to, std::string_view id,
                std::string* out) {
  Append(out, "<message type='", type, "' from='", from);
  if (!to.empty()) Append(out, "' to='", to);
  out->append("' id='");
  AppendEscaped(id, out);
  out->append("'>");
}

void AppendBody(const im::v1::Message& message, std::string* out) {
  out->append("<body>");
  AppendEscapedText(message.content().text(), out);
  out->append("</body>");
}

void AppendId(const im::v1::Message& message, std::string_view by, std::string* out) {
  Append(out, "<stanza-id xmlns='urn:xmpp:sid:0' id='", message.message_id(), "' by='", by, "'/>");
}

void AppendTime(const im::v1::Message& message, std::string_view from, std::string* out) {
  Append(out, "<delay xmlns='urn:xmpp:delay' from='", from, "' stamp='");
  AppendTimestamp(message.time_us(), out);
  out->append("'/>");
}

constexpr std::string_view kAsks = "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>";
constexpr std::string_view kEnd = "</message>";

// The copy that stands inside of <forwarded/>: in a namespace of its own.
void AppendForwarded(const XmppContext& context, const im::v1::Message& message, std::string* out) {
  const bool direct = message.conversation_id().starts_with("d:");
  std::string from, to, room;
  if (direct) {
    Ends ends = EndsOf(context, message);
    from = std::move(ends.from);
    to = std::move(ends.to);
  } else {
    room = RoomJid(context, message.conversation_id());
    from = OccupantJid(context, message, room);
  }
  Append(out, "<message xmlns='jabber:client' type='", direct ? "chat" : "groupchat", "' from='", from);
  if (!to.empty()) Append(out, "' to='", to);
  out->append("' id='");
  AppendEscaped(StanzaIdOf(message), out);
  out->append("'>");
  AppendBody(message, out);
  if (!direct) AppendId(message, room, out);
  out->append(kEnd);
}

}  // namespace

std::string ClientIdOf(std::string_view scope, std::string_view stanza_id, std::string_view origin_id) {
  if (!origin_id.empty() && origin_id == stanza_id && stanza_id.size() + 2 <= kMaxClientId) return Cat("o:", stanza_id);
  if (scope.size() + 3 + stanza_id.size() > kMaxClientId) stanza_id = {};
  return Cat("x:", scope, ":", stanza_id);
}

std::string_view StanzaIdOf(const im::v1::Message& message) {
  std::string_view id = message.client_id();
  if (id.starts_with("o:")) return id.substr(2);
  if (!id.starts_with("x:")) return id;
  const size_t colon = id.find(':', 2);
  if (colon == std::string_view::npos || colon + 1 == id.size()) return id;
  return id.substr(colon + 1);
}

std::optional<DirectPair> ParseDirect(std::string_view id) {
  if (!id.starts_with("d:")) return std::nullopt;
  id.remove_prefix(2);
  const size_t colon = id.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return DirectPair{id.substr(0, colon), id.substr(colon + 1)};
}

std::string DirectId(std::string_view a, std::string_view b) {
  return a <= b ? Cat("d:", a, ":", b) : Cat("d:", b, ":", a);
}

std::string_view HandleOf(std::string_view conversation_id) {
  return conversation_id.starts_with("g:") ? conversation_id.substr(2) : std::string_view();
}

std::string RoomJid(const XmppContext& context, std::string_view conversation_id) {
  return Cat(HandleOf(conversation_id), "@", context.groups_domain);
}

bool HasText(const im::v1::Message& message) { return message.content().kind_case() == im::v1::Content::kText; }

std::string DirectStanza(const XmppContext& context, const im::v1::Message& message) {
  std::string out;
  if (!HasText(message)) return out;
  Ends ends = EndsOf(context, message);
  out.reserve(384 + message.content().text().size());
  AppendHead("chat", ends.from, {}, StanzaIdOf(message), &out);
  AppendBody(message, &out);
  out.append(kAsks);
  AppendId(message, ends.to, &out);
  out.append(kEnd);
  return out;
}

std::string GroupStanza(const XmppContext& context, const im::v1::Message& message) {
  std::string out;
  if (!HasText(message)) return out;
  const std::string room = RoomJid(context, message.conversation_id());
  out.reserve(256 + message.content().text().size());
  AppendHead("groupchat", OccupantJid(context, message, room), {}, StanzaIdOf(message), &out);
  AppendBody(message, &out);
  AppendId(message, room, &out);
  out.append(kEnd);
  return out;
}

std::string DelayedStanza(const XmppContext& context, const im::v1::Message& message, std::string_view delay_from) {
  std::string out;
  if (!HasText(message)) return out;
  const bool direct = message.conversation_id().starts_with("d:");
  if (direct) {
    Ends ends = EndsOf(context, message);
    AppendHead("chat", ends.from, {}, StanzaIdOf(message), &out);
    AppendBody(message, &out);
    out.append(kAsks);
    AppendId(message, ends.to, &out);
  } else {
    const std::string room = RoomJid(context, message.conversation_id());
    AppendHead("groupchat", OccupantJid(context, message, room), {}, StanzaIdOf(message), &out);
    AppendBody(message, &out);
    AppendId(message, room, &out);
  }
  AppendTime(message, delay_from, &out);
  out.append(kEnd);
  return out;
}

std::string SentCarbon(const XmppContext& context, const im::v1::Message& message, std::string_view account,
                       std::string_view to) {
  std::string out;
  if (!HasText(message)) return out;
  XmlWriter writer(&out);
  StartCarbon(&writer, Carbon::kSent, account, to);
  std::string inner;
  AppendForwarded(context, message, &inner);
  writer.Raw(inner);
  EndCarbon(&writer);
  return out;
}

void AppendArchived(const XmppContext& context, const im::v1::Message& message, std::string_view archive,
                    std::string_view to, std::string_view queryid, std::string* out) {
  out->append("<message");
  if (!archive.empty()) Append(out, " from='", archive, "'");
  out->append(" to='");
  AppendEscaped(to, out);
  out->append("'><result xmlns='urn:xmpp:mam:2'");
  if (!queryid.empty()) {
    out->append(" queryid='");
    AppendEscaped(queryid, out);
    out->append("'");
  }
  Append(out, " id='", message.message_id(),
         "'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='");
  AppendTimestamp(message.time_us(), out);
  out->append("'/>");
  AppendForwarded(context, message, out);
  out->append("</forwarded></result></message>");
}

}  // namespace yizhan::edge::xmpp
