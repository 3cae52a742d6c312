#include "edge/xmpp/element.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "edge/xmpp/framer.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/xml_writer.h"

namespace yizhan::edge::xmpp {
namespace {

StreamCondition Refused(std::string_view xml) {
  const auto parsed = ParseElement(xml);
  EXPECT_FALSE(parsed.ok()) << xml;
  return StreamConditionOf(parsed.status());
}

TEST(Element, HoldsNamesAttributesAndText) {
  const auto message = ParseElement(
      "<message to='a@b' xml:lang='zh' xmlns:p='urn:p' p:q='&lt;&#x4f60;&apos;'><body>你好 &amp; 😀</body>"
      "<p:x><y/></p:x><request xmlns='urn:xmpp:receipts'/></message>");
  ASSERT_TRUE(message.ok()) << message.status();
  const Element& root = **message;
  EXPECT_TRUE(root.Is(ns::kClient, "message"));
  EXPECT_EQ(root.attr("to"), "a@b");
  EXPECT_EQ(root.attr("lang"), "");
  ASSERT_NE(root.FindAttr(ns::kXml, "lang"), nullptr);
  EXPECT_EQ(root.FindAttr(ns::kXml, "lang")->value, "zh");
  EXPECT_EQ(root.FindAttr("urn:p", "q")->value, "<你'");
  EXPECT_EQ(root.attributes().size(), 3u);
  EXPECT_EQ(root.ChildText(ns::kClient, "body"), "你好 & 😀");
  EXPECT_NE(root.FindChild(ns::kReceipts, "request"), nullptr);
  EXPECT_EQ(root.FindChild(ns::kClient, "request"), nullptr);
  const Element* x = root.FindChildIn("urn:p");
  ASSERT_NE(x, nullptr);
  EXPECT_EQ(x->name(), "x");
  EXPECT_TRUE(x->first_child()->Is(ns::kClient, "y"));
  int children = 0;
  for (const Element& child : root.children()) children += child.name().empty() ? 0 : 1;
  EXPECT_EQ(children, 3);
}

TEST(Element, KeepsMixedContentInOrder) {
  const auto p = ParseElement("<p xmlns='u'>a<b>c</b>d<i/>e\r\nf<![CDATA[<g>]]></p>");
  ASSERT_TRUE(p.ok());
  EXPECT_EQ((*p)->text(), "a");
  EXPECT_EQ((*p)->first_child()->tail(), "d");
  EXPECT_EQ((*p)->first_child()->next_sibling()->tail(), "e\nf<g>");
  EXPECT_EQ(ToXml(**p), "<p xmlns='u'>a<b>c</b>d<i/>e\nf&lt;g&gt;</p>");
}

TEST(Element, NamespaceTricksAreSeenThrough) {
  // A prefix of the header, a prefix that shadows it, and an element that only looks like a stanza.
  auto error = ParseElement("<stream:message/>");
  ASSERT_TRUE(error.ok());
  EXPECT_TRUE((*error)->Is(ns::kStream, "message"));
  auto shadowed = ParseElement("<stream:message xmlns:stream='jabber:client'/>");
  ASSERT_TRUE(shadowed.ok());
  EXPECT_TRUE((*shadowed)->Is(ns::kClient, "message"));
  auto none = ParseElement("<message xmlns=''/>");
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE((*none)->Is("", "message"));
  EXPECT_EQ(ToXml(**none), "<message xmlns=''/>");
  auto other = ParseElement("<message xmlns='jabber:server'><body xmlns='jabber:client'/></message>");
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE((*other)->Is(ns::kClient, "message"));
  // Entities in the declaration are undone before it counts.
  auto spelled = ParseElement("<message xmlns='jabber&#58;client'/>");
  ASSERT_TRUE(spelled.ok());
  EXPECT_TRUE((*spelled)->Is(ns::kClient, "message"));

  for (const char* xml : {"<x:message/>", "<message x:a='1'/>", "<a:b:c xmlns:a='u'/>", "<a: xmlns:a='u'/>", "<:a/>",
                          "<a:1 xmlns:a='u'/>", "<a xmlns:b=''/>", "<a xmlns:xmlns='u'/>", "<a xmlns:xml='u'/>",
                          "<a xmlns='http://www.w3.org/2000/xmlns/'/>", "<a x:c='1' y:c='2' xmlns:x='u' xmlns:y='u'/>",
                          "<a b='1' b='2'/>", "<a xmlns='u' xmlns='u'/>", "<a xmlns:b='u&#1;v'/>"}) {
    EXPECT_EQ(Refused(xml), StreamCondition::kNotWellFormed) << xml;
  }
}

TEST(Element, RefusesBillionLaughsAndEveryOtherEntity) {
  const std::string lol =
      "<!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY lol2 "
      "'&lol;&lol;&lol;&lol;'>]><message><body>&lol2;</body></message>";
  EXPECT_FALSE(ParseElement(lol).ok());
  EXPECT_FALSE(ParseElement("<m><!DOCTYPE lolz [<!ENTITY lol 'lol'>]>&lol;</m>").ok());
  EXPECT_EQ(Refused("<m>&lol;</m>"), StreamCondition::kNotWellFormed);
  EXPECT_EQ(Refused("<m a='&lol;'/>"), StreamCondition::kNotWellFormed);
  EXPECT_EQ(StreamConditionOf(ParseStreamHeader("<!DOCTYPE s [<!ENTITY a 'b'>]><stream:stream xmlns='jabber:client' "
                                                "xmlns:stream='http://etherx.jabber.org/streams'>")
                                  .status()),
            StreamCondition::kRestrictedXml);
}

TEST(Element, RefusesCommentsAndInstructions) {
  EXPECT_EQ(Refused("<a><!-- x --></a>"), StreamCondition::kRestrictedXml);
  EXPECT_EQ(Refused("<a><?x y?></a>"), StreamCondition::kRestrictedXml);
  EXPECT_EQ(Refused("<?x y?><a/>"), StreamCondition::kRestrictedXml);
}

TEST(Element, RefusesWhatIsNotOneWholeElement) {
  for (const char* xml : {"",
                          " ",
                          "x",
                          "<a",
                          "<a>",
                          "<a></b>",
                          "<a/><b/>",
                          "<a/>x",
                          "<a/>]",
                          "<a/> ",
                          " <a/>",
                          "x<a/>",
                          "</r>",
                          "</a>",
                          "</r><r>",
                          "<a/></r>",
                          "<a/>&",
                          "<a/><",
                          "<a><b></a></b>",
                          "<a>&</a>",
                          "<a>]]></a>",
                          "<a b=c/>",
                          "<a b='<'/>",
                          "<a/ >",
                          "<?xml version='1.0'?><a/>"}) {
    EXPECT_EQ(Refused(xml), StreamCondition::kNotWellFormed) << xml;
  }
}

TEST(Element, RefusesWhatIsNotUtf8OrNotXmlText) {
  using namespace std::string_literals;
  for (const std::string& text :
       {"\x80"s, "\xC0\x80"s, "\xED\xA0\x80"s, "\xED\xA0\xBD\xED\xB8\x80"s, "\xF4\x90\x80\x80"s, "\xEF\xBF\xBE"s,
        "\xE4\xBD"s, "\0"s, "\x01"s, "&#0;"s, "&#xD800;"s, "&#xFFFE;"s, "&#x110000;"s, "&#1;"s}) {
    EXPECT_EQ(Refused("<a>" + text + "</a>"), StreamCondition::kNotWellFormed);
    EXPECT_EQ(Refused("<a b='" + text + "'/>"), StreamCondition::kNotWellFormed);
  }
  const auto four = ParseElement("<a>😀&#x1F600;\xF4\x8F\xBF\xBD</a>");
  ASSERT_TRUE(four.ok());
  EXPECT_EQ((*four)->text(), "😀😀\xF4\x8F\xBF\xBD");
}

TEST(Element, BoundsDepthAndAttributes) {
  std::string deep, end;
  for (int i = 0; i < kElementDepth; ++i) {
    deep += "<a>";
    end += "</a>";
  }
  EXPECT_TRUE(ParseElement(deep + end).ok());
  EXPECT_EQ(Refused(deep + "<a/>" + end), StreamCondition::kPolicyViolation);
  std::string many = "<a";
  for (int i = 0; i < 128; ++i) many += " b" + std::to_string(i) + "=''";
  EXPECT_TRUE(ParseElement(many + "/>").ok());
  EXPECT_EQ(Refused(many + " c=''/>"), StreamCondition::kPolicyViolation);
}

TEST(Element, ARefusalLeavesNothingBehindForTheNextCaller) {
  Document document;
  const auto& common = *StreamNamespaces::Common();
  for (const char* bad : {"<a><b>", "<a/>]", "<a/><", "<a>]]", "</r>", "<a", "<!-- x -->", "<a/>&am"}) {
    EXPECT_FALSE(ParseElement(bad, common, &document).ok());
    EXPECT_EQ(document.root(), nullptr);
    ASSERT_TRUE(ParseElement("<c>d</c>", common, &document).ok()) << "after " << bad;
    EXPECT_EQ(ToXml(*document.root()), "<c>d</c>");
  }
}

TEST(Element, DocumentsAreReusedAndParsersRenewed) {
  Document document;
  const auto& common = *StreamNamespaces::Common();
  for (int i = 0; i < 5000; ++i) {
    const std::string name = "n" + std::to_string(i);
    const std::string xml =
        "<" + name + " a" + name + "='1'>" + std::string(i % 700 == 0 ? 100'000 : 10, 'x') + "</" + name + ">";
    ASSERT_TRUE(ParseElement(xml, common, &document).ok());
    ASSERT_EQ(document->name(), name);
    ASSERT_EQ(ToXml(*document), xml);
  }
  Document moved = std::move(document);
  EXPECT_EQ(moved->name(), "n4999");
}

TEST(Element, NamespacesOfTheStreamChangeWithTheCaller) {
  const auto header = ParseStreamHeader(
      "<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams' xmlns:z='urn:z&amp;&apos;' "
      "version='1.0'>");
  ASSERT_TRUE(header.ok()) << header.status();
  Document document;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(ParseElement("<z:a/>", *header->namespaces, &document).ok());
    EXPECT_EQ(document->ns(), "urn:z&'");
    EXPECT_FALSE(ParseElement("<z:a/>", *StreamNamespaces::Common(), &document).ok());
    ASSERT_TRUE(ParseElement("<a/>", *StreamNamespaces::None(), &document).ok());
    EXPECT_EQ(document->ns(), "");
    ASSERT_TRUE(ParseElement("<a/>", *StreamNamespaces::Common(), &document).ok());
    EXPECT_EQ(document->ns(), ns::kClient);
  }
}

TEST(Element, ThreadsHaveParsersOfTheirOwn) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 2000; ++i) {
        const std::string xml = "<t" + std::to_string(t) + ">x</t" + std::to_string(t) + ">";
        const auto parsed = ParseElement(xml);
        ASSERT_TRUE(parsed.ok());
        ASSERT_EQ(ToXml(**parsed), xml);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(StreamHeader, IsRead) {
  const auto header = ParseStreamHeader(
      "<?xml version='1.0' encoding='utf-8'?>\n<stream:stream to='corp.example' from='u@corp.example' version='1.0' "
      "xml:lang='zh' "
      "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->to, "corp.example");
  EXPECT_EQ(header->from, "u@corp.example");
  EXPECT_EQ(header->lang, "zh");
  EXPECT_TRUE(header->IsVersion1());
  EXPECT_EQ(header->namespaces, StreamNamespaces::Common());
}

TEST(StreamHeader, IsRefusedWithTheConditionThatFits) {
  const auto refused = [](std::string_view text) { return StreamConditionOf(ParseStreamHeader(text).status()); };
  const std::string attributes = " xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'";
  EXPECT_EQ(refused("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>"),
            StreamCondition::kInvalidNamespace);
  EXPECT_EQ(refused("<stream:stream xmlns='jabber:client' xmlns:stream='urn:other'>"),
            StreamCondition::kInvalidNamespace);
  EXPECT_EQ(refused("<stream:streams" + attributes + ">"), StreamCondition::kInvalidNamespace);
  EXPECT_EQ(refused("<stream:stream xmlns='jabber:client'>"), StreamCondition::kNotWellFormed);
  EXPECT_EQ(refused("<stream:stream version='2.0'" + attributes + ">"), StreamCondition::kUnsupportedVersion);
  EXPECT_EQ(refused("<?xml version='1.0' encoding='ISO-8859-1'?><stream:stream" + attributes + ">"),
            StreamCondition::kUnsupportedEncoding);
  EXPECT_EQ(refused("<?xml version='1.0' encoding='UTF-16'?><stream:stream" + attributes + ">"),
            StreamCondition::kUnsupportedEncoding);
  EXPECT_EQ(refused("<?php?><stream:stream" + attributes + ">"), StreamCondition::kRestrictedXml);
  EXPECT_EQ(refused(""), StreamCondition::kNotWellFormed);
  EXPECT_EQ(refused("<stream:stream" + attributes + "><a/>"), StreamCondition::kNotWellFormed);
  EXPECT_EQ(refused("<stream:stream" + attributes), StreamCondition::kNotWellFormed);
  const auto old = ParseStreamHeader("<stream:stream" + attributes + ">");
  ASSERT_TRUE(old.ok());
  EXPECT_FALSE(old->IsVersion1());
}

}  // namespace
}  // namespace yizhan::edge::xmpp
