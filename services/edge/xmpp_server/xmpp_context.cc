#include "edge/xmpp_server/xmpp_context.h"

#include "edge/xmpp/jid.h"
#include "edge/xmpp_server/text.h"

namespace yizhan::edge::xmpp {
namespace {

bool IsPlain(std::string_view text) {
  for (char c : text) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_')) return false;
  }
  return true;
}

Address PlaceOf(const XmppContext& context, std::string_view local, std::string_view domain,
                std::string_view resource) {
  Address address{Place::kElsewhere, local, resource};
  if (domain == context.domain) {
    address.place = local.empty() ? Place::kServer : Place::kPerson;
  } else if (domain == context.groups_domain) {
    address.place = local.empty() ? Place::kGroups : Place::kRoom;
  }
  return address;
}

}  // namespace

XmppMetrics::XmppMetrics()
    : stanzas_in(metrics::GetCounter("yizhan_xmpp_stanzas_received_total", "Stanzas from clients.")),
      messages_in(metrics::GetCounter("yizhan_xmpp_messages_received_total", "Messages with a body from clients.")),
      messages_out(
          metrics::GetCounter("yizhan_xmpp_messages_sent_total", "Messages written to clients, each session counted.")),
      errors_out(metrics::GetCounter("yizhan_xmpp_stanza_errors_total", "Stanzas answered with an error.")),
      offline_out(metrics::GetCounter("yizhan_xmpp_offline_messages_total",
                                      "Messages handed over that had waited for their recipient.")),
      resumed(metrics::GetCounter("yizhan_xmpp_resumed_total", "Sessions that went on over a new stream.")),
      detached(metrics::GetCounter("yizhan_xmpp_detached_total", "Sessions that lost their stream and were kept.")),
      slow(metrics::GetCounter("yizhan_xmpp_slow_consumers_total",
                               "Streams ended because their client reads too slowly.")),
      dropped(metrics::GetCounter("yizhan_xmpp_dropped_stanzas_total",
                                  "Stanzas from clients that are passed over: errors, answers nobody asked for.")) {}

Address ParseAddress(const XmppContext& context, std::string_view jid, std::string* storage) {
  if (jid.empty()) return {};
  const size_t slash = jid.find('/');
  std::string_view bare = jid.substr(0, slash);
  std::string_view resource = slash == std::string_view::npos ? std::string_view() : jid.substr(slash + 1);
  const size_t at = bare.find('@');
  std::string_view local = at == std::string_view::npos ? std::string_view() : bare.substr(0, at);
  std::string_view domain = at == std::string_view::npos ? bare : bare.substr(at + 1);
  const bool whole =
      (slash == std::string_view::npos || !resource.empty()) && (at == std::string_view::npos || !local.empty());
  if (whole && resource.size() <= Jid::kMaxPart && local.size() <= 64 && IsPlain(local) &&
      (domain == context.domain || domain == context.groups_domain)) {
    return PlaceOf(context, local, domain, resource);
  }
  auto parsed = Jid::Parse(jid);
  if (!parsed.ok()) return {};
  *storage = parsed->full();
  std::string_view text = *storage;
  const size_t local_size = parsed->local().size();
  const size_t domain_begin = local_size == 0 ? 0 : local_size + 1;
  const size_t bare_size = parsed->bare().size();
  return PlaceOf(context, text.substr(0, local_size), text.substr(domain_begin, bare_size - domain_begin),
                 bare_size == text.size() ? std::string_view() : text.substr(bare_size + 1));
}

std::string XmppContext::JidOf(std::string_view person_id) const {
  std::string jid = people->LoginOf(person_id);
  if (jid.empty()) return jid;
  jid.reserve(jid.size() + 1 + domain.size());
  jid.push_back('@');
  jid.append(domain);
  return jid;
}

std::string XmppContext::SenderJidOf(std::string_view person_id) const {
  std::string jid = JidOf(person_id);
  return jid.empty() ? Cat(person_id, "@", domain) : jid;
}

std::string XmppContext::LoginOf(std::string_view jid) const {
  std::string storage;
  const Address address = ParseAddress(*this, jid, &storage);
  return address.place == Place::kPerson ? std::string(address.local) : std::string();
}

}  // namespace yizhan::edge::xmpp
