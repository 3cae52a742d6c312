// One session's presence, and the roster: everybody of the person's own department, and everybody with whom there is a direct
// conversation. The directory keeps it; clients cannot change it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "edge/xmpp/element.h"
#include "edge/xmpp_server/people_book.h"
#include "yizhan/im/v1/conversation.pb.h"

namespace yizhan::edge::xmpp {

class XmppSession;

class Contacts {
 public:
  explicit Contacts(XmppSession* session) : session_(session) {}

  // Whether messages are handed to the client: it has sent its presence, with a priority that is not negative.
  bool available() const { return available_ && !negative_; }
  // Presence without addressee.
  void OnBroadcast(const Element& presence);
  // Presence to a person: subscriptions are the directory's business.
  void OnDirected(const Element& presence, std::string_view login);
  // <iq><query xmlns='jabber:iq:roster'/></iq>.
  void OnRoster(const Element& iq);
  // Somebody's reachability changed.
  void OnPresence(const im::v1::Presence& presence);
  // People of the directory changed: pushes those of the roster.
  void OnPeopleChanged(const std::vector<PeopleBook::Person>& people);
  // The people whose presence is needed have changed: tells the service within seconds.
  void WatchSoon();
  // The session woke up.
  void OnWake();
  // Tells the services again what they may have forgotten: the session was opened anew.
  void Restore();

 private:
  void Announce();
  void AnswerRoster(std::string id, std::vector<std::string> peer_ids);
  void Watch(bool tell);
  bool IsContact(const PeopleBook::Person& person) const;

  XmppSession* const session_;
  std::vector<std::string> peers_;  // of direct conversations, as of the roster's answer
  std::string status_;
  im::v1::Presence::Show show_ = im::v1::Presence::SHOW_ONLINE;
  bool available_ = false;
  bool negative_ = false;
  bool watch_soon_ = false;
  bool interested_ = false;  // has asked for the roster: hears of its presence and changes
};

// <show/> and back. Empty for what has no word.
std::string_view ShowWord(im::v1::Presence::Show show);

}  // namespace yizhan::edge::xmpp
