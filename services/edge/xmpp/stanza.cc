#include "edge/xmpp/stanza.h"

#include "edge/xmpp/element.h"
#include "edge/xmpp/namespaces.h"

namespace yizhan::edge::xmpp {
namespace {

std::string_view Message(const absl::Status& status) { return {status.message().data(), status.message().size()}; }

// Whether an error's text may leave the house: ours about ourselves stay in the log.
bool IsAboutTheClient(absl::StatusCode code) {
  return code != absl::StatusCode::kInternal && code != absl::StatusCode::kUnknown &&
         code != absl::StatusCode::kDataLoss;
}

}  // namespace

void AppendStreamOpen(std::string_view id, std::string_view from, std::string_view to, std::string* out) {
  out->append(
      "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'");
  out->append(" version='1.0' xml:lang='en' from='");
  AppendEscaped(from, out);
  if (!to.empty()) {
    out->append("' to='");
    AppendEscaped(to, out);
  }
  out->append("' id='");
  AppendEscaped(id, out);
  out->append("'>");
}

void AppendStreamFeatures(const StreamFeatures& features, std::string* out) {
  XmlWriter writer(out);
  writer.Start("stream:features");
  if (features.starttls) writer.Start("starttls", ns::kTls).Start("required").End().End();
  if (!features.mechanisms.empty()) {
    writer.Start("mechanisms", ns::kSasl);
    for (const std::string& mechanism : features.mechanisms) writer.Leaf("mechanism", mechanism);
    writer.End();
  }
  if (features.bind) {
    writer.Empty("bind", ns::kBind);
    writer.Start("session", ns::kSession).Start("optional").End().End();
    writer.Empty("sm", ns::kSm);
    writer.Empty("ver", ns::kRosterVersioning);
    writer.Empty("csi", ns::kClientState);
  }
  writer.End();
}

void AppendStreamError(StreamCondition condition, std::string_view text, std::string_view application,
                       std::string* out) {
  XmlWriter writer(out);
  writer.Start("stream:error").Empty(Name(condition), ns::kStreamErrors);
  if (!text.empty()) writer.Start("text", ns::kStreamErrors).Attr("xml:lang", "en").Text(text).End();
  writer.Raw(application).End();
  out->append(kStreamEnd);
}

void AppendStreamError(const absl::Status& status, std::string* out) {
  const StreamCondition condition = StreamConditionOf(status);
  AppendStreamError(condition, IsAboutTheClient(status.code()) ? Message(status) : std::string_view(), {}, out);
}

void StartStanza(XmlWriter* writer, std::string_view name, const StanzaHead& head) {
  writer->Start(name, ns::kClient)
      .AttrIf("type", head.type)
      .AttrIf("from", head.from)
      .AttrIf("to", head.to)
      .AttrIf("id", head.id)
      .AttrIf("xml:lang", head.lang);
}

void AddStanzaError(XmlWriter* writer, StanzaCondition condition, std::string_view text) {
  writer->Start("error").Attr("type", TypeOf(condition)).Empty(Name(condition), ns::kStanzaErrors);
  if (!text.empty()) writer->Start("text", ns::kStanzaErrors).Attr("xml:lang", "en").Text(text).End();
  writer->End();
}

void AppendErrorReply(const Element& stanza, StanzaCondition condition, std::string_view text, std::string* out) {
  const std::string_view type = stanza.attr("type");
  if (type == "error" || (stanza.name() == "iq" && type == "result")) return;
  XmlWriter writer(out);
  StartStanza(&writer, stanza.name(),
              {.type = "error", .from = stanza.attr("to"), .to = stanza.attr("from"), .id = stanza.attr("id")});
  AddStanzaError(&writer, condition, text);
  writer.End();
}

void AppendErrorReply(const Element& stanza, const absl::Status& status, std::string* out) {
  AppendErrorReply(stanza, StanzaConditionOf(status),
                   IsAboutTheClient(status.code()) ? Message(status) : std::string_view(), out);
}

void AppendEmptyResult(const Element& iq, std::string* out) {
  XmlWriter writer(out);
  StartResult(&writer, iq);
  writer.End();
}

void StartResult(XmlWriter* writer, const Element& iq) {
  StartStanza(writer, "iq", {.type = "result", .from = iq.attr("to"), .to = iq.attr("from"), .id = iq.attr("id")});
}

void AppendBindResult(const Element& iq, std::string_view full_jid, std::string* out) {
  XmlWriter writer(out);
  StartResult(&writer, iq);
  writer.Start("bind", ns::kBind).Leaf("jid", full_jid).End().End();
}

}  // namespace yizhan::edge::xmpp
