#include "edge/xmpp_server/contacts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "edge/xmpp_server/testing/session_rig.h"
#include "yizhan/directory/v1/directory_service.pb.h"
#include "yizhan/im/v1/conversation_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ContactsTest : public ::testing::Test, protected SessionRig {
 protected:
  // Asks for the roster, where a direct conversation with u4 exists.
  void AskRoster() {
    topics.insert("d:p1:p4");
    edge.topics = topics;
    Say("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    im::v1::SyncResponse sync;
    sync.add_conversations()->set_conversation_id("d:p1:p4");
    sync.add_conversations()->set_conversation_id("g:all");
    TakeCall("Sync").Answer(sync);
  }
  void HearPresence(std::string_view person, im::v1::Presence::Show show) {
    im::v1::ImEvent event;
    event.mutable_presence()->set_person_id(std::string(person));
    event.mutable_presence()->set_show(show);
    Hear(event, Cat("presence:", person));
  }
  std::set<std::string> topics;
};

TEST_F(ContactsTest, PresenceIsEchoedAndAnnounced) {
  Bind();
  Say("<presence id='1'><show>dnd</show><status>开会</status><priority>5</priority></presence>");
  EXPECT_EQ(Told(),
            "<presence from='u1@example.org/desk' to='u1@example.org/desk' id='1'><show>dnd</show><status>开会</status>"
            "<priority>5</priority></presence>");
  const auto request = TakeCall("SetPresence").As<im::v1::SetPresenceRequest>();
  EXPECT_EQ(request.presence().show(), im::v1::Presence::SHOW_BUSY);
  EXPECT_EQ(request.presence().status(), "开会");
  Say("<presence type='unavailable'/>");
  EXPECT_EQ(TakeCall("SetPresence").As<im::v1::SetPresenceRequest>().presence().show(), im::v1::Presence::SHOW_OFFLINE);
}

TEST_F(ContactsTest, TheRosterIsTheDepartmentAndThosePeopleWriteTo) {
  BindPresent();
  AskRoster();
  const std::string roster = Told();
  EXPECT_THAT(roster, HasSubstr("<item jid='u4@example.org' name='人4' subscription='both'/>"));
  EXPECT_THAT(roster, HasSubstr("<item jid='u2@example.org' name='人2' subscription='both'><group>信贷部</group></item>"));
  EXPECT_THAT(roster, HasSubstr("u3@example.org"));
  EXPECT_THAT(roster, Not(HasSubstr("u1@example.org'")));
  FakeCall watch = TakeCall("WatchPresence");
  const auto request = watch.As<im::v1::WatchPresenceRequest>();
  EXPECT_THAT(request.person_ids(), ElementsAre("p4", "p2", "p3"));
  im::v1::WatchPresenceResponse answer;
  answer.add_presences()->set_person_id("p2");
  answer.mutable_presences(0)->set_show(im::v1::Presence::SHOW_AWAY);
  answer.add_presences()->set_person_id("p3");
  answer.mutable_presences(1)->set_show(im::v1::Presence::SHOW_OFFLINE);
  watch.Answer(answer);
  EXPECT_EQ(Told(), "<presence from='u2@example.org/yizhan'><show>away</show></presence>");
}

TEST_F(ContactsTest, OnlyContactsAreHeardAndOnlyByThoseWhoAsked) {
  BindPresent();
  HearPresence("p2", im::v1::Presence::SHOW_ONLINE);
  EXPECT_THAT(Told(), IsEmpty());
  AskRoster();
  AnswerEmpty();
  Told();
  HearPresence("p2", im::v1::Presence::SHOW_ONLINE);
  EXPECT_EQ(Told(), "<presence from='u2@example.org/yizhan'/>");
  HearPresence("p4", im::v1::Presence::SHOW_OFFLINE);
  EXPECT_EQ(Told(), "<presence type='unavailable' from='u4@example.org/yizhan'/>");
  HearPresence("p1", im::v1::Presence::SHOW_AWAY);
  HearPresence("p9", im::v1::Presence::SHOW_AWAY);
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(ContactsTest, ChangesOfTheDirectoryArePushed) {
  BindPresent();
  AskRoster();
  AnswerEmpty();
  Told();
  session->contacts().OnPeopleChanged({{"p2", "u2", "新名", "d1", true}, {"p3", "u3", "人3", "d1", false}, {"p8", "u8", "别人", "d9", true}});
  const std::string told = Told();
  EXPECT_THAT(told, HasSubstr("<iq type='set' to='u1@example.org/desk' id='push-p2'>"));
  EXPECT_THAT(told, HasSubstr("name='新名'"));
  EXPECT_THAT(told, HasSubstr("<item jid='u3@example.org' subscription='remove'/>"));
  EXPECT_THAT(told, Not(HasSubstr("u8")));
}

TEST_F(ContactsTest, ClientsCannotChangeTheRoster) {
  BindPresent();
  Say("<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='u4@example.org'/></query></iq>");
  EXPECT_THAT(Told(), HasSubstr("not-allowed"));
  Say("<presence to='u4@example.org' type='subscribe'/>");
  EXPECT_THAT(Told(), HasSubstr("not-allowed"));
  // A push is the server's to send: one that a client sends as an answer changes nothing.
  Say("<iq type='result' id='s' to='u2@example.org'/>");
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(ContactsTest, BadPrioritiesAndTypesAreRefused) {
  Bind();
  Say("<presence><priority>1000</priority></presence>");
  EXPECT_THAT(Told(), HasSubstr("bad-request"));
  Say("<presence type='probe'/>");
  EXPECT_THAT(Told(), HasSubstr("bad-request"));
  Say("<presence><priority>-1</priority></presence>");
  HearMessage("p2", "p1", 1, "w", "not for a device of negative priority");
  EXPECT_THAT(Told(), Not(HasSubstr("not for a device")));
}

TEST(PeopleBook, FollowsRenamesAndMoves) {
  PeopleBook book;
  directory::v1::SyncDirectoryResponse page;
  auto* person = page.add_people();
  person->set_person_id("p1");
  person->set_login("a");
  person->set_department_id("d1");
  person->set_active(true);
  book.Apply(page);
  uint64_t seen = 0;
  EXPECT_EQ(book.ChangedSince(&seen).size(), 1u);
  book.Apply(page);  // nothing new
  EXPECT_TRUE(book.ChangedSince(&seen).empty());
  person->set_login("b");
  person->set_department_id("d2");
  book.Apply(page);
  EXPECT_EQ(book.IdOf("a"), "");
  EXPECT_EQ(book.IdOf("b"), "p1");
  EXPECT_TRUE(book.PeopleOf("d1", 10).empty());
  EXPECT_EQ(book.PeopleOf("d2", 10).size(), 1u);
  EXPECT_EQ(book.ChangedSince(&seen).size(), 1u);
  person->set_active(false);
  book.Apply(page);
  EXPECT_EQ(book.IdOf("b"), "");
  EXPECT_EQ(book.LoginOf("p1"), "b");
  EXPECT_TRUE(book.PeopleOf("d2", 10).empty());
  // A name that would break out of an attribute has no address.
  person->set_login("x' onclick='");
  book.Apply(page);
  EXPECT_EQ(book.LoginOf("p1"), "b");
}

}  // namespace
}  // namespace yizhan::edge::xmpp
