#include "edge/xmpp/extensions.h"

#include <array>

#include "edge/xmpp/data_form.h"
#include "edge/xmpp/element.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/timestamp.h"

namespace yizhan::edge::xmpp {
namespace {
constexpr std::array<std::string_view, 4> kMarkers = {"markable", "received", "displayed", "acknowledged"};
constexpr std::array<std::string_view, 5> kChatStates = {"active", "composing", "paused", "inactive", "gone"};

template <typename Word, size_t kCount>
std::optional<Word> FindWord(const std::array<std::string_view, kCount>& words, std::string_view name) {
  for (size_t i = 0; i < kCount; ++i) {
    if (words[i] == name) return static_cast<Word>(i);
  }
  return std::nullopt;
}
}  // namespace

void AddStanzaId(XmlWriter* writer, std::string_view id, std::string_view by) {
  writer->Start("stanza-id", ns::kStanzaId).Attr("id", id).Attr("by", by).End();
}

void AddOriginId(XmlWriter* writer, std::string_view id) {
  writer->Start("origin-id", ns::kStanzaId).Attr("id", id).End();
}

void AddDelay(XmlWriter* writer, int64_t micros, std::string_view from) {
  writer->Start("delay", ns::kDelay).AttrIf("from", from).Attr("stamp", Timestamp(micros)).End();
}

void AddReceiptRequest(XmlWriter* writer) { writer->Empty("request", ns::kReceipts); }

void AddReceipt(XmlWriter* writer, std::string_view id) {
  writer->Start("received", ns::kReceipts).Attr("id", id).End();
}

void AddMarker(XmlWriter* writer, Marker marker, std::string_view id) {
  writer->Start(kMarkers[static_cast<size_t>(marker)], ns::kMarkers).AttrIf("id", id).End();
}

void AddChatState(XmlWriter* writer, ChatState state) {
  writer->Empty(kChatStates[static_cast<size_t>(state)], ns::kChatStates);
}

MessageMarks ParseMarks(const Element& message) {
  MessageMarks marks;
  for (const Element& child : message.children()) {
    if (child.ns() == ns::kClient) continue;
    if (child.ns() == ns::kChatStates) {
      if (const auto state = FindWord<ChatState>(kChatStates, child.name())) marks.chat_state = state;
    } else if (child.Is(ns::kReceipts, "request")) {
      marks.receipt_requested = true;
    } else if (child.Is(ns::kReceipts, "received")) {
      marks.receipt_for = child.attr("id");
    } else if (child.ns() == ns::kMarkers) {
      if (const auto marker = FindWord<Marker>(kMarkers, child.name())) {
        marks.marker = marker;
        marks.marker_for = child.attr("id");
      }
    } else if (child.Is(ns::kStanzaId, "origin-id")) {
      marks.origin_id = child.attr("id");
    } else if (child.Is(ns::kReplace, "replace")) {
      marks.replaces = child.attr("id");
    } else if (child.Is(ns::kCarbons, "private")) {
      marks.is_private = true;
    } else if (child.ns() == ns::kHints) {
      marks.is_private |= child.name() == "no-copy";
      marks.no_store |= child.name() == "no-store" || child.name() == "no-permanent-store";
    }
  }
  return marks;
}

void StartCarbon(XmlWriter* writer, Carbon carbon, std::string_view account, std::string_view to) {
  StartStanza(writer, "message", {.type = "chat", .from = account, .to = to, .id = {}});
  writer->Start(carbon == Carbon::kSent ? "sent" : "received", ns::kCarbons).Start("forwarded", ns::kForward);
}

void EndCarbon(XmlWriter* writer) { writer->End().End().End(); }

bool IsCarbon(const Element& message) {
  return message.FindChild(ns::kCarbons, "sent") != nullptr || message.FindChild(ns::kCarbons, "received") != nullptr;
}

void AddDiscoInfo(XmlWriter* writer, std::string_view node, absl::Span<const Identity> identities,
                  absl::Span<const std::string_view> features, const DataForm* form) {
  writer->Start("query", ns::kDiscoInfo).AttrIf("node", node);
  for (const Identity& identity : identities) {
    writer->Start("identity").Attr("category", identity.category).Attr("type", identity.type);
    writer->AttrIf("name", identity.name).End();
  }
  for (std::string_view feature : features) writer->Start("feature").Attr("var", feature).End();
  if (form != nullptr) AddDataForm(writer, *form);
  writer->End();
}

void AddDiscoItems(XmlWriter* writer, std::string_view node, absl::Span<const DiscoItem> items) {
  writer->Start("query", ns::kDiscoItems).AttrIf("node", node);
  for (const DiscoItem& item : items) {
    writer->Start("item").Attr("jid", item.jid).AttrIf("node", item.node).AttrIf("name", item.name).End();
  }
  writer->End();
}

void AppendPing(std::string_view from, std::string_view to, std::string_view id, std::string* out) {
  XmlWriter writer(out);
  StartStanza(&writer, "iq", {.type = "get", .from = from, .to = to, .id = id});
  writer.Empty("ping", ns::kPing).End();
}

}  // namespace yizhan::edge::xmpp
