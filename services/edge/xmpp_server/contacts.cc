#include "edge/xmpp_server/contacts.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "edge/xmpp/extensions.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/stanza.h"
#include "edge/xmpp_server/event_stanza.h"
#include "edge/xmpp_server/text.h"
#include "edge/xmpp_server/xmpp_session.h"
#include "yizhan/im/v1/conversation_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

using Show = im::v1::Presence::Show;

constexpr char kSync[] = "/yizhan.im.v1.ConversationService/Sync";
constexpr char kSetPresence[] = "/yizhan.im.v1.ConversationService/SetPresence";
constexpr char kWatchPresence[] = "/yizhan.im.v1.ConversationService/WatchPresence";
constexpr size_t kMaxWatched = 500;
constexpr size_t kMaxStatusBytes = 600;
// The one resource under which a contact's devices appear together.
constexpr std::string_view kResource = "yizhan";

Show ShowOf(std::string_view word) {
  if (word == "away" || word == "xa") return im::v1::Presence::SHOW_AWAY;
  if (word == "dnd") return im::v1::Presence::SHOW_BUSY;
  return im::v1::Presence::SHOW_ONLINE;
}

std::string PresenceStanza(std::string_view jid, const im::v1::Presence& presence) {
  std::string stanza;
  XmlWriter writer(&stanza);
  const bool offline = presence.show() == im::v1::Presence::SHOW_OFFLINE || presence.show() == im::v1::Presence::SHOW_UNSPECIFIED;
  StartStanza(&writer, "presence",
              {.type = offline ? "unavailable" : "", .from = Cat(jid, "/", kResource), .to = {}, .id = {}});
  if (std::string_view word = ShowWord(presence.show()); !word.empty()) writer.Leaf("show", word);
  if (!presence.status().empty()) writer.Leaf("status", presence.status());
  writer.End();
  return stanza;
}

void AddItem(XmlWriter* writer, const XmppContext& context, const PeopleBook::Person& person, std::string_view group) {
  writer->Start("item").Attr("jid", Cat(person.login, "@", context.domain)).AttrIf("name", person.name);
  writer->Attr("subscription", "both");
  if (!group.empty()) writer->Leaf("group", group);
  writer->End();
}

}  // namespace

std::string_view ShowWord(Show show) {
  switch (show) {
    case im::v1::Presence::SHOW_AWAY:
      return "away";
    case im::v1::Presence::SHOW_BUSY:
      return "dnd";
    default:
      return {};
  }
}

void Contacts::OnBroadcast(const Element& presence) {
  const std::string_view type = presence.attr("type");
  if (type == "unavailable") {
    if (!std::exchange(available_, false)) return;
    show_ = im::v1::Presence::SHOW_OFFLINE;
    status_ = std::string(presence.ChildText(ns::kClient, "status").substr(0, kMaxStatusBytes));
    session_->rooms().LeaveAll();
    return Announce();
  }
  if (!type.empty()) {
    return session_->Refuse(presence, StanzaCondition::kBadRequest, "presence of this type needs an addressee");
  }
  int priority = 0;
  if (const std::string_view text = presence.ChildText(ns::kClient, "priority"); !text.empty()) {
    if (!ToNumber(text, &priority) || priority < -128 || priority > 127) {
      return session_->Refuse(presence, StanzaCondition::kBadRequest, "the priority is a number from -128 to 127");
    }
  }
  const bool handed_over_before = available();
  available_ = true;
  negative_ = priority < 0;
  show_ = ShowOf(presence.ChildText(ns::kClient, "show"));
  status_ = std::string(presence.ChildText(ns::kClient, "status"));
  if (status_.size() > kMaxStatusBytes) status_.clear();
  // RFC 6121 section 4.2.2: to the resource itself, too.
  std::string echo;
  XmlWriter writer(&echo);
  StartStanza(&writer, "presence", {.type = {}, .from = session_->jid().full(), .to = session_->jid().full(), .id = presence.attr("id")});
  for (const Element& child : presence.children()) writer.Copy(child);
  writer.End();
  session_->Send(std::move(echo));
  if (session_->over()) return;
  Announce();
  if (available() && !handed_over_before) session_->direct().CatchUp();
}

void Contacts::OnDirected(const Element& presence, std::string_view login) {
  const std::string_view type = presence.attr("type");
  if (type == "subscribe") {
    return session_->Refuse(presence, StanzaCondition::kNotAllowed, "the roster comes from the directory: write to the person, and both see each other");
  }
  // Everything else (probes, directed presence, answers to subscriptions) asks for nothing that the directory does not give anyway.
}

void Contacts::Announce() {
  im::v1::SetPresenceRequest request;
  request.mutable_presence()->set_show(show_);
  request.mutable_presence()->set_status(status_);
  session_->edge().Call(kSetPresence, request.SerializeAsString(), [](absl::StatusOr<std::string>) {});
}

void Contacts::Restore() {
  if (available_) Announce();
  Watch(true);
}

void Contacts::WatchSoon() {
  if (std::exchange(watch_soon_, true)) return;
  session_->WakeAt(session_->now_ms() + session_->context().limits.cursors_ms);
}

void Contacts::OnWake() {
  if (watch_soon_) Watch(false);
}

// --- roster

void Contacts::OnRoster(const Element& iq) {
  if (iq.attr("type") == "set") {
    return session_->Refuse(iq, StanzaCondition::kNotAllowed, "the roster comes from the directory: names and departments are changed there");
  }
  im::v1::SyncRequest request;
  request.set_page_size(500);
  session_->edge().Ask<im::v1::SyncResponse>(
      kSync, request, [this, id = std::string(iq.attr("id"))](absl::StatusOr<im::v1::SyncResponse> page) mutable {
        std::vector<std::string> peers;
        if (page.ok()) {
          for (const im::v1::Conversation& conversation : page->conversations()) {
            if (auto pair = ParseDirect(conversation.conversation_id())) peers.emplace_back(pair->Other(session_->person_id()));
          }
        }
        AnswerRoster(std::move(id), std::move(peers));
      });
}

void Contacts::AnswerRoster(std::string id, std::vector<std::string> peer_ids) {
  const XmppContext& context = session_->context();
  std::string stanza;
  XmlWriter writer(&stanza);
  StartStanza(&writer, "iq", {.type = "result", .from = {}, .to = session_->jid().full(), .id = id});
  writer.Start("query", ns::kRoster);
  absl::flat_hash_set<std::string, NameHash, NameEq> written{session_->person_id()};
  size_t count = 0;
  auto add = [&](const PeopleBook::Person& person) {
    if (!person.active || count >= context.limits.roster || !written.insert(person.id).second) return;
    AddItem(&writer, context, person, context.people->DepartmentName(person.department_id));
    ++count;
  };
  for (const std::string& peer : peer_ids) {
    if (auto person = context.people->Find(peer)) add(*person);
  }
  if (auto self = context.people->Find(session_->person_id())) {
    for (const PeopleBook::Person& person : context.people->PeopleOf(self->department_id, context.limits.roster)) add(person);
  }
  writer.End().End();
  peers_ = std::move(peer_ids);
  peers_.shrink_to_fit();
  interested_ = true;
  session_->Send(std::move(stanza));
  if (!session_->over()) Watch(true);
}

void Contacts::Watch(bool tell) {
  watch_soon_ = false;
  const XmppContext& context = session_->context();
  im::v1::WatchPresenceRequest request;
  std::vector<std::string> ids;
  if (interested_) {
    ids.assign(peers_.begin(), peers_.begin() + static_cast<std::ptrdiff_t>(std::min(peers_.size(), kMaxWatched)));
    if (auto self = context.people->Find(session_->person_id())) {
      for (PeopleBook::Person& person : context.people->PeopleOf(self->department_id, kMaxWatched)) ids.push_back(std::move(person.id));
    }
  }
  session_->rooms().AddWatched(&ids, 4 * kMaxWatched);
  std::erase(ids, session_->person_id());
  // Who comes first counts most: those one writes to, the department, the rooms.
  absl::flat_hash_set<std::string_view, NameHash, NameEq> watched;
  for (const std::string& id : ids) {
    if (watched.size() >= kMaxWatched) break;
    if (watched.insert(id).second) request.add_person_ids(id);
  }
  session_->edge().Ask<im::v1::WatchPresenceResponse>(
      kWatchPresence, request, [this, tell](absl::StatusOr<im::v1::WatchPresenceResponse> answer) {
        if (!answer.ok() || !tell) return;
        for (const im::v1::Presence& presence : answer->presences()) {
          if (session_->over()) return;
          if (presence.show() != im::v1::Presence::SHOW_OFFLINE) OnPresence(presence);
        }
      });
}

bool Contacts::IsContact(const PeopleBook::Person& person) const {
  if (person.id == session_->person_id()) return false;
  if (session_->edge().Hears(DirectId(session_->person_id(), person.id))) return true;
  auto self = session_->context().people->Find(session_->person_id());
  return self && !self->department_id.empty() && self->department_id == person.department_id;
}

void Contacts::OnPresence(const im::v1::Presence& presence) {
  if (!interested_ || !available_) return;
  const XmppContext& context = session_->context();
  auto person = context.people->Find(presence.person_id());
  if (!person || !IsContact(*person)) return;
  session_->Send(PresenceStanza(Cat(person->login, "@", context.domain), presence));
}

void Contacts::OnPeopleChanged(const std::vector<PeopleBook::Person>& people) {
  if (!interested_) return;
  const XmppContext& context = session_->context();
  for (const PeopleBook::Person& person : people) {
    if (session_->over()) return;
    if (!IsContact(person)) continue;
    std::string stanza;
    XmlWriter writer(&stanza);
    StartStanza(&writer, "iq", {.type = "set", .from = {}, .to = session_->jid().full(), .id = Cat("push-", person.id)});
    writer.Start("query", ns::kRoster);
    if (person.active) {
      AddItem(&writer, context, person, context.people->DepartmentName(person.department_id));
    } else {
      writer.Start("item").Attr("jid", Cat(person.login, "@", context.domain)).Attr("subscription", "remove").End();
    }
    writer.End().End();
    session_->Send(std::move(stanza));
  }
}

}  // namespace yizhan::edge::xmpp
