#include "edge/xmpp_server/rooms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "edge/xmpp_server/testing/session_rig.h"
#include "yizhan/im/v1/conversation_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

absl::Status NotFound() { return Refuse(absl::StatusCode::kNotFound, "CONVERSATION_NOT_FOUND", "no such conversation"); }

class RoomsTest : public ::testing::Test, protected SessionRig {
 protected:
  void AskJoin(std::string_view nick = "u1", std::string_view history = "<history maxstanzas='0'/>") {
    Say(Cat("<presence id='j' to='team@conference.example.org/", nick, "'><x xmlns='http://jabber.org/protocol/muc'>", history,
            "</x></presence>"));
  }
  // Joins as a member of a large group; what that told is forgotten.
  void JoinLarge() {
    edge.topics.insert("g:team");
    AskJoin();
    im::v1::GetConversationResponse answer;
    answer.mutable_conversation()->set_member_count(1'000);
    answer.mutable_conversation()->set_title("全体");
    TakeCall("GetConversation").Answer(answer);
    Told();
  }
  void JoinSmall() {
    edge.topics.insert("g:team");
    AskJoin();
    im::v1::GetConversationResponse answer;
    answer.mutable_conversation()->set_member_count(3);
    answer.mutable_conversation()->set_title("小组");
    TakeCall("GetConversation").Answer(answer);
    im::v1::ListMembersResponse members;
    for (const char* id : {"p1", "p2", "p3"}) members.add_members()->set_person_id(id);
    TakeCall("ListMembers").Answer(members);
    im::v1::GetPresenceResponse presences;
    presences.add_presences()->set_person_id("p2");
    presences.mutable_presences(0)->set_show(im::v1::Presence::SHOW_BUSY);
    presences.add_presences()->set_person_id("p3");
    presences.mutable_presences(1)->set_show(im::v1::Presence::SHOW_OFFLINE);
    TakeCall("GetPresence").Answer(presences);
  }
  void HearNotice(im::v1::Notice::Kind kind, std::string_view person, uint64_t seq, std::string_view title = "") {
    im::v1::ImEvent event;
    auto* message = event.mutable_message();
    message->set_conversation_id("g:team");
    message->set_seq(seq);
    message->mutable_notice()->set_kind(kind);
    if (!person.empty()) message->mutable_notice()->add_person_ids(std::string(person));
    message->mutable_notice()->set_title(std::string(title));
    Hear(event, "g:team");
  }
};

TEST_F(RoomsTest, AnUnknownRoomIsMade) {
  BindPresent();
  AskJoin();
  TakeCall("AddMembers").Fail(NotFound());
  FakeCall create = TakeCall("CreateGroup");
  const auto request = create.As<im::v1::CreateGroupRequest>();
  EXPECT_EQ(request.handle(), "team");
  EXPECT_TRUE(request.open());
  im::v1::CreateGroupResponse created;
  created.mutable_conversation()->set_member_count(1);
  created.mutable_conversation()->set_title("team");
  created.mutable_conversation()->set_role(im::v1::Member::ROLE_OWNER);
  create.Answer(created);
  const std::string told = Told();
  EXPECT_THAT(told, HasSubstr("<presence from='team@conference.example.org/u1' to='u1@example.org/desk' id='j'>"));
  EXPECT_THAT(told, HasSubstr("<status code='110'/>"));
  EXPECT_THAT(told, HasSubstr("<status code='201'/>"));
  EXPECT_THAT(told, HasSubstr("affiliation='owner' role='moderator'"));
  EXPECT_THAT(told, HasSubstr("<subject>team</subject>"));
  Say("<iq type='set' id='cfg' to='team@conference.example.org'><query xmlns='http://jabber.org/protocol/muc#owner'>"
      "<x xmlns='jabber:x:data' type='submit'/></query></iq>");
  EXPECT_EQ(Told(), "<iq type='result' from='team@conference.example.org' id='cfg'/>");
}

TEST_F(RoomsTest, AnOpenRoomTakesWhoComes) {
  BindPresent();
  AskJoin();
  im::v1::ImEvent event;
  event.mutable_joined()->set_conversation_id("g:team");
  event.mutable_joined()->set_kind(im::v1::Conversation::KIND_GROUP);
  event.mutable_joined()->set_title("公告");
  event.mutable_joined()->set_member_count(500);
  Hear(event, "person:p1");
  EXPECT_THAT(Told(), IsEmpty());  // no invitation to what was asked for
  im::v1::AddMembersResponse added;
  added.add_added_ids("p1");
  TakeCall("AddMembers").Answer(added);
  const std::string told = Told();
  EXPECT_THAT(told, HasSubstr("<status code='110'/>"));
  EXPECT_THAT(told, Not(HasSubstr("<status code='201'/>")));
  EXPECT_THAT(told, HasSubstr("<subject>公告</subject>"));
  EXPECT_FALSE(HasCall("ListMembers"));  // too large for presence
}

TEST_F(RoomsTest, AClosedRoomIsForItsMembers) {
  BindPresent();
  AskJoin();
  TakeCall("AddMembers").Fail(NotFound());
  TakeCall("CreateGroup").Fail(Refuse(absl::StatusCode::kAlreadyExists, "HANDLE_TAKEN", "taken"));
  TakeCall("AddMembers").Fail(NotFound());
  const std::string told = Told();
  EXPECT_THAT(told, HasSubstr("<presence type='error' from='team@conference.example.org/u1' to='u1@example.org/desk' id='j'>"));
  EXPECT_THAT(told, HasSubstr("registration-required"));
  Say("<message to='team@conference.example.org' type='groupchat'><body>x</body></message>");
  EXPECT_THAT(Told(), HasSubstr("not-acceptable"));
  EXPECT_FALSE(HasCall("SendMessage"));
}

TEST_F(RoomsTest, NicknamesAreLogInNames) {
  BindPresent();
  edge.topics.insert("g:team");
  AskJoin("老大");
  im::v1::GetConversationResponse answer;
  answer.mutable_conversation()->set_member_count(1'000);
  TakeCall("GetConversation").Answer(answer);
  const std::string told = Told();
  EXPECT_THAT(told, HasSubstr("from='team@conference.example.org/u1'"));
  EXPECT_THAT(told, HasSubstr("<status code='210'/>"));
}

TEST_F(RoomsTest, MessagesAreReflectedWithTheirIds) {
  BindPresent();
  JoinLarge();
  Say("<message to='team@conference.example.org' type='groupchat' id='g1'><body>大家好</body></message>");
  FakeCall call = TakeCall("SendMessage");
  const auto request = call.As<im::v1::SendMessageRequest>();
  EXPECT_EQ(request.conversation_id(), "g:team");
  HearGroup("p1", "team", 4, request.client_id(), "大家好");
  EXPECT_EQ(Told(),
            "<message type='groupchat' from='team@conference.example.org/u1' id='g1'><body>大家好</body>"
            "<stanza-id xmlns='urn:xmpp:sid:0' id='1004' by='team@conference.example.org'/></message>");
  HearGroup("p2", "other", 1, "w", "not joined");
  EXPECT_THAT(Told(), IsEmpty());
}

// go-sendxmpp writes so.
TEST_F(RoomsTest, WhatIsWrittenBehindTheJoinIsSentOnceInside) {
  BindPresent();
  edge.topics.insert("g:team");
  AskJoin();
  Say("<message to='team@conference.example.org' type='groupchat' id='m1'><body>一</body></message>");
  Say("<message to='team@conference.example.org' type='groupchat' id='m2'><body>二</body></message>");
  EXPECT_FALSE(HasCall("SendMessage"));
  im::v1::GetConversationResponse answer;
  answer.mutable_conversation()->set_member_count(1'000);
  TakeCall("GetConversation").Answer(answer);
  EXPECT_EQ(TakeCall("SendMessage").As<im::v1::SendMessageRequest>().content().text(), "一");
  EXPECT_EQ(TakeCall("SendMessage").As<im::v1::SendMessageRequest>().content().text(), "二");
  EXPECT_THAT(Told(), Not(HasSubstr("error")));
}

TEST_F(RoomsTest, WhatIsWrittenBehindAJoinThatFailsIsRefused) {
  BindPresent();
  AskJoin();
  Say("<message to='team@conference.example.org' type='groupchat' id='m1'><body>一</body></message>");
  TakeCall("AddMembers").Fail(Refuse(absl::StatusCode::kPermissionDenied, "NOT_OPEN", "no"));
  const std::string told = Told();
  EXPECT_THAT(told, HasSubstr("<presence type='error'"));
  EXPECT_THAT(told, HasSubstr("<message type='error' from='team@conference.example.org' to='u1@example.org/desk' id='m1'>"));
  EXPECT_FALSE(HasCall("SendMessage"));
}

TEST_F(RoomsTest, SmallRoomsShowWhoIsThere) {
  BindPresent();
  JoinSmall();
  std::string told = Told();
  EXPECT_LT(told.find("team@conference.example.org/u2"), told.find("<status code='110'/>"));
  EXPECT_THAT(told, HasSubstr("<show>dnd</show>"));
  EXPECT_THAT(told, HasSubstr("jid='u2@example.org'"));
  EXPECT_THAT(told, Not(HasSubstr("/u3'")));
  HearNotice(im::v1::Notice::KIND_JOINED, "p4", 5);
  EXPECT_THAT(Told(), HasSubstr("<presence from='team@conference.example.org/u4'"));
  HearNotice(im::v1::Notice::KIND_LEFT, "p2", 6);
  EXPECT_THAT(Told(), HasSubstr("<presence type='unavailable' from='team@conference.example.org/u2'"));
  HearNotice(im::v1::Notice::KIND_RENAMED, "", 7, "新标题");
  EXPECT_THAT(Told(), HasSubstr("<subject>新标题</subject>"));
  Pass(3'100);
  const auto watch = TakeCall("WatchPresence").As<im::v1::WatchPresenceRequest>();
  EXPECT_THAT(watch.person_ids(), ::testing::UnorderedElementsAre("p3", "p4"));
  im::v1::ImEvent event;
  event.mutable_presence()->set_person_id("p3");
  event.mutable_presence()->set_show(im::v1::Presence::SHOW_ONLINE);
  Hear(event, "presence:p3");
  EXPECT_THAT(Told(), HasSubstr("<presence from='team@conference.example.org/u3'"));
}

TEST_F(RoomsTest, HistoryComesBeforeTheSubjectAndWhatIsSaidMeanwhileBehindIt) {
  BindPresent();
  edge.topics.insert("g:team");
  AskJoin("u1", "<history maxstanzas='2'/>");
  im::v1::GetConversationResponse answer;
  answer.mutable_conversation()->set_member_count(1'000);
  answer.mutable_conversation()->set_title("T");
  TakeCall("GetConversation").Answer(answer);
  FakeCall history = TakeCall("ListArchive");
  EXPECT_EQ(history.As<im::v1::ListArchiveRequest>().page_size(), 2u);
  Told();
  HearGroup("p2", "team", 11, "w11", "eleven");
  HearGroup("p2", "team", 12, "w12", "twelve");
  EXPECT_THAT(Told(), IsEmpty());
  im::v1::ListArchiveResponse page;
  *page.add_messages() = MakeMessage("g:team", "p3", 10, "w10", "ten");
  *page.add_messages() = MakeMessage("g:team", "p2", 11, "w11", "eleven");
  history.Answer(page);
  const std::string told = Told();
  EXPECT_LT(told.find("ten"), told.find("eleven"));
  EXPECT_EQ(told.find("eleven"), told.rfind("eleven"));
  EXPECT_LT(told.find("eleven"), told.find("<subject>T</subject>"));
  EXPECT_LT(told.find("<subject>"), told.find("twelve"));
}

TEST_F(RoomsTest, LeavingIsOnlyNotListening) {
  BindPresent();
  JoinLarge();
  Say("<presence type='unavailable' to='team@conference.example.org/u1'/>");
  EXPECT_THAT(Told(), HasSubstr("<presence type='unavailable' from='team@conference.example.org/u1'"));
  EXPECT_FALSE(HasCall("RemoveMember"));
  HearGroup("p2", "team", 4, "w", "unheard");
  EXPECT_THAT(Told(), IsEmpty());
  Say("<iq type='get' id='p' to='team@conference.example.org/u1'><ping xmlns='urn:xmpp:ping'/></iq>");
  EXPECT_THAT(Told(), HasSubstr("not-acceptable"));
}

TEST_F(RoomsTest, BeingRemovedEndsIt) {
  BindPresent();
  JoinLarge();
  im::v1::ImEvent event;
  event.mutable_left()->set_conversation_id("g:team");
  Hear(event, "person:p1");
  const std::string told = Told();
  EXPECT_THAT(told, HasSubstr("<status code='321'/>"));
  EXPECT_THAT(told, HasSubstr("type='unavailable'"));
}

TEST_F(RoomsTest, BeingAddedIsAnInvitation) {
  BindPresent();
  im::v1::ImEvent event;
  event.mutable_joined()->set_conversation_id("g:team");
  event.mutable_joined()->set_kind(im::v1::Conversation::KIND_GROUP);
  event.mutable_joined()->set_title("公告");
  Hear(event, "person:p1");
  EXPECT_THAT(Told(), HasSubstr("<x xmlns='jabber:x:conference' jid='team@conference.example.org' reason='公告'/>"));
}

TEST_F(RoomsTest, TheSubjectIsTheTitle) {
  BindPresent();
  JoinLarge();
  Say("<message to='team@conference.example.org' type='groupchat' id='s'><subject>新</subject></message>");
  FakeCall call = TakeCall("RenameGroup");
  EXPECT_EQ(call.As<im::v1::RenameGroupRequest>().title(), "新");
  call.Fail(Refuse(absl::StatusCode::kPermissionDenied, "NOT_OWNER", "only the owner"));
  EXPECT_THAT(Told(), HasSubstr("forbidden"));
}

TEST_F(RoomsTest, ABrokenLinkLeavesNoGapAndNoDouble) {
  BindPresent();
  JoinLarge();
  HearGroup("p2", "team", 10, "w10", "ten");
  Told();
  listener->OnReady(true);
  FakeCall page = TakeCall("ListMessages");
  EXPECT_EQ(page.As<im::v1::ListMessagesRequest>().after_seq(), 10u);
  HearGroup("p2", "team", 13, "w13", "thirteen");
  EXPECT_THAT(Told(), Not(HasSubstr("thirteen")));
  Say("<message to='team@conference.example.org' type='groupchat'><body>still in</body></message>");
  EXPECT_TRUE(HasCall("SendMessage"));
  im::v1::ListMessagesResponse answer;
  *answer.add_messages() = MakeMessage("g:team", "p2", 11, "w11", "eleven");
  answer.set_more(true);
  page.Answer(answer);
  answer.Clear();
  *answer.add_messages() = MakeMessage("g:team", "p2", 12, "w12", "twelve");
  *answer.add_messages() = MakeMessage("g:team", "p2", 13, "w13", "thirteen");
  TakeCall("ListMessages").Answer(answer);
  const std::string told = Told();
  EXPECT_LT(told.find("eleven"), told.find("twelve"));
  EXPECT_LT(told.find("twelve"), told.find("thirteen"));
  EXPECT_EQ(told.find("thirteen"), told.rfind("thirteen"));
  HearGroup("p2", "team", 14, "w14", "fourteen");
  EXPECT_THAT(Told(), HasSubstr("fourteen"));
}

TEST_F(RoomsTest, BadNamesAreRefused) {
  BindPresent();
  Say("<presence to='房间@conference.example.org/u1'><x xmlns='http://jabber.org/protocol/muc'/></presence>");
  EXPECT_THAT(Told(), HasSubstr("not-acceptable"));
  Say("<presence to='team@conference.example.org'><x xmlns='http://jabber.org/protocol/muc'/></presence>");
  EXPECT_THAT(Told(), HasSubstr("jid-malformed"));
  Say("<presence to='team@conference.example.org/u1'><x xmlns='http://jabber.org/protocol/muc'><history since='x'/></x></presence>");
  EXPECT_THAT(Told(), HasSubstr("bad-request"));
  EXPECT_TRUE(edge.calls.empty());
}

}  // namespace
}  // namespace yizhan::edge::xmpp
