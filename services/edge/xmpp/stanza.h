// The words that a server says: stream, features, errors, and stanzas' heads. Extensions are in extensions.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "edge/xmpp/errors.h"
#include "edge/xmpp/xml_writer.h"

namespace yizhan::edge::xmpp {

class Element;

// XML declaration and <stream:stream ...>; `to` may be empty.
void AppendStreamOpen(std::string_view id, std::string_view from, std::string_view to, std::string* out);
inline constexpr std::string_view kStreamEnd = "</stream:stream>";

// What a stream offers at its present stage.
struct StreamFeatures {
  bool starttls = false;  // required, always: nothing else is offered beside it
  std::vector<std::string> mechanisms;
  bool bind = false;  // with roster versioning, XEP-0198, CSI, and the session element of RFC 3921
};
void AppendStreamFeatures(const StreamFeatures& features, std::string* out);

// <stream:error> and the stream's end. `application` is a well-formed element of its own namespace, or empty.
void AppendStreamError(StreamCondition condition, std::string_view text, std::string_view application,
                       std::string* out);
// With the condition and the message of `status`; a message is shown only for conditions that blame the client.
void AppendStreamError(const absl::Status& status, std::string* out);

// The attributes that stanzas share. Empty ones are left out. RFC 6120 section 8.1.1.1 lets a server leave out `to` to
// a client's own session: leave it out where one text is written to many.
struct StanzaHead {
  std::string_view type, from, to, id;
  std::string_view lang = {};
};
// Opens <message>, <presence> or <iq>, in jabber:client.
void StartStanza(XmlWriter* writer, std::string_view name, const StanzaHead& head);

// <error> inside of a stanza that was opened. `text` may be empty.
void AddStanzaError(XmlWriter* writer, StanzaCondition condition, std::string_view text);
// The answer to a stanza that was refused: same name and id, type "error", addresses exchanged. Appends nothing for
// what must not be answered: errors, and iq results.
void AppendErrorReply(const Element& stanza, StanzaCondition condition, std::string_view text, std::string* out);
void AppendErrorReply(const Element& stanza, const absl::Status& status, std::string* out);

// <iq type='result'> to an iq, addresses exchanged: empty, or to be filled and closed by the caller with End().
void AppendEmptyResult(const Element& iq, std::string* out);
void StartResult(XmlWriter* writer, const Element& iq);

// <iq type='result'><bind>...: which full JID the session has.
void AppendBindResult(const Element& iq, std::string_view full_jid, std::string* out);

}  // namespace yizhan::edge::xmpp
