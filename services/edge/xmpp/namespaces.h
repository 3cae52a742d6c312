// The namespaces that we speak, each under the name of its specification.
#pragma once

#include <string_view>

namespace yizhan::edge::xmpp::ns {

// RFC 6120, 6121, 7395.
inline constexpr std::string_view kXml = "http://www.w3.org/XML/1998/namespace";
inline constexpr std::string_view kStream = "http://etherx.jabber.org/streams";
inline constexpr std::string_view kClient = "jabber:client";
inline constexpr std::string_view kStreamErrors = "urn:ietf:params:xml:ns:xmpp-streams";
inline constexpr std::string_view kStanzaErrors = "urn:ietf:params:xml:ns:xmpp-stanzas";
inline constexpr std::string_view kTls = "urn:ietf:params:xml:ns:xmpp-tls";
inline constexpr std::string_view kSasl = "urn:ietf:params:xml:ns:xmpp-sasl";
inline constexpr std::string_view kBind = "urn:ietf:params:xml:ns:xmpp-bind";
inline constexpr std::string_view kSession = "urn:ietf:params:xml:ns:xmpp-session";
inline constexpr std::string_view kFraming = "urn:ietf:params:xml:ns:xmpp-framing";
inline constexpr std::string_view kRoster = "jabber:iq:roster";
inline constexpr std::string_view kRosterVersioning = "urn:xmpp:features:rosterver";
inline constexpr std::string_view kPreApproval = "urn:xmpp:features:pre-approval";

inline constexpr std::string_view kDataForms = "jabber:x:data";                            // XEP-0004
inline constexpr std::string_view kLastActivity = "jabber:iq:last";                        // XEP-0012
inline constexpr std::string_view kDiscoInfo = "http://jabber.org/protocol/disco#info";    // XEP-0030
inline constexpr std::string_view kDiscoItems = "http://jabber.org/protocol/disco#items";  // XEP-0030
inline constexpr std::string_view kMuc = "http://jabber.org/protocol/muc";                 // XEP-0045
inline constexpr std::string_view kMucUser = "http://jabber.org/protocol/muc#user";        // XEP-0045
inline constexpr std::string_view kMucAdmin = "http://jabber.org/protocol/muc#admin";      // XEP-0045
inline constexpr std::string_view kMucOwner = "http://jabber.org/protocol/muc#owner";      // XEP-0045
inline constexpr std::string_view kPrivateStorage = "jabber:iq:private";                   // XEP-0049
inline constexpr std::string_view kVCardTemp = "vcard-temp";                               // XEP-0054
inline constexpr std::string_view kRsm = "http://jabber.org/protocol/rsm";                 // XEP-0059
inline constexpr std::string_view kPubSub = "http://jabber.org/protocol/pubsub";           // XEP-0060
inline constexpr std::string_view kChatStates = "http://jabber.org/protocol/chatstates";   // XEP-0085
inline constexpr std::string_view kVersion = "jabber:iq:version";                          // XEP-0092
inline constexpr std::string_view kCaps = "http://jabber.org/protocol/caps";               // XEP-0115
inline constexpr std::string_view kReceipts = "urn:xmpp:receipts";                         // XEP-0184
inline constexpr std::string_view kBlocking = "urn:xmpp:blocking";                         // XEP-0191
inline constexpr std::string_view kSm = "urn:xmpp:sm:3";                                   // XEP-0198
inline constexpr std::string_view kPing = "urn:xmpp:ping";                                 // XEP-0199
inline constexpr std::string_view kTime = "urn:xmpp:time";                                 // XEP-0202
inline constexpr std::string_view kDelay = "urn:xmpp:delay";                               // XEP-0203
inline constexpr std::string_view kDirectInvite = "jabber:x:conference";                   // XEP-0249
inline constexpr std::string_view kCarbons = "urn:xmpp:carbons:2";                         // XEP-0280
inline constexpr std::string_view kForward = "urn:xmpp:forward:0";                         // XEP-0297
inline constexpr std::string_view kReplace = "urn:xmpp:message-correct:0";                 // XEP-0308
inline constexpr std::string_view kMam = "urn:xmpp:mam:2";                                 // XEP-0313
inline constexpr std::string_view kMamExtended = "urn:xmpp:mam:2#extended";                // XEP-0313
inline constexpr std::string_view kMarkers = "urn:xmpp:chat-markers:0";                    // XEP-0333
inline constexpr std::string_view kHints = "urn:xmpp:hints";                               // XEP-0334
inline constexpr std::string_view kClientState = "urn:xmpp:csi:0";                         // XEP-0352
inline constexpr std::string_view kStanzaId = "urn:xmpp:sid:0";                            // XEP-0359

}  // namespace yizhan::edge::xmpp::ns
