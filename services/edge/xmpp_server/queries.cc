#include "edge/xmpp_server/queries.h"

#include <string>
#include <utility>

#include "edge/xmpp/data_form.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/stanza.h"
#include "edge/xmpp/timestamp.h"
#include "edge/xmpp_server/text.h"
#include "edge/xmpp_server/xmpp_session.h"
#include "yizhan/im/v1/conversation_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

void AnswerEmpty(XmppSession* session, const Element& iq) {
  std::string result;
  AppendEmptyResult(iq, &result);
  session->Send(std::move(result));
}

void OnPing(XmppSession* session, const Element& iq, const Address& to) {
  // XEP-0410: whether the client is still in the room.
  if (to.place == Place::kRoom && !session->rooms().IsIn(to.local)) {
    return session->Refuse(iq, StanzaCondition::kNotAcceptable, "you are not in this room");
  }
  AnswerEmpty(session, iq);
}

void OnVersion(XmppSession* session, const Element& iq) {
  std::string result;
  XmlWriter writer(&result);
  StartResult(&writer, iq);
  writer.Start("query", ns::kVersion).Leaf("name", "Yizhan").Leaf("version", "0.1").End().End();
  session->Send(std::move(result));
}

void OnTime(XmppSession* session, const Element& iq) {
  std::string result;
  XmlWriter writer(&result);
  StartResult(&writer, iq);
  writer.Start("time", ns::kTime).Leaf("tzo", "+00:00").Leaf("utc", Timestamp(session->context().clock->NowUs())).End().End();
  session->Send(std::move(result));
}

// What the directory says of a person, as a card.
void OnCard(XmppSession* session, const Element& iq, const Address& to) {
  const XmppContext& context = session->context();
  if (iq.attr("type") == "set") return session->Refuse(iq, StanzaCondition::kNotAllowed, "the directory keeps what is known of people");
  auto person = to.place == Place::kPerson ? context.people->Find(context.people->IdOf(to.local)) : std::nullopt;
  if (!person) return session->Refuse(iq, StanzaCondition::kItemNotFound, "there is nobody of this name here");
  std::string result;
  XmlWriter writer(&result);
  StartResult(&writer, iq);
  writer.Start("vCard", ns::kVCardTemp).Leaf("FN", person->name).Leaf("NICKNAME", person->login);
  writer.Leaf("JABBERID", Cat(person->login, "@", context.domain));
  if (std::string department = context.people->DepartmentName(person->department_id); !department.empty()) {
    writer.Start("ORG").Leaf("ORGUNIT", department).End();
  }
  writer.End().End();
  session->Send(std::move(result));
}

// XEP-0045 section 10: what can be configured is the title.
void OnRoomOwner(XmppSession* session, const Element& iq, const Element& query, const Address& to) {
  const std::string conversation = Cat("g:", to.local);
  if (!session->rooms().IsIn(to.local)) return session->Refuse(iq, StanzaCondition::kForbidden, "you are not in this room");
  if (iq.attr("type") == "get") {
    im::v1::GetConversationRequest request;
    request.set_conversation_id(conversation);
    return session->edge().Ask<im::v1::GetConversationResponse>(
        "/yizhan.im.v1.ConversationService/GetConversation", request,
        [session, out = OpenResult(iq)](absl::StatusOr<im::v1::GetConversationResponse> answer) mutable {
          XmlWriter writer(&out);
          writer.Start("query", ns::kMucOwner);
          DataForm form = DataForm::Of("form", "http://jabber.org/protocol/muc#roomconfig");
          form.Add("muc#roomconfig_roomname", answer.ok() ? answer->conversation().title() : "", "text-single", "Title");
          AddDataForm(&writer, form);
          writer.End();
          out.append("</iq>");
          session->Send(std::move(out));
        });
  }
  const Element* x = query.FindChild(ns::kDataForms, "x");
  std::string title;
  if (x != nullptr) {
    auto form = ParseDataForm(*x);
    if (!form.ok()) return session->Refuse(iq, form.status());
    if (form->type == "submit") title = std::string(form->Value("muc#roomconfig_roomname"));
  } else if (query.FindChild(ns::kMucOwner, "destroy") != nullptr) {
    return session->Refuse(iq, StanzaCondition::kNotAllowed, "what was said here stays: a group is not destroyed");
  }
  if (title.empty()) return AnswerEmpty(session, iq);  // the room as it is
  im::v1::RenameGroupRequest request;
  request.set_conversation_id(conversation);
  request.set_title(std::move(title));
  std::string result, refused;
  AppendEmptyResult(iq, &result);
  AppendErrorReply(iq, StanzaCondition::kForbidden, "only the owner names the room", &refused);
  session->edge().Call("/yizhan.im.v1.ConversationService/RenameGroup", request.SerializeAsString(),
                       [session, result = std::move(result), refused = std::move(refused)](absl::StatusOr<std::string> answer) mutable {
                         session->Send(answer.ok() ? std::move(result) : std::move(refused));
                       });
}

}  // namespace

std::string OpenResult(const Element& iq) {
  std::string result;
  AppendEmptyResult(iq, &result);
  result.resize(result.size() - 2);  // "/>"
  result.push_back('>');
  return result;
}

void OnQuery(XmppSession* session, const Element& iq, const Address& to) {
  const std::string_view type = iq.attr("type");
  if (type == "result" || type == "error") return;  // a push was taken, a ping answered: whatever came is a sign of life
  const Element* payload = iq.first_child();
  if ((type != "get" && type != "set") || payload == nullptr || payload->next_sibling() != nullptr) {
    return session->Refuse(iq, StanzaCondition::kBadRequest, "an iq is a get or a set with one element in it");
  }
  if (to.place == Place::kElsewhere) {
    return session->Refuse(iq, StanzaCondition::kRemoteServerNotFound, "this server speaks to no other");
  }
  const bool self = to.place == Place::kPerson && to.local == session->jid().local() && to.resource.empty();
  const bool server = self || to.place == Place::kServer;

  if (payload->Is(ns::kPing, "ping")) return OnPing(session, iq, to);
  if (payload->Is(ns::kDiscoInfo, "query")) return OnDiscoInfo(session, iq, to);
  if (payload->Is(ns::kDiscoItems, "query")) return OnDiscoItems(session, iq, to);
  if (payload->Is(ns::kMam, "query") && (self || to.place == Place::kRoom)) return OnArchiveQuery(session, iq, to);
  if (payload->Is(ns::kVCardTemp, "vCard")) return OnCard(session, iq, to);
  if (payload->Is(ns::kMucOwner, "query") && to.place == Place::kRoom) return OnRoomOwner(session, iq, *payload, to);
  if (self && payload->Is(ns::kRoster, "query")) return session->contacts().OnRoster(iq);
  if (self && payload->Is(ns::kCarbons, "enable")) {
    session->set_carbons(true);
    return AnswerEmpty(session, iq);
  }
  if (self && payload->Is(ns::kCarbons, "disable")) {
    session->set_carbons(false);
    return AnswerEmpty(session, iq);
  }
  if (server && payload->Is(ns::kSession, "session")) return AnswerEmpty(session, iq);
  if (server && payload->Is(ns::kBind, "bind")) {
    return session->Refuse(iq, StanzaCondition::kNotAllowed, "this stream has its resource");
  }
  if (server && type == "get" && payload->Is(ns::kVersion, "query")) return OnVersion(session, iq);
  if (server && type == "get" && payload->Is(ns::kTime, "time")) return OnTime(session, iq);
  session->Refuse(iq, StanzaCondition::kServiceUnavailable, "this is not offered here");
}

}  // namespace yizhan::edge::xmpp
