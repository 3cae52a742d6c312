#include "edge/xmpp/xml_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "edge/xmpp/element.h"

namespace yizhan::edge::xmpp {
namespace {

TEST(XmlWriter, WritesElements) {
  std::string out;
  XmlWriter writer(&out);
  writer.Start("message", ns::kClient)
      .Attr("to", "a'b\"<&>@c")
      .AttrIf("from", "")
      .Attr("n", uint64_t{18446744073709551615u});
  writer.Leaf("body", "1 < 2 & 'x'").Empty("request", ns::kReceipts).Start("subject").End();
  writer.Start("forwarded", ns::kForward).Start("message", ns::kClient).Leaf("body", "").End().End().End();
  EXPECT_EQ(out,
            "<message to='a&apos;b&quot;&lt;&amp;&gt;@c' n='18446744073709551615'><body>1 &lt; 2 &amp; 'x'</body>"
            "<request xmlns='urn:xmpp:receipts'/><subject/><forwarded xmlns='urn:xmpp:forward:0'>"
            "<message xmlns='jabber:client'><body/></message></forwarded></message>");
  EXPECT_EQ(writer.depth(), 0u);
  EXPECT_TRUE(ParseElement(out).ok());
}

// Whatever bytes come from another client, an XMPP reader must be able to go on.
TEST(XmlWriter, NeverWritesWhatXmlCannotHold) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  for (const char* part :
       {"\xED\xA0\x80", "\xEF\xBF\xBE", "\xEF\xBF\xBF", "\xC0\xAF", "\xF4\x90\x80\x80", "\xF5", "\xE4\xBD", "]]>"})
    all += part;
  std::string out;
  XmlWriter(&out).Start("a").Attr("b", all).Text(all).End();
  const auto parsed = ParseElement(out);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_THAT(std::string((*parsed)->text()), testing::StartsWith("\xEF\xBF\xBD"));
  // Two-byte text: every byte pair, alone and at the end.
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text = {static_cast<char>(a), static_cast<char>(b)};
      out.clear();
      XmlWriter(&out).Start("a").Attr("b", text).Text(text).End();
      ASSERT_TRUE(ParseElement(out).ok()) << a << " " << b;
    }
  }
}

TEST(XmlWriter, WhatXmlCanHoldComesBackAsItWas) {
  const std::string text =
      "tab\tline\nreturn\r\n \xC2\x80\xDF\xBF ,\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBD 你好 😀\xF4\x8F\xBF\xBF "
      "<>&'\" ]]>";
  std::string out;
  XmlWriter(&out).Start("a").Attr("b", text).Text(text).End();
  const auto parsed = ParseElement(out);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ((*parsed)->text(), text);
  EXPECT_EQ((*parsed)->attr("b"), text);
}

// The long strides of the escape must see every byte at every offset.
TEST(XmlWriter, EscapesAnyByteAnywhereInALongText) {
  for (int c = 1; c < 0x80; ++c) {
    for (size_t at = 0; at < 40; ++at) {
      std::string text(40, 'x');
      text[at] = static_cast<char>(c);
      std::string out;
      XmlWriter(&out).Start("a").Attr("b", text).Text(text).End();
      const auto parsed = ParseElement(out);
      ASSERT_TRUE(parsed.ok()) << c << " at " << at;
      const bool allowed = c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
      if (!allowed) text = text.substr(0, at) + "\xEF\xBF\xBD" + text.substr(at + 1);
      ASSERT_EQ((*parsed)->text(), text);
      ASSERT_EQ((*parsed)->attr("b"), text);
    }
  }
}

TEST(XmlWriter, CopiesAForeignElementWithItsNamespaces) {
  const auto parsed = ParseElement(
      "<message xmlns:q='urn:q' q:z='1' xml:lang='de'><q:x q:y='2' xmlns:r='urn:r' "
      "r:y='3'>t<body>u</body>v</q:x></message>");
  ASSERT_TRUE(parsed.ok());
  const std::string copy = ToXml(**parsed);
  EXPECT_EQ(copy,
            "<message xmlns:n0='urn:q' n0:z='1' xml:lang='de'><x xmlns='urn:q' xmlns:n0='urn:q' n0:y='2' "
            "xmlns:n1='urn:r' n1:y='3'>t"
            "<body xmlns='jabber:client'>u</body>v</x></message>");
  const auto again = ParseElement(copy);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(ToXml(**again), copy);
}

}  // namespace
}  // namespace yizhan::edge::xmpp
