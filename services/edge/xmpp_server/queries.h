// <iq/>: what a client asks of the server, of a room or about a person.
#pragma once

#include <string>

#include "edge/xmpp/element.h"
#include "edge/xmpp_server/xmpp_context.h"

namespace yizhan::edge::xmpp {

class XmppSession;

// Answers an iq of the session's client, now or when the services have answered; what is not offered is refused. Answers to the
// server's own questions are taken note of.
void OnQuery(XmppSession* session, const Element& iq, const Address& to);

// The beginning of an iq's result whose content is known later: append that, and "</iq>".
std::string OpenResult(const Element& iq);

// XEP-0313, for the account's archive or a room's (`to`). In archive_query.cc.
void OnArchiveQuery(XmppSession* session, const Element& iq, const Address& to);

// XEP-0030. In disco.cc.
void OnDiscoInfo(XmppSession* session, const Element& iq, const Address& to);
void OnDiscoItems(XmppSession* session, const Element& iq, const Address& to);

}  // namespace yizhan::edge::xmpp
