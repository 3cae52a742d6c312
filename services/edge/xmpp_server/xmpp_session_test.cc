#include "edge/xmpp_server/xmpp_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "edge/xmpp_server/testing/session_rig.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kR = "<r xmlns='urn:xmpp:sm:3'/>";

class XmppSessionTest : public ::testing::Test, protected SessionRig {
 protected:
  void Enable() {
    BindPresent();
    Say("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    EXPECT_THAT(Told(), HasSubstr("resume='true' max='300'"));
    EXPECT_FALSE(resumption_id.empty());
  }
  void Write(std::string_view id) { Say(Cat("<message to='u2@example.org' id='", id, "'><body>x</body></message>")); }
};

TEST_F(XmppSessionTest, NothingIsAcknowledgedBeforeItIsDurable) {
  Enable();
  Write("a");
  Write("b");
  Say("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>");
  Told();
  Say(kR);
  EXPECT_THAT(Told(), IsEmpty());
  FakeCall a = TakeCall("SendMessage"), b = TakeCall("SendMessage");
  b.Answer(im::v1::SendMessageResponse());
  EXPECT_THAT(Told(), IsEmpty());
  a.Answer(im::v1::SendMessageResponse());
  EXPECT_EQ(Told(), "<a xmlns='urn:xmpp:sm:3' h='3'/>");
}

TEST_F(XmppSessionTest, WhatCameBeforeEnableIsNotCounted) {
  BindPresent();
  Write("early");
  Say("<enable xmlns='urn:xmpp:sm:3'/>");
  Told();
  TakeCall("SendMessage").Answer(im::v1::SendMessageResponse());
  Say(kR);
  EXPECT_EQ(Told(), "<a xmlns='urn:xmpp:sm:3' h='0'/>");
  Say("<enable xmlns='urn:xmpp:sm:3'/>");
  EXPECT_THAT(Told(), StartsWith("<failed"));
}

TEST_F(XmppSessionTest, GoesOnOverAnotherStream) {
  Enable();
  HearMessage("p2", "p1", 1, "w1", "one");
  HearMessage("p2", "p1", 2, "w2", "two");
  Say("<a xmlns='urn:xmpp:sm:3' h='1'/>");
  Write("in-flight");
  Told();
  session->OnStreamLost(&sink);
  EXPECT_FALSE(retired);
  EXPECT_EQ(context.detached_sessions, 1);
  HearMessage("p2", "p1", 3, "w3", "three");

  FakeSink* next = NewSink();
  session->Resume(next, resumption_id, 1);
  EXPECT_TRUE(next->held);
  EXPECT_TRUE(next->written.empty());  // the message on its way decides what is acknowledged
  TakeCall("SendMessage").Answer(im::v1::SendMessageResponse());
  const std::string told = next->Take();
  EXPECT_THAT(told, StartsWith(Cat("<resumed xmlns='urn:xmpp:sm:3' previd='", resumption_id, "' h='1'/>")));
  EXPECT_THAT(told, Not(HasSubstr(">one<")));
  EXPECT_LT(told.find(">two<"), told.find(">three<"));
  EXPECT_FALSE(next->held);
  EXPECT_EQ(context.detached_sessions, 0);
  EXPECT_EQ(context.detached_bytes, 0);
}

TEST_F(XmppSessionTest, ADeadStreamMakesWayForTheOneThatResumes) {
  Enable();
  FakeSink* next = NewSink();
  session->Resume(next, resumption_id, 0);
  EXPECT_TRUE(sink.ended);
  EXPECT_THAT(sink.last_words, HasSubstr("conflict"));
  EXPECT_THAT(next->Take(), StartsWith("<resumed"));
  session->OnStreamLost(&sink);  // the old one's end is no news
  EXPECT_EQ(context.detached_sessions, 0);
}

TEST_F(XmppSessionTest, IsGivenUpAfterFiveMinutes) {
  Enable();
  session->OnStreamLost(&sink);
  Pass(299'000);
  EXPECT_FALSE(retired);
  Pass(1'500);
  EXPECT_TRUE(retired);
  EXPECT_TRUE(resumption_id.empty());
  session.reset();
  EXPECT_EQ(context.detached_sessions, 0);
}

TEST_F(XmppSessionTest, IsNotKeptBeyondTheBounds) {
  context.limits.detached_bytes = 1'000;
  Enable();
  session->OnStreamLost(&sink);
  for (uint64_t seq = 1; seq < 10 && !retired; ++seq) HearMessage("p2", "p1", seq, "w", std::string(300, 'x'));
  EXPECT_TRUE(retired);
}

TEST_F(XmppSessionTest, WithoutManagementALostStreamIsTheEnd) {
  BindPresent();
  session->OnStreamLost(&sink);
  EXPECT_TRUE(retired);
  EXPECT_EQ(edge.open, 0);
}

TEST_F(XmppSessionTest, ASlowClientIsCutOffAndMayResume) {
  Enable();
  sink.queued = context.limits.queue_bytes + 1;
  HearMessage("p2", "p1", 1, "w1", "hi");
  EXPECT_TRUE(sink.ended);
  EXPECT_THAT(sink.last_words, HasSubstr("resource-constraint"));
  EXPECT_FALSE(retired);
  FakeSink* next = NewSink();
  session->Resume(next, resumption_id, 0);
  EXPECT_THAT(next->Take(), HasSubstr(">hi<"));
}

TEST_F(XmppSessionTest, AClientThatNeverAcknowledgesEnds) {
  context.limits.sm.max_stanzas = 10;
  Enable();
  for (uint64_t seq = 1; seq <= 11; ++seq) HearMessage("p2", "p1", seq, "w", "x");
  EXPECT_TRUE(retired);
  EXPECT_THAT(sink.last_words, HasSubstr("policy-violation"));
}

TEST_F(XmppSessionTest, AnImpossibleAcknowledgementEndsTheStream) {
  Enable();
  Say("<a xmlns='urn:xmpp:sm:3' h='99'/>");
  EXPECT_TRUE(retired);
  EXPECT_THAT(sink.last_words, HasSubstr("handled-count-too-high"));
}

TEST_F(XmppSessionTest, ManyMessagesOnTheirWayHoldTheReader) {
  context.limits.sends_in_flight = 4;
  BindPresent();
  for (int i = 0; i < 4; ++i) Write("x");
  EXPECT_TRUE(sink.held);
  TakeCall("SendMessage").Answer(im::v1::SendMessageResponse());
  EXPECT_TRUE(sink.held);
  TakeCall("SendMessage").Answer(im::v1::SendMessageResponse());
  TakeCall("SendMessage").Answer(im::v1::SendMessageResponse());
  EXPECT_FALSE(sink.held);
}

// In a cluster each message is answered before the next one is looked at.
TEST_F(XmppSessionTest, OneMessageOnItsWayHoldsTheReaderWhereOrderNeedsIt) {
  context.limits.sends_in_flight = 1;
  BindPresent();
  for (int i = 0; i < 3; ++i) {
    Write("x");
    EXPECT_TRUE(sink.held);
    TakeCall("SendMessage").Answer(im::v1::SendMessageResponse());
    EXPECT_FALSE(sink.held);
  }
}

TEST_F(XmppSessionTest, SilenceIsAskedAboutAndThenBelieved) {
  BindPresent();
  Pass(300'100);
  EXPECT_THAT(Told(), HasSubstr("<ping xmlns='urn:xmpp:ping'/>"));
  Say("<iq type='result' id='alive'/>");
  Pass(300'100);
  EXPECT_THAT(Told(), HasSubstr("<ping"));
  Pass(61'000);
  EXPECT_TRUE(sink.ended);
  EXPECT_TRUE(retired);
}

TEST_F(XmppSessionTest, AnEndedLogInEndsTheStream) {
  Enable();
  listener->OnEnded(yizhan::Refuse(absl::StatusCode::kUnauthenticated, "SESSION_ENDED", "kicked"));
  EXPECT_TRUE(retired);
  EXPECT_THAT(sink.last_words, HasSubstr("not-authorized"));
}

TEST_F(XmppSessionTest, AnOrderlyEndIsAnswered) {
  Enable();
  session->OnStreamEnd();
  EXPECT_TRUE(retired);
  EXPECT_EQ(sink.last_words, "</stream:stream>");
}

TEST_F(XmppSessionTest, StrangeElementsEndTheStream) {
  BindPresent();
  Say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>");
  EXPECT_TRUE(sink.ended);
  EXPECT_THAT(sink.last_words, HasSubstr("unsupported-stanza-type"));
}

TEST_F(XmppSessionTest, QueriesAreAnsweredOrRefused) {
  BindPresent();
  Say("<iq type='get' id='1' to='example.org'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
  EXPECT_THAT(Told(), HasSubstr("<feature var='urn:xmpp:carbons:2'/>"));
  Say("<iq type='get' id='2' to='example.org'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>");
  EXPECT_THAT(Told(), HasSubstr("<item jid='conference.example.org'"));
  Say("<iq type='get' id='3'><query xmlns='jabber:iq:version'/></iq>");
  EXPECT_THAT(Told(), HasSubstr("Yizhan"));
  Say("<iq type='get' id='4'><time xmlns='urn:xmpp:time'/></iq>");
  EXPECT_THAT(Told(), HasSubstr("<utc>"));
  Say("<iq type='get' id='5'><query xmlns='jabber:iq:register'/></iq>");
  EXPECT_THAT(Told(), HasSubstr("service-unavailable"));
  Say("<iq type='get' id='6'/>");
  EXPECT_THAT(Told(), HasSubstr("bad-request"));
  Say("<iq type='get' id='7' to='u2@example.org'><vCard xmlns='vcard-temp'/></iq>");
  EXPECT_THAT(Told(), HasSubstr("<FN>人2</FN>"));
  Say("<iq type='result' id='8'/>");
  EXPECT_THAT(Told(), IsEmpty());
}

}  // namespace
}  // namespace yizhan::edge::xmpp
