#include "edge/xmpp/muc.h"

#include <charconv>

#include "edge/xmpp/element.h"
#include "edge/xmpp/extensions.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/timestamp.h"
#include "edge/xmpp/xml_writer.h"

namespace yizhan::edge::xmpp {
namespace {

absl::Status TakeNumber(const Element& element, std::string_view name, std::optional<uint32_t>* number) {
  if (element.FindAttr({}, name) == nullptr) return absl::OkStatus();
  const std::string_view text = element.attr(name);
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || text.empty() || end != text.data() + text.size()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_HISTORY", std::string(name) + " is not a number");
  }
  *number = value;
  return absl::OkStatus();
}

}  // namespace

void StartMucUser(XmlWriter* writer, absl::Span<const uint16_t> codes) {
  writer->Start("x", ns::kMucUser);
  for (uint16_t code : codes) writer->Start("status").Attr("code", uint64_t{code}).End();
}

void AppendMucPresence(const MucPresence& presence, std::string* out) {
  XmlWriter writer(out);
  StartStanza(&writer, "presence",
              {.type = presence.available ? std::string_view() : std::string_view("unavailable"),
               .from = presence.from,
               .to = presence.to,
               .id = presence.id});
  if (!presence.show.empty()) writer.Leaf("show", presence.show);
  if (!presence.status.empty()) writer.Leaf("status", presence.status);
  writer.Start("x", ns::kMucUser).Start("item");
  writer.Attr("affiliation", presence.occupant.affiliation).Attr("role", presence.occupant.role);
  writer.AttrIf("jid", presence.occupant.jid).AttrIf("nick", presence.new_nick);
  if (!presence.reason.empty()) writer.Leaf("reason", presence.reason);
  writer.End();
  for (uint16_t code : presence.codes) writer.Start("status").Attr("code", uint64_t{code}).End();
  writer.End().End();
}

void AppendMucSubject(std::string_view from, std::string_view to, std::string_view text, std::optional<int64_t> micros,
                      std::string* out) {
  XmlWriter writer(out);
  StartStanza(&writer, "message", {.type = "groupchat", .from = from, .to = to, .id = {}});
  writer.Leaf("subject", text);
  if (micros) AddDelay(&writer, *micros, {});
  writer.End();
}

void AppendMucNotice(std::string_view room, std::string_view to, absl::Span<const uint16_t> codes, std::string* out) {
  XmlWriter writer(out);
  StartStanza(&writer, "message", {.type = "groupchat", .from = room, .to = to, .id = {}});
  StartMucUser(&writer, codes);
  writer.End().End();
}

absl::StatusOr<std::optional<MucJoin>> ParseMucJoin(const Element& presence) {
  const Element* x = presence.FindChild(ns::kMuc, "x");
  if (x == nullptr || !presence.attr("type").empty()) return std::optional<MucJoin>();
  MucJoin join;
  join.password = x->ChildText(ns::kMuc, "password");
  if (const Element* history = x->FindChild(ns::kMuc, "history")) {
    YZ_RETURN_IF_ERROR(TakeNumber(*history, "maxstanzas", &join.max_stanzas));
    YZ_RETURN_IF_ERROR(TakeNumber(*history, "maxchars", &join.max_chars));
    YZ_RETURN_IF_ERROR(TakeNumber(*history, "seconds", &join.seconds));
    if (!history->attr("since").empty()) {
      YZ_ASSIGN_OR_RETURN(join.since_us, ParseTimestamp(history->attr("since")));
    }
  }
  return std::optional<MucJoin>(std::move(join));
}

}  // namespace yizhan::edge::xmpp
