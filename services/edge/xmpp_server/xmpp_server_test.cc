#include "edge/xmpp_server/xmpp_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "edge/xmpp_server/testing/town.h"
#include "edge/xmpp_server/text.h"

namespace yizhan::edge::xmpp {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kHeader[] =
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.org' "
    "version='1.0'>";

TEST(XmppServer, TwoPeopleTalk) {
  Town town;
  TownClient a(town.port()), b(town.port());
  a.Enter("u1");
  b.Enter("u2");
  a.Send("<message to='u2@example.org' type='chat' id='m1'><body>你好</body></message>");
  EXPECT_THAT(b.ReadUntil("</message>"), HasSubstr("<message type='chat' from='u1@example.org' id='m1'><body>你好</body>"));
  b.Send("<message to='u1@example.org/desk' type='chat' id='m2'><body>你也好</body></message>");
  EXPECT_THAT(a.ReadUntil("</message>"), HasSubstr("<message type='chat' from='u2@example.org' id='m2'><body>你也好</body>"));
  a.Send("</stream:stream>");
  EXPECT_EQ(a.ReadAll(), "</stream:stream>");
  EXPECT_TRUE(town.WaitForCount("LogOut", 1));
}

TEST(XmppServer, AnythingCutAnyhowIsUnderstood) {
  Town town;
  TownClient a(town.port()), b(town.port());
  b.Enter("u2");
  a.Open();
  a.LogIn("u1");
  const std::string rest = Cat(kHeader,
                               "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq><presence/>"
                               "<message to='u2@example.org'><body>一</body></message> \n <message to='u2@example.org'><body>二</body></message>");
  for (char c : rest) a.Send(std::string_view(&c, 1));
  const std::string heard = b.ReadUntil("二");
  EXPECT_THAT(heard, HasSubstr("一"));
}

TEST(XmppServer, EverythingAtOnceIsUnderstoodToo) {
  Town town;
  TownClient a(town.port()), b(town.port());
  b.Enter("u2");
  // A client that does not wait for any answer: "\0u1\0right".
  a.Send(Cat(kHeader, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHUxAHJpZ2h0</auth>", kHeader,
             "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq><enable xmlns='urn:xmpp:sm:3'/>"
             "<message to='u2@example.org'><body>eager</body></message><r xmlns='urn:xmpp:sm:3'/>"));
  EXPECT_THAT(b.ReadUntil("</message>"), HasSubstr("eager"));
  EXPECT_THAT(a.ReadUntil("<a xmlns='urn:xmpp:sm:3' h='1'/>"), EndsWith("h='1'/>"));
}

TEST(XmppServer, WhatIsNoXmppGetsAClearEnd) {
  Town town;
  const std::string auth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>";
  std::string bomb = "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>";
  for (char c = 'b'; c < 'k'; ++c) bomb += Cat("<!ENTITY ", std::string(1, c), " '&", std::string(1, static_cast<char>(c - 1)), ";'>");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"GET / HTTP/1.1\r\n\r\n", "not-well-formed"},
      {Cat(kHeader, "<a></b>"), "not-well-formed"},
      {Cat(kHeader, "<a>\xff</a>"), "not-well-formed"},
      {Cat(kHeader, auth, "&lol;</auth>"), "not-well-formed"},
      {bomb, "restricted-xml"},
      {Cat(kHeader, "<!-- x -->"), "restricted-xml"},
      {Cat(kHeader, "<?php x?>"), "restricted-xml"},
      {Cat(kHeader, auth, std::string(11'000, 'A')), "policy-violation"},
      {Cat(kHeader, "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>"),
       "policy-violation"},
      {"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.com' version='1.0'>", "host-unknown"},
      {"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>", "invalid-namespace"},
      {"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.org'>", "unsupported-version"},
      {Cat(kHeader, "<message to='u1@example.org'><body>x</body></message>"), "not-authorized"},
      {Cat(kHeader, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"), "not-authorized"},
  };
  for (const auto& [said, condition] : cases) {
    TownClient client(town.port());
    client.Send(said);
    const std::string answer = client.ReadAll();
    EXPECT_THAT(answer, StartsWith("<?xml version='1.0'?><stream:stream ")) << said.substr(0, 200);
    EXPECT_THAT(answer, HasSubstr(Cat("<", condition, " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"))) << said.substr(0, 200);
    EXPECT_THAT(answer, EndsWith("</stream:error></stream:stream>")) << said.substr(0, 200);
  }
  EXPECT_EQ(town.Count("LogIn"), 0);
}

TEST(XmppServer, AfterLogInElementsMayBeLargerButNotEndless) {
  Town town;
  TownClient a(town.port()), b(town.port());
  a.Enter("u1");
  b.Enter("u2");
  a.Send(Cat("<message to='u2@example.org'><body>", std::string(100'000, 'x'), "</body></message>"));
  EXPECT_THAT(b.ReadUntil("</message>"), HasSubstr(std::string(100'000, 'x')));
  a.Send(Cat("<message to='u2@example.org'><body>", std::string(300'000, 'x')));
  EXPECT_THAT(a.ReadAll(), HasSubstr("policy-violation"));
}

TEST(XmppServer, WrongPasswordsAreRefusedAndCounted) {
  Town town;
  TownClient client(town.port());
  client.Open();
  for (int i = 0; i < 4; ++i) EXPECT_THAT(client.LogIn("u1", "wrong"), HasSubstr("<not-authorized/>"));
  EXPECT_THAT(client.LogIn("u1", "wrong"), HasSubstr("<not-authorized/>"));
  EXPECT_THAT(client.ReadAll(), HasSubstr("policy-violation"));

  TownClient other(town.port());
  other.Open();
  other.Send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>not-base64</auth>");
  EXPECT_THAT(other.ReadUntil("</failure>"), HasSubstr("incorrect-encoding"));
  other.Send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='CRAM-MD5'/>");
  EXPECT_THAT(other.ReadUntil("</failure>"), HasSubstr("invalid-mechanism"));
  other.Send("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
  EXPECT_THAT(other.ReadUntil("</failure>"), HasSubstr("malformed-request"));
  EXPECT_EQ(other.LogIn("u1"), "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
}

TEST(XmppServer, ActingForOthersIsNotOffered) {
  Town town;
  TownClient client(town.port());
  client.Open();
  client.Send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>dTIAdTEAcmlnaHQ=</auth>");  // "u2\0u1\0right"
  EXPECT_THAT(client.ReadUntil("</failure>"), HasSubstr("invalid-authzid"));
}

TEST(XmppServer, HalfOpenConnectionsAreClosed) {
  XmppOptions options;
  options.log_in_time = absl::Milliseconds(300);
  Town town(options);
  TownClient silent(town.port()), begun(town.port());
  begun.Open();
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_EQ(begun.ReadAll(), "");
}

TEST(XmppServer, BeforeTlsThereIsOnlyTls) {
  Town town({}, true);
  TownClient client(town.xmpp().port());
  const std::string features = client.Open();
  EXPECT_THAT(features, HasSubstr("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"));
  EXPECT_THAT(features, Not(HasSubstr("mechanism")));
  client.Send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHUxAHJpZ2h0</auth>");
  EXPECT_THAT(client.ReadAll(), HasSubstr("encryption-required"));
  EXPECT_EQ(town.Count("LogIn"), 0);

  // Bytes that come with the request for TLS are not taken as protected ones.
  TownClient injector(town.xmpp().port());
  injector.Open();
  injector.Send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
                "AHUxAHJpZ2h0</auth>");
  EXPECT_THAT(injector.ReadAll(), Not(HasSubstr("success")));
  EXPECT_EQ(town.Count("LogIn"), 0);
}

TEST(XmppServer, DirectTls) {
  Town town({}, true);
  TownClient a(town.xmpp().tls_port(), town.ca()), b(town.port());
  a.Enter("u1");
  b.Enter("u2");
  b.Send("<message to='u1@example.org'><body>through TLS</body></message>");
  EXPECT_THAT(a.ReadUntil("</message>"), HasSubstr("through TLS"));
}

TEST(XmppServer, WithoutTlsOnlyOnLoopback) {
  Town town;
  XmppOptions options;
  options.address = options.tls_address = "";
  options.plain_address = "0.0.0.0:0";
  const auto refused = XmppServer::Start(options, &town.router());
  EXPECT_EQ(ReasonOf(refused.status()), "PLAIN_NOT_LOOPBACK");
  options.plain_address = Cat("127.0.0.1:", static_cast<unsigned>(town.port()));
  EXPECT_EQ(ReasonOf(XmppServer::Start(options, &town.router()).status()), "PORT_IN_USE");
  options.plain_address = "127.0.0.1:0";
  options.domain = "not a domain";
  EXPECT_EQ(XmppServer::Start(options, &town.router()).status().code(), absl::StatusCode::kInvalidArgument);
  options.domain = "example.org";
  options.address = "127.0.0.1:0";  // without a certificate
  EXPECT_EQ(XmppServer::Start(options, &town.router()).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(XmppServer, SomebodyNewIsFoundAndNobodyIsNot) {
  Town town;
  TownClient client(town.port());
  client.Enter("u1");
  town.AddPerson("u9");
  client.Send("<message to='u9@example.org' id='n1'><body>welcome</body></message>");
  EXPECT_TRUE(town.WaitForCount("SendMessage", 1));
  client.Send("<message to='u8@example.org' id='n2'><body>x</body></message>");
  EXPECT_THAT(client.ReadUntil("</message>"), HasSubstr("item-not-found"));
}

TEST(XmppServer, AResourceIsTakenOver) {
  Town town;
  TownClient first(town.port()), second(town.port());
  first.Enter("u1");
  second.Enter("u1");
  EXPECT_THAT(first.ReadAll(), HasSubstr("<conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"));
  EXPECT_EQ(town.xmpp().sessions(), 1u);
}

// Connections go to the pool's two threads in turn, so that some of these resumptions stay on the session's thread and some do not.
TEST(XmppServer, ASessionGoesOnWhereverItsClientComesBack) {
  Town town;
  TownClient peer(town.port());
  peer.Enter("u2");
  auto client = std::make_unique<TownClient>(town.port());
  client->Enter("u1");
  client->Send("<enable xmlns='urn:xmpp:sm:3' resume='1'/>");
  const std::string enabled = client->ReadUntil("/>");
  const size_t at = enabled.find("id='") + 4;
  const std::string id = enabled.substr(at, enabled.find('\'', at) - at);
  unsigned handled = 0;
  for (unsigned round = 1; round <= 6; ++round) {
    if (round % 3 == 0) TownClient other(town.port());  // shifts the turn
    client.reset();  // cut off
    peer.Send(Cat("<message to='u1@example.org'><body>missed ", round, "</body></message>"));
    EXPECT_TRUE(town.WaitForCount("SendMessage", static_cast<int>(2 * round - 1)));
    client = std::make_unique<TownClient>(town.port());
    client->Open();
    client->LogIn("u1");
    client->Open();
    client->Send(Cat("<resume xmlns='urn:xmpp:sm:3' previd='", id, "' h='", handled, "'/>"));
    const std::string resumed = client->ReadUntil("</message>");
    EXPECT_THAT(resumed, StartsWith(Cat("<resumed xmlns='urn:xmpp:sm:3' previd='", id, "' h='", round - 1, "'/>"))) << round;
    EXPECT_THAT(resumed, HasSubstr(Cat("missed ", round))) << round;
    ++handled;
    client->Send(Cat("<message to='u2@example.org'><body>back ", round, "</body></message>"));
    EXPECT_THAT(peer.ReadUntil("</message>"), HasSubstr(Cat("back ", round)));
  }
  // Somebody else's session is nobody's business.
  TownClient thief(town.port());
  thief.Open();
  thief.LogIn("u3");
  thief.Open();
  thief.Send(Cat("<resume xmlns='urn:xmpp:sm:3' previd='", id, "' h='0'/>"));
  EXPECT_THAT(thief.ReadUntil("</failed>"), HasSubstr("item-not-found"));
}

TEST(XmppServer, StoppingIsToldToEverybody) {
  Town town;
  TownClient idle(town.port()), bound(town.port());
  idle.Open();
  bound.Enter("u1");
  town.StopXmpp();
  EXPECT_THAT(idle.ReadAll(), HasSubstr("system-shutdown"));
  EXPECT_THAT(bound.ReadAll(), HasSubstr("system-shutdown"));
  EXPECT_EQ(town.xmpp().sessions(), 0u);
}

}  // namespace
}  // namespace yizhan::edge::xmpp
