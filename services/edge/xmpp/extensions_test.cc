#include "edge/xmpp/extensions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "edge/xmpp/archive.h"
#include "edge/xmpp/data_form.h"
#include "edge/xmpp/element.h"
#include "edge/xmpp/muc.h"
#include "edge/xmpp/timestamp.h"

namespace yizhan::edge::xmpp {
namespace {

// What was written, read again: every builder's output must be one well-formed element.
Document Read(const std::string& xml) {
  auto parsed = ParseElement(xml);
  EXPECT_TRUE(parsed.ok()) << parsed.status() << "\n" << xml;
  return parsed.ok() ? *std::move(parsed) : Document();
}

TEST(Stanza, StreamOpening) {
  std::string out;
  AppendStreamOpen("id<1>", "corp.example", "a&b@corp.example", &out);
  const auto header = ParseStreamHeader(out);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->id, "id<1>");
  EXPECT_EQ(header->from, "corp.example");
  EXPECT_EQ(header->to, "a&b@corp.example");
  EXPECT_EQ(header->namespaces, StreamNamespaces::Common());
}

TEST(Stanza, Features) {
  std::string out;
  AppendStreamFeatures({.starttls = true, .mechanisms = {}, .bind = false}, &out);
  EXPECT_EQ(
      out,
      "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>");
  out.clear();
  AppendStreamFeatures({.starttls = false, .mechanisms = {"SCRAM-SHA-256", "PLAIN"}, .bind = false}, &out);
  EXPECT_EQ(out,
            "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-256</mechanism>"
            "<mechanism>PLAIN</mechanism></mechanisms></stream:features>");
  out.clear();
  AppendStreamFeatures({.starttls = false, .mechanisms = {}, .bind = true}, &out);
  const Document features = Read(out);
  EXPECT_NE(features->FindChild(ns::kBind, "bind"), nullptr);
  EXPECT_NE(features->FindChild(ns::kSm, "sm"), nullptr);
}

TEST(Stanza, StreamErrors) {
  std::string out;
  AppendStreamError(StreamRefusal(StreamCondition::kRestrictedXml, "no <DTD>"), &out);
  EXPECT_EQ(
      out,
      "<stream:error><restricted-xml xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text "
      "xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>no &lt;DTD&gt;</text></stream:error></stream:stream>");
  out.clear();
  AppendStreamError(absl::InternalError("secret path"), &out);
  EXPECT_EQ(out,
            "<stream:error><internal-server-error "
            "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>");
  for (int i = 0; i < 25; ++i) {
    const auto condition = static_cast<StreamCondition>(i);
    EXPECT_EQ(StreamConditionOf(StreamRefusal(condition, "x")), condition);
    EXPECT_FALSE(Name(condition).empty());
  }
}

TEST(Stanza, ErrorRepliesSwapAddressesAndNeverAnswerErrors) {
  std::string out;
  AppendErrorReply(*Read("<iq type='get' id='1' from='a@b/c' to='d'><x/></iq>"),
                   Refuse(absl::StatusCode::kNotFound, "NO_SUCH", "no such person"), &out);
  EXPECT_EQ(out,
            "<iq type='error' from='d' to='a@b/c' id='1'><error type='cancel'><item-not-found "
            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' "
            "xml:lang='en'>no such "
            "person</text></error></iq>");
  out.clear();
  AppendErrorReply(*Read("<message type='error'/>"), StanzaCondition::kBadRequest, "", &out);
  AppendErrorReply(*Read("<iq type='result' id='1'/>"), StanzaCondition::kBadRequest, "", &out);
  EXPECT_EQ(out, "");
  for (int i = 0; i < 22; ++i) EXPECT_FALSE(TypeOf(static_cast<StanzaCondition>(i)).empty());
}

TEST(Stanza, Results) {
  std::string out;
  const Document iq = Read("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
  AppendEmptyResult(*iq, &out);
  AppendBindResult(*iq, "u@d/r<", &out);
  EXPECT_EQ(out,
            "<iq type='result' id='b'/><iq type='result' id='b'><bind "
            "xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>u@d/r&lt;</jid></bind></iq>");
}

TEST(Message, MarksRoundTrip) {
  std::string out;
  XmlWriter writer(&out);
  StartStanza(&writer, "message", {.type = "chat", .from = "a@b/c", .to = "d@b", .id = "m1"});
  writer.Leaf("body", "你好");
  AddStanzaId(&writer, "17", "d@b");
  AddOriginId(&writer, "o1");
  AddReceiptRequest(&writer);
  AddReceipt(&writer, "m0");
  AddMarker(&writer, Marker::kDisplayed, "m0");
  AddChatState(&writer, ChatState::kComposing);
  AddDelay(&writer, 1'700'000'000'123'456, "b");
  writer.End();
  const Document message = Read(out);
  const MessageMarks marks = ParseMarks(*message);
  EXPECT_EQ(marks.chat_state, ChatState::kComposing);
  EXPECT_TRUE(marks.receipt_requested);
  EXPECT_EQ(marks.receipt_for, "m0");
  EXPECT_EQ(marks.marker, Marker::kDisplayed);
  EXPECT_EQ(marks.marker_for, "m0");
  EXPECT_EQ(marks.origin_id, "o1");
  EXPECT_FALSE(marks.is_private);
  EXPECT_EQ(message->FindChild(ns::kStanzaId, "stanza-id")->attr("by"), "d@b");
  EXPECT_EQ(message->FindChild(ns::kDelay, "delay")->attr("stamp"), "2023-11-14T22:13:20.123456Z");
  const Document hints =
      Read("<message><private xmlns='urn:xmpp:carbons:2'/><no-store xmlns='urn:xmpp:hints'/></message>");
  EXPECT_TRUE(ParseMarks(*hints).is_private);
  EXPECT_TRUE(ParseMarks(*hints).no_store);
}

TEST(Message, CarbonsWrap) {
  std::string out;
  XmlWriter writer(&out);
  StartCarbon(&writer, Carbon::kSent, "a@b", "a@b/phone");
  StartStanza(&writer, "message", {.type = "chat", .from = "a@b/desk", .to = "d@b", .id = {}});
  writer.Leaf("body", "x").End();
  EndCarbon(&writer);
  EXPECT_EQ(out,
            "<message type='chat' from='a@b' to='a@b/phone'><sent xmlns='urn:xmpp:carbons:2'><forwarded "
            "xmlns='urn:xmpp:forward:0'>"
            "<message xmlns='jabber:client' type='chat' from='a@b/desk' "
            "to='d@b'><body>x</body></message></forwarded></sent></message>");
  EXPECT_TRUE(IsCarbon(*Read(out)));
  EXPECT_FALSE(IsCarbon(*Read("<message><private xmlns='urn:xmpp:carbons:2'/></message>")));
}

TEST(Disco, InfoAndItems) {
  std::string out;
  XmlWriter writer(&out);
  const DataForm form = DataForm::Of("result", "http://jabber.org/protocol/muc#roominfo");
  AddDiscoInfo(&writer, "n", {{"server", "im", "Yizhan"}}, {ns::kPing, ns::kMam}, &form);
  EXPECT_EQ(out,
            "<query xmlns='http://jabber.org/protocol/disco#info' node='n'><identity category='server' type='im' "
            "name='Yizhan'/><feature "
            "var='urn:xmpp:ping'/><feature var='urn:xmpp:mam:2'/><x xmlns='jabber:x:data' type='result'><field "
            "var='FORM_TYPE' "
            "type='hidden'><value>http://jabber.org/protocol/muc#roominfo</value></field></x></query>");
  out.clear();
  AddDiscoItems(&writer, {}, {{"room@groups", "", "财务部"}});
  EXPECT_EQ(out,
            "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='room@groups' name='财务部'/></query>");
  out.clear();
  AppendPing("b", "a@b/c", "p1", &out);
  EXPECT_EQ(out, "<iq type='get' from='b' to='a@b/c' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>");
}

TEST(DataForms, RoundTripAndRefusals) {
  DataForm form = DataForm::Of("form", "urn:x");
  form.title = "t";
  form.Add("a", "1", "text-single", "A");
  form.fields.push_back({.var = "b",
                         .type = "list-single",
                         .label = "",
                         .values = {"x"},
                         .options = {{"X", "x"}, {"", "y"}},
                         .required = true});
  std::string out;
  XmlWriter writer(&out);
  AddDataForm(&writer, form);
  const auto parsed = ParseDataForm(*Read(out));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->form_type(), "urn:x");
  EXPECT_EQ(parsed->Value("a"), "1");
  EXPECT_EQ(parsed->Value("nothing"), "");
  ASSERT_NE(parsed->Find("b"), nullptr);
  EXPECT_TRUE(parsed->Find("b")->required);
  EXPECT_EQ(parsed->Find("b")->options[1].value, "y");
  EXPECT_FALSE(ParseDataForm(*Read("<x xmlns='jabber:x:data'/>")).ok());
  EXPECT_FALSE(
      ParseDataForm(*Read("<x xmlns='jabber:x:data' type='submit'><field var='a'/><field var='a'/></x>")).ok());
  std::string many = "<x xmlns='jabber:x:data' type='submit'>";
  for (int i = 0; i < 201; ++i) many += "<field var='f" + std::to_string(i) + "'/>";
  EXPECT_FALSE(ParseDataForm(*Read(many + "</x>")).ok());
}

TEST(Archive, QueriesAreRead) {
  const Document query = Read(
      "<query xmlns='urn:xmpp:mam:2' queryid='q'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' "
      "type='hidden'>"
      "<value>urn:xmpp:mam:2</value></field><field var='with'><value>a@b</value></field><field var='start'>"
      "<value>2023-11-14T22:13:20Z</value></field></x><set "
      "xmlns='http://jabber.org/protocol/rsm'><max>50</max><before/></set></query>");
  const auto parsed = ParseArchiveQuery(*query);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->queryid, "q");
  EXPECT_EQ(parsed->with, "a@b");
  EXPECT_EQ(parsed->start_us, 1'700'000'000'000'000);
  EXPECT_EQ(parsed->page.max, 50u);
  EXPECT_EQ(parsed->page.before, "");
  EXPECT_FALSE(parsed->page.after.has_value());
  for (const char* bad :
       {"<set xmlns='http://jabber.org/protocol/rsm'><max>x</max></set>",
        "<set xmlns='http://jabber.org/protocol/rsm'><max/></set>",
        "<set xmlns='http://jabber.org/protocol/rsm'><after>1</after><before>2</before></set>",
        "<x xmlns='jabber:x:data' type='submit'><field var='with'><value>a</value></field></x>",
        "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field><field "
        "var='z'/></x>",
        "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field><field "
        "var='end'><value>yesterday</value></field></x>"}) {
    EXPECT_FALSE(ParseArchiveQuery(*Read("<query xmlns='urn:xmpp:mam:2'>" + std::string(bad) + "</query>")).ok())
        << bad;
  }
}

TEST(Archive, ResultsAreWritten) {
  std::string out;
  XmlWriter writer(&out);
  StartArchiveResult(&writer, {.from = {}, .to = "a@b/c", .queryid = "q", .id = "17", .micros = 0});
  StartStanza(&writer, "message", {.type = "chat", .from = "x@b", .to = "a@b", .id = {}});
  writer.Leaf("body", "y").End();
  EndArchiveResult(&writer);
  EXPECT_EQ(out,
            "<message to='a@b/c'><result xmlns='urn:xmpp:mam:2' queryid='q' id='17'><forwarded "
            "xmlns='urn:xmpp:forward:0'><delay "
            "xmlns='urn:xmpp:delay' stamp='1970-01-01T00:00:00.000000Z'/><message xmlns='jabber:client' type='chat' "
            "from='x@b' "
            "to='a@b'><body>y</body></message></forwarded></result></message>");
  out.clear();
  AddArchiveEnd(&writer, {.first = "1", .last = "9", .index = 0, .count = 12}, true);
  EXPECT_EQ(out,
            "<fin xmlns='urn:xmpp:mam:2' complete='true'><set xmlns='http://jabber.org/protocol/rsm'><first "
            "index='0'>1</first><last>9</last><count>12</count></set></fin>");
  out.clear();
  AddArchiveEnd(&writer, {}, false);
  AddArchiveForm(&writer);
  EXPECT_THAT(out, testing::StartsWith(
                       "<fin xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'/></fin><query"));
}

TEST(Muc, PresencesAndNotices) {
  std::string out;
  const uint16_t codes[] = {kMucNonAnonymous, kMucSelf};
  AppendMucPresence({.from = "r@g/张三", .to = "a@b/c", .occupant = {"member", "participant", "a@b/c"}, .codes = codes},
                    &out);
  EXPECT_EQ(
      out,
      "<presence from='r@g/张三' to='a@b/c'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='member' "
      "role='participant' jid='a@b/c'/><status code='100'/><status code='110'/></x></presence>");
  out.clear();
  const uint16_t kick[] = {kMucKicked};
  AppendMucPresence(
      {.from = "r@g/x", .to = {}, .available = false, .occupant = {"none", "none", {}}, .codes = kick, .reason = "r"},
      &out);
  EXPECT_EQ(Read(out)->attr("type"), "unavailable");
  out.clear();
  AppendMucSubject("r@g", "a@b/c", "", std::nullopt, &out);
  EXPECT_EQ(out, "<message type='groupchat' from='r@g' to='a@b/c'><subject/></message>");
  out.clear();
  const uint16_t changed[] = {kMucConfigurationChanged};
  AppendMucNotice("r@g", {}, changed, &out);
  EXPECT_EQ(Read(out)->FindChild(ns::kMucUser, "x")->first_child()->attr("code"), "104");
}

TEST(Muc, JoinsAreRead) {
  const auto join = ParseMucJoin(*Read(
      "<presence to='r@g/n'><x xmlns='http://jabber.org/protocol/muc'><password>p</password><history maxstanzas='0' "
      "since='2023-11-14T22:13:20+08:00'/></x></presence>"));
  ASSERT_TRUE(join.ok() && join->has_value());
  EXPECT_EQ((*join)->max_stanzas, 0u);
  EXPECT_FALSE((*join)->seconds.has_value());
  EXPECT_EQ((*join)->since_us, 1'699'971'200'000'000);
  EXPECT_EQ((*join)->password, "p");
  EXPECT_FALSE(ParseMucJoin(*Read("<presence to='r@g/n'/>"))->has_value());
  EXPECT_FALSE(
      ParseMucJoin(*Read("<presence><x xmlns='http://jabber.org/protocol/muc'><history seconds='-1'/></x></presence>"))
          .ok());
}

TEST(Timestamps, RoundTripAndRefusals) {
  for (const auto& [text, micros] : {std::pair<const char*, int64_t>{"1970-01-01T00:00:00.000000Z", 0},
                                     {"2000-02-29T12:34:56.789012Z", 951'827'696'789'012},
                                     {"1969-12-31T23:59:59.999999Z", -1},
                                     {"9999-12-31T23:59:59.999999Z", 253'402'300'799'999'999},
                                     {"0000-01-01T00:00:00.000000Z", -62'167'219'200'000'000}}) {
    EXPECT_EQ(Timestamp(micros), text);
    EXPECT_EQ(*ParseTimestamp(text), micros);
  }
  EXPECT_EQ(Timestamp(std::numeric_limits<int64_t>::max()), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(*ParseTimestamp("1970-01-01T08:00:00.5+08:00"), 500'000);
  EXPECT_EQ(*ParseTimestamp("1970-01-01T00:00:00.1234567891Z"), 123'456);
  for (const char* bad :
       {"", "2023", "2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-01-32T00:00:00Z", "2023-01-01T24:00:00Z",
        "2023-01-01 00:00:00Z", "2023-01-01T00:00:00", "2023-01-01T00:00:00.Z", "2023-01-01T00:00:00Zx",
        "2023-01-01T00:00:00+8:00", "20230101T00:00:00"}) {
    EXPECT_FALSE(ParseTimestamp(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace yizhan::edge::xmpp
