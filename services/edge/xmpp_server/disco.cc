// XEP-0030: what there is, and what it can do.
#include <string>
#include <utility>
#include <vector>

#include "edge/xmpp_server/text.h"
#include "edge/xmpp/data_form.h"
#include "edge/xmpp/extensions.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/stanza.h"
#include "edge/xmpp_server/event_stanza.h"
#include "edge/xmpp_server/queries.h"
#include "edge/xmpp_server/xmpp_session.h"
#include "yizhan/im/v1/conversation_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr std::string_view kServerFeatures[] = {ns::kDiscoInfo, ns::kDiscoItems, ns::kPing, ns::kVersion, ns::kTime,
                                                ns::kRoster, ns::kVCardTemp, ns::kCarbons, ns::kMam, ns::kMamExtended,
                                                ns::kStanzaId, ns::kClientState};
constexpr std::string_view kAccountFeatures[] = {ns::kDiscoInfo, ns::kDiscoItems, ns::kPing, ns::kCarbons, ns::kMam,
                                                 ns::kMamExtended, ns::kStanzaId, ns::kVCardTemp};
constexpr std::string_view kGroupsFeatures[] = {ns::kDiscoInfo, ns::kDiscoItems, ns::kMuc, ns::kPing};

// Sends a result whose content is written by `fill`.
template <typename Fill>
void Answer(XmppSession* session, const Element& iq, Fill fill) {
  std::string result;
  XmlWriter writer(&result);
  StartResult(&writer, iq);
  fill(&writer);
  writer.End();
  session->Send(std::move(result));
}

void AnswerRoom(XmppSession* session, std::string result, const std::string& handle, const im::v1::Conversation& conversation) {
  XmlWriter writer(&result);
  const bool small = conversation.member_count() <= session->context().limits.present_occupants;
  DataForm form = DataForm::Of("result", "http://jabber.org/protocol/muc#roominfo");
  form.Add("muc#roominfo_description", conversation.title());
  form.Add("muc#roominfo_occupants", Cat(conversation.member_count()));
  form.Add("muc#roominfo_subject", conversation.title());
  // Whose presence is told: in large rooms nobody's but one's own.
  FormField& broadcast = form.fields.emplace_back();
  broadcast.var = "muc#roomconfig_presencebroadcast";
  if (small) broadcast.values = {"moderator", "participant"};
  const std::string_view features[] = {ns::kDiscoInfo, ns::kMuc, "muc_persistent", "muc_nonanonymous", "muc_unmoderated", "muc_unsecured",
                                       "muc_hidden", ns::kMam, ns::kMamExtended, ns::kStanzaId, ns::kPing};
  AddDiscoInfo(&writer, {}, {{Identity{"conference", "text", conversation.title().empty() ? std::string_view(handle) : conversation.title()}}},
               features, &form);
  result.append("</iq>");
  session->Send(std::move(result));
}

}  // namespace

void OnDiscoInfo(XmppSession* session, const Element& iq, const Address& to) {
  const XmppContext& context = session->context();
  const std::string_view node = iq.first_child()->attr("node");
  if (!node.empty()) return session->Refuse(iq, StanzaCondition::kItemNotFound, "there is no such node");
  if (iq.attr("type") == "set") return session->Refuse(iq, StanzaCondition::kNotAllowed, "this can only be asked");
  switch (to.place) {
    case Place::kServer:
      return Answer(session, iq, [&](XmlWriter* writer) { AddDiscoInfo(writer, {}, {{Identity{"server", "im", "Yizhan"}}}, kServerFeatures, nullptr); });
    case Place::kGroups:
      return Answer(session, iq, [&](XmlWriter* writer) { AddDiscoInfo(writer, {}, {{Identity{"conference", "text", "Groups"}}}, kGroupsFeatures, nullptr); });
    case Place::kPerson: {
      // The account; what its devices can do is theirs to say.
      if (!to.resource.empty() || context.people->IdOf(to.local).empty()) break;
      return Answer(session, iq, [&](XmlWriter* writer) { AddDiscoInfo(writer, {}, {{Identity{"account", "registered", {}}}}, kAccountFeatures, nullptr); });
    }
    case Place::kRoom: {
      if (!to.resource.empty()) break;
      im::v1::GetConversationRequest request;
      request.set_conversation_id(Cat("g:", to.local));
      std::string refused;
      AppendErrorReply(iq, StanzaCondition::kItemNotFound, "there is no such room for you", &refused);
      return session->edge().Ask<im::v1::GetConversationResponse>(
          "/yizhan.im.v1.ConversationService/GetConversation", request,
          [session, result = OpenResult(iq), handle = std::string(to.local),
           refused = std::move(refused)](absl::StatusOr<im::v1::GetConversationResponse> answer) mutable {
            if (!answer.ok()) return session->Send(std::move(refused));
            AnswerRoom(session, std::move(result), handle, answer->conversation());
          });
    }
    default:
      break;
  }
  session->Refuse(iq, StanzaCondition::kServiceUnavailable, "nobody answers here");
}

void OnDiscoItems(XmppSession* session, const Element& iq, const Address& to) {
  const XmppContext& context = session->context();
  if (to.place == Place::kServer) {
    return Answer(session, iq, [&](XmlWriter* writer) { AddDiscoItems(writer, {}, {{DiscoItem{context.groups_domain, {}, "Groups"}}}); });
  }
  if (to.place != Place::kGroups) {
    if (to.place == Place::kPerson && !to.resource.empty()) {
      return session->Refuse(iq, StanzaCondition::kServiceUnavailable, "nobody answers here");
    }
    return Answer(session, iq, [&](XmlWriter* writer) { AddDiscoItems(writer, {}, {}); });
  }
  // The person's own groups: others are nobody's business.
  im::v1::SyncRequest request;
  request.set_page_size(500);
  session->edge().Ask<im::v1::SyncResponse>(
      "/yizhan.im.v1.ConversationService/Sync", request, [session, result = OpenResult(iq)](absl::StatusOr<im::v1::SyncResponse> page) mutable {
        std::vector<std::string> jids;
        std::vector<DiscoItem> items;
        if (page.ok()) {
          for (const auto& conversation : page->conversations()) {
            if (conversation.kind() == im::v1::Conversation::KIND_GROUP) jids.push_back(RoomJid(session->context(), conversation.conversation_id()));
          }
          size_t at = 0;
          for (const auto& conversation : page->conversations()) {
            if (conversation.kind() == im::v1::Conversation::KIND_GROUP) items.push_back({jids[at++], {}, conversation.title()});
          }
        }
        XmlWriter writer(&result);
        AddDiscoItems(&writer, {}, items);
        result.append("</iq>");
        session->Send(std::move(result));
      });
}

}  // namespace yizhan::edge::xmpp
