// What hangs on a message: ids, delays, receipts, markers, chat states, carbons. Each Add… writes one child into a
// message that was opened with StartStanza.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "edge/xmpp/stanza.h"

namespace yizhan::edge::xmpp {

// XEP-0359. `by` is the bare JID of the archive that gave the id. A client's <stanza-id by='us'/> must be stripped.
void AddStanzaId(XmlWriter* writer, std::string_view id, std::string_view by);
void AddOriginId(XmlWriter* writer, std::string_view id);
// XEP-0203; `from` is who delayed it, may be empty.
void AddDelay(XmlWriter* writer, int64_t micros, std::string_view from);
// XEP-0184: asks for a receipt, and is one for the message `id`.
void AddReceiptRequest(XmlWriter* writer);
void AddReceipt(XmlWriter* writer, std::string_view id);

// XEP-0333.
enum class Marker : uint8_t { kMarkable, kReceived, kDisplayed, kAcknowledged };
void AddMarker(XmlWriter* writer, Marker marker, std::string_view id);

// XEP-0085.
enum class ChatState : uint8_t { kActive, kComposing, kPaused, kInactive, kGone };
void AddChatState(XmlWriter* writer, ChatState state);

// What a client's message carries of these; views into the element.
struct MessageMarks {
  std::optional<ChatState> chat_state;
  bool receipt_requested = false;
  std::string_view receipt_for;  // a XEP-0184 receipt: the message's id
  std::optional<Marker> marker;
  std::string_view marker_for;
  std::string_view origin_id;
  std::string_view replaces;  // XEP-0308
  bool is_private = false;    // XEP-0280: not to be copied to other devices
  bool no_store = false;      // XEP-0334 no-store or no-permanent-store
};
MessageMarks ParseMarks(const Element& message);

// XEP-0280. A wrapper from the account's bare JID to one of its sessions around a copy of a message:
//   StartCarbon(&writer, Carbon::kSent, bare, full); StartStanza(&writer, "message", ...); ...; writer.End();
//   EndCarbon(&writer);
// The namespace of the inner message is declared by itself. A carbon that a client sends is forged: drop it.
enum class Carbon : uint8_t { kSent, kReceived };
void StartCarbon(XmlWriter* writer, Carbon carbon, std::string_view account, std::string_view to);
void EndCarbon(XmlWriter* writer);
bool IsCarbon(const Element& message);

// XEP-0030.
struct Identity {
  std::string_view category, type, name;
};
struct DiscoItem {
  std::string_view jid, node, name;
};
struct DataForm;
// The <query/> of a result; `features` are namespaces. `form` may be null.
void AddDiscoInfo(XmlWriter* writer, std::string_view node, absl::Span<const Identity> identities,
                  absl::Span<const std::string_view> features, const DataForm* form);
void AddDiscoItems(XmlWriter* writer, std::string_view node, absl::Span<const DiscoItem> items);

// XEP-0199: <iq type='get'><ping/></iq>.
void AppendPing(std::string_view from, std::string_view to, std::string_view id, std::string* out);

}  // namespace yizhan::edge::xmpp
