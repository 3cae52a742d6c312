#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "edge/xmpp_server/testing/session_rig.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ArchiveQueryTest : public ::testing::Test, protected SessionRig {};

TEST_F(ArchiveQueryTest, TheLastPageOfTheAccount) {
  BindPresent();
  Say("<iq type='set' id='q1'><query xmlns='urn:xmpp:mam:2' queryid='q'><set xmlns='http://jabber.org/protocol/rsm'><max>50</max>"
      "<before/></set></query></iq>");
  FakeCall call = TakeCall("ListArchive");
  const auto request = call.As<im::v1::ListArchiveRequest>();
  EXPECT_TRUE(request.newest());
  EXPECT_EQ(request.page_size(), 50u);
  im::v1::ListArchiveResponse page;
  *page.add_messages() = MakeMessage("d:p1:p2", "p2", 1, "x:abcdefgh1:m0", "你好");
  *page.add_messages() = MakeMessage("d:p1:p2", "p1", 2, "w", "a<b");
  page.set_count(120);
  page.set_count_known(true);
  call.Answer(page);
  const std::string told = Told();
  EXPECT_THAT(told, HasSubstr("<message to='u1@example.org/desk'><result xmlns='urn:xmpp:mam:2' queryid='q' id='1001'>"
                              "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2023-11-14T22:13:20.000000Z'/>"
                              "<message xmlns='jabber:client' type='chat' from='u2@example.org' to='u1@example.org' id='m0'>"
                              "<body>你好</body></message></forwarded></result></message>"));
  EXPECT_THAT(told, HasSubstr("<body>a&lt;b</body>"));
  EXPECT_THAT(told, HasSubstr("<iq type='result' id='q1'><fin xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'>"
                              "<first>1001</first><last>1002</last><count>120</count></set></fin></iq>"));
  // Everything that was written is one well-formed piece after another.
  EXPECT_TRUE(ParseElement("<all xmlns='jabber:client'>" + told + "</all>").ok());
}

TEST_F(ArchiveQueryTest, ARoomsArchiveIsTheRooms) {
  BindPresent();
  Say("<iq type='set' id='q' to='team@conference.example.org'><query xmlns='urn:xmpp:mam:2'/></iq>");
  FakeCall call = TakeCall("ListArchive");
  EXPECT_EQ(call.As<im::v1::ListArchiveRequest>().conversation_id(), "g:team");
  im::v1::ListArchiveResponse page;
  *page.add_messages() = MakeMessage("g:team", "p2", 1, "w", "x");
  page.set_complete(true);
  call.Answer(page);
  const std::string told = Told();
  EXPECT_THAT(told, HasSubstr("<message from='team@conference.example.org' to='u1@example.org/desk'><result"));
  EXPECT_THAT(told, HasSubstr("from='team@conference.example.org/u2'"));
  EXPECT_THAT(told, HasSubstr("<fin xmlns='urn:xmpp:mam:2' complete='true'>"));
  Say("<iq type='set' id='q2' to='secret@conference.example.org'><query xmlns='urn:xmpp:mam:2'/></iq>");
  TakeCall("ListArchive").Fail(Refuse(absl::StatusCode::kNotFound, "CONVERSATION_NOT_FOUND", ""));
  EXPECT_THAT(Told(), HasSubstr("item-not-found"));
}

TEST_F(ArchiveQueryTest, FiltersAreTakenOverOrRefused) {
  BindPresent();
  Say("<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'>"
      "<field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field><field var='with'><value>U2@example.org/x</value></field>"
      "<field var='start'><value>2024-01-01T00:00:00Z</value></field></x>"
      "<set xmlns='http://jabber.org/protocol/rsm'><after>77</after><max>9999</max></set></query></iq>");
  const auto request = TakeCall("ListArchive").As<im::v1::ListArchiveRequest>();
  EXPECT_EQ(request.with_person_id(), "p2");
  EXPECT_EQ(request.after_id(), 77u);
  EXPECT_EQ(request.page_size(), 200u);
  EXPECT_EQ(request.start_us(), 1'704'067'200'000'000);
  EXPECT_FALSE(request.newest());
  Say("<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'>"
      "<field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field><field var='colour'><value>red</value></field></x></query></iq>");
  EXPECT_THAT(Told(), HasSubstr("feature-not-implemented"));
  Say("<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><after>nonsense</after></set></query></iq>");
  EXPECT_THAT(Told(), HasSubstr("item-not-found"));
  EXPECT_FALSE(HasCall("ListArchive"));
  Say("<iq type='get' id='f'><query xmlns='urn:xmpp:mam:2'/></iq>");
  EXPECT_THAT(Told(), HasSubstr("<field var='with' type='jid-single'"));
}

TEST_F(ArchiveQueryTest, AnotherPersonsArchiveIsNotThere) {
  BindPresent();
  Say("<iq type='set' id='q' to='u2@example.org'><query xmlns='urn:xmpp:mam:2'/></iq>");
  EXPECT_THAT(Told(), HasSubstr("service-unavailable"));
  EXPECT_FALSE(HasCall("ListArchive"));
}

}  // namespace
}  // namespace yizhan::edge::xmpp
