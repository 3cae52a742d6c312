#include "edge/xmpp_server/direct_messages.h"

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

im::v1::SendMessageResponse Sent(uint64_t seq) {
  im::v1::SendMessageResponse response;
  response.set_conversation_id("d:p1:p2");
  response.set_seq(seq);
  response.set_message_id(1000 + seq);
  return response;
}

class DirectMessagesTest : public ::testing::Test, protected SessionRig {};

TEST_F(DirectMessagesTest, TextGoesToItsOwnerAndBackToTheReader) {
  BindPresent();
  Say("<message to='u2@example.org' type='chat' id='m1'><body>你好 &lt;b&gt;</body></message>");
  FakeCall call = TakeCall("SendMessage");
  const auto request = call.As<im::v1::SendMessageRequest>();
  EXPECT_EQ(request.to_person_id(), "p2");
  EXPECT_EQ(request.content().text(), "你好 <b>");
  call.Answer(Sent(1));
  EXPECT_THAT(Told(), IsEmpty());
  // The sender's own event is no copy for the sender.
  HearMessage("p1", "p2", 1, request.client_id(), "你好 <b>");
  EXPECT_THAT(Told(), IsEmpty());

  HearMessage("p2", "p1", 2, "w-1", "在 & 好");
  const std::string told = Told();
  EXPECT_THAT(told, HasSubstr("<message type='chat' from='u2@example.org' id='w-1'><body>在 &amp; 好</body>"));
  EXPECT_THAT(told, HasSubstr("<stanza-id xmlns='urn:xmpp:sid:0' id='1002' by='u1@example.org'/>"));
}

TEST_F(DirectMessagesTest, TheStanzaIdTravelsButTwoMessagesOfOneIdAreTwo) {
  BindPresent();
  Say("<message to='u2@example.org' id='same'><body>a</body></message>");
  Say("<message to='u2@example.org' id='same'><body>b</body></message>");
  const std::string first = TakeCall("SendMessage").As<im::v1::SendMessageRequest>().client_id();
  const std::string second = TakeCall("SendMessage").As<im::v1::SendMessageRequest>().client_id();
  EXPECT_NE(first, second);
  // As its reader sees it.
  SessionRig reader;
  reader.BindPresent();
  reader.HearMessage("p2", "p1", 1, first, "a");
  EXPECT_THAT(reader.Told(), HasSubstr(" id='same'>"));
}

TEST_F(DirectMessagesTest, AnOriginIdMakesARetryRecognisable) {
  BindPresent();
  const std::string_view stanza =
      "<message to='u2@example.org' id='8f0a'><body>a</body><origin-id xmlns='urn:xmpp:sid:0' id='8f0a'/></message>";
  Say(stanza);
  Say(stanza);
  const auto first = TakeCall("SendMessage").As<im::v1::SendMessageRequest>();
  const auto second = TakeCall("SendMessage").As<im::v1::SendMessageRequest>();
  EXPECT_EQ(first.client_id(), second.client_id());
}

TEST_F(DirectMessagesTest, ARefusalBecomesAnErrorToTheSame) {
  BindPresent();
  Say("<message to='u2@example.org/x' type='chat' id='m&amp;1'><body>a</body></message>");
  TakeCall("SendMessage").Fail(Refuse(absl::StatusCode::kPermissionDenied, "NOT_A_MEMBER", "you left"));
  const std::string told = Told();
  EXPECT_THAT(told, HasSubstr("<message type='error' from='u2@example.org/x' to='u1@example.org/desk' id='m&amp;1'>"));
  EXPECT_THAT(told, HasSubstr("<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"));
  EXPECT_THAT(told, HasSubstr("you left"));
}

TEST_F(DirectMessagesTest, TheSenderIsWhoLoggedIn) {
  BindPresent();
  Say("<message from='u3@example.org' to='u2@example.org'><body>a</body></message>");
  EXPECT_TRUE(HasCall("SendMessage"));  // on behalf of p1: the session's principal decides
  Say("<message to='u2@elsewhere.org' id='x'><body>a</body></message>");
  EXPECT_THAT(Told(), HasSubstr("remote-server-not-found"));
  Say("<message to='u2@@example.org' id='x'><body>a</body></message>");
  EXPECT_THAT(Told(), HasSubstr("jid-malformed"));
}

TEST_F(DirectMessagesTest, OtherDevicesGetCarbonsOnlyWhenEnabled) {
  BindPresent();
  HearMessage("p1", "p2", 1, "from-the-browser", "hi");
  EXPECT_THAT(Told(), IsEmpty());
  Say("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
  EXPECT_THAT(Told(), HasSubstr("type='result'"));
  HearMessage("p1", "p2", 2, "from-the-browser-2", "hi");
  const std::string told = Told();
  EXPECT_THAT(
      told,
      HasSubstr(
          "<message type='chat' from='u1@example.org' to='u1@example.org/desk'><sent xmlns='urn:xmpp:carbons:2'>"));
  EXPECT_THAT(told, HasSubstr("from='u1@example.org' to='u2@example.org' id='from-the-browser-2'><body>hi</body>"));
}

TEST_F(DirectMessagesTest, AForgedCarbonGoesNowhere) {
  BindPresent();
  Say("<message to='u2@example.org'><body>x</body><sent xmlns='urn:xmpp:carbons:2'><forwarded "
      "xmlns='urn:xmpp:forward:0'/></sent></message>");
  EXPECT_FALSE(HasCall("SendMessage"));
}

TEST_F(DirectMessagesTest, ReceiptsAndMarkersMoveCursorsBothWays) {
  BindPresent();
  HearMessage("p2", "p1", 5, "x:abcdefgh1:their-id", "hi");
  Told();
  Say("<message to='u2@example.org'><received xmlns='urn:xmpp:receipts' id='their-id'/></message>");
  auto moved = TakeCall("MoveCursor").As<im::v1::MoveCursorRequest>();
  EXPECT_EQ(moved.conversation_id(), "d:p1:p2");
  EXPECT_EQ(moved.delivered_seq(), 5u);
  EXPECT_EQ(moved.read_seq(), 0u);
  Say("<message to='u2@example.org'><displayed xmlns='urn:xmpp:chat-markers:0' id='their-id'/></message>");
  moved = TakeCall("MoveCursor").As<im::v1::MoveCursorRequest>();
  EXPECT_EQ(moved.read_seq(), 5u);

  Say("<message to='u2@example.org' id='mine'><body>a</body><request xmlns='urn:xmpp:receipts'/>"
      "<markable xmlns='urn:xmpp:chat-markers:0'/></message>");
  TakeCall("SendMessage").Answer(Sent(6));
  im::v1::ImEvent event;
  event.mutable_cursor()->set_conversation_id("d:p1:p2");
  event.mutable_cursor()->set_person_id("p2");
  event.mutable_cursor()->set_delivered_seq(5);
  Hear(event, "d:p1:p2");
  EXPECT_THAT(Told(), IsEmpty());
  event.mutable_cursor()->set_delivered_seq(6);
  Hear(event, "d:p1:p2");
  std::string told = Told();
  EXPECT_THAT(told, HasSubstr("<received xmlns='urn:xmpp:receipts' id='mine'/>"));
  EXPECT_THAT(told, Not(HasSubstr("displayed")));
  event.mutable_cursor()->set_read_seq(6);
  Hear(event, "d:p1:p2");
  told = Told();
  EXPECT_THAT(told, HasSubstr("<displayed xmlns='urn:xmpp:chat-markers:0' id='mine'/>"));
  EXPECT_THAT(told, Not(HasSubstr("received")));
  Hear(event, "d:p1:p2");
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(DirectMessagesTest, TypingIsPassedOn) {
  BindPresent();
  Say("<message to='u2@example.org' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>");
  const auto request = TakeCall("SetTyping").As<im::v1::SetTypingRequest>();
  EXPECT_EQ(request.to_person_id(), "p2");
  EXPECT_TRUE(request.active());
  im::v1::ImEvent event;
  event.mutable_typing()->set_conversation_id("d:p1:p2");
  event.mutable_typing()->set_person_id("p2");
  event.mutable_typing()->set_active(true);
  Hear(event, "d:p1:p2");
  EXPECT_THAT(Told(), HasSubstr("<composing xmlns='http://jabber.org/protocol/chatstates'/>"));
  Say("<inactive xmlns='urn:xmpp:csi:0'/>");
  Hear(event, "d:p1:p2");
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(DirectMessagesTest, WhatWaitedComesWithTheInitialPresenceOnce) {
  Bind();
  HearMessage("p2", "p1", 8, "w8", "before presence");
  EXPECT_THAT(Told(), IsEmpty());
  Say("<presence/>");
  im::v1::SyncResponse sync;
  auto* conversation = sync.add_conversations();
  conversation->set_conversation_id("d:p1:p2");
  conversation->set_kind(im::v1::Conversation::KIND_DIRECT);
  conversation->set_unread(3);
  auto* read = sync.add_conversations();
  read->set_conversation_id("d:p1:p3");
  read->set_kind(im::v1::Conversation::KIND_DIRECT);
  TakeCall("Sync").Answer(sync);
  im::v1::MoveCursorResponse cursor;
  cursor.set_delivered_seq(6);
  TakeCall("MoveCursor").Answer(cursor);
  // What comes meanwhile keeps its place.
  HearMessage("p2", "p1", 9, "w9", "live nine");
  HearMessage("p2", "p1", 10, "w10", "live ten");
  Told();
  im::v1::ListMessagesResponse page;
  *page.add_messages() = MakeMessage("d:p1:p2", "p2", 6, "w6", "delivered before");
  *page.add_messages() = MakeMessage("d:p1:p2", "p1", 7, "w7", "my own");
  *page.add_messages() = MakeMessage("d:p1:p2", "p2", 8, "w8", "waited eight");
  *page.add_messages() = MakeMessage("d:p1:p2", "p2", 9, "w9", "live nine");
  TakeCall("ListMessages").Answer(page);
  const std::string told = Told();
  EXPECT_THAT(told, Not(HasSubstr("delivered before")));
  EXPECT_THAT(told, Not(HasSubstr("my own")));
  EXPECT_LT(told.find("waited eight"), told.find("live nine"));
  EXPECT_LT(told.find("live nine"), told.find("live ten"));
  EXPECT_EQ(told.find("live nine"), told.rfind("live nine"));
  EXPECT_THAT(told,
              HasSubstr("<delay xmlns='urn:xmpp:delay' from='example.org' stamp='2023-11-14T22:13:20.000000Z'/>"));
  EXPECT_FALSE(HasCall("MoveCursor"));  // reported later
}

TEST_F(DirectMessagesTest, AMessageOfSomebodyNewWaitsUntilTheirNameIsKnown) {
  BindPresent();
  HearMessage("p9", "p1", 1, "w1", "first of nine");
  HearMessage("p2", "p1", 1, "w2", "behind it");
  EXPECT_THAT(Told(), IsEmpty());
  ASSERT_EQ(people_asked.size(), 1u);
  AddPerson("p9", "u9");
  const std::string told = Told();
  EXPECT_THAT(told, HasSubstr("from='u9@example.org' id='w1'><body>first of nine</body>"));
  EXPECT_LT(told.find("first of nine"), told.find("behind it"));
  HearMessage("p9", "p1", 2, "w3", "at once");
  EXPECT_THAT(Told(), HasSubstr("at once"));
}

TEST_F(DirectMessagesTest, AMessageOfWhomTheDirectoryDoesNotTellIsNotLost) {
  BindPresent();
  HearMessage("p9", "p1", 1, "w1", "from whom?");
  for (auto& done : std::exchange(people_asked, {})) done();
  EXPECT_THAT(Told(), HasSubstr("from='p9@example.org' id='w1'><body>from whom?</body>"));
}

TEST_F(DirectMessagesTest, ABrokenLinkWhileANameIsLookedUpLosesNothing) {
  BindPresent();
  HearMessage("p9", "p1", 4, "w4", "held back");
  listener->OnReady(true);
  im::v1::SyncResponse sync;
  auto* conversation = sync.add_conversations();
  conversation->set_conversation_id("d:p1:p9");
  conversation->set_kind(im::v1::Conversation::KIND_DIRECT);
  conversation->set_unread(2);
  TakeCall("Sync").Answer(sync);
  // Whom the book does not have is looked up once more.
  EXPECT_FALSE(HasCall("MoveCursor"));
  AddPerson("p9", "u9");
  TakeCall("MoveCursor").Answer(im::v1::MoveCursorResponse());
  im::v1::ListMessagesResponse page;
  *page.add_messages() = MakeMessage("d:p1:p9", "p9", 3, "w3", "missed");
  *page.add_messages() = MakeMessage("d:p1:p9", "p9", 4, "w4", "held back");
  TakeCall("ListMessages").Answer(page);
  const std::string told = Told();
  EXPECT_LT(told.find("missed"), told.find("held back"));
  EXPECT_EQ(told.find("held back"), told.rfind("held back"));
  EXPECT_THAT(told, HasSubstr("from='u9@example.org'"));
}

TEST_F(DirectMessagesTest, DeliveryIsReportedInBulk) {
  BindPresent();
  HearMessage("p2", "p1", 1, "w1", "a");
  HearMessage("p2", "p1", 2, "w2", "b");
  HearMessage("p3", "p1", 1, "w3", "c");
  EXPECT_FALSE(HasCall("MoveCursor"));
  Pass(3'100);
  Pass(3'100);
  auto one = TakeCall("MoveCursor").As<im::v1::MoveCursorRequest>();
  auto two = TakeCall("MoveCursor").As<im::v1::MoveCursorRequest>();
  EXPECT_EQ(one.delivered_seq() + two.delivered_seq(), 3u);
  EXPECT_FALSE(HasCall("MoveCursor"));
  Pass(10'000);
  EXPECT_FALSE(HasCall("MoveCursor"));
}

TEST_F(DirectMessagesTest, AClientThatAcknowledgesIsTakenAtItsWord) {
  BindPresent();
  Say("<enable xmlns='urn:xmpp:sm:3'/>");
  HearMessage("p2", "p1", 1, "w1", "a");
  HearMessage("p2", "p1", 2, "w2", "b");
  Pass(3'100);
  Pass(3'100);
  EXPECT_FALSE(HasCall("MoveCursor"));
  Say("<a xmlns='urn:xmpp:sm:3' h='2'/>");
  Pass(3'100);
  EXPECT_EQ(TakeCall("MoveCursor").As<im::v1::MoveCursorRequest>().delivered_seq(), 2u);
}

TEST_F(DirectMessagesTest, WhatCannotBeCarriedIsRefusedNotSwallowed) {
  BindPresent();
  Say("<message to='u2@example.org' id='j' type='chat'><propose xmlns='urn:xmpp:jingle-message:0' id='1'/></message>");
  EXPECT_THAT(Told(), HasSubstr("service-unavailable"));
  Say("<message to='u2@example.org' id='g' type='groupchat'><body>x</body></message>");
  EXPECT_THAT(Told(), HasSubstr("service-unavailable"));
  EXPECT_FALSE(HasCall("SendMessage"));
}

}  // namespace
}  // namespace yizhan::edge::xmpp
