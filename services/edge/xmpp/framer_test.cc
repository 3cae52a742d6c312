#include "edge/xmpp/framer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace yizhan::edge::xmpp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kHeader =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='a.b' version='1.0'>";

// What a framer makes of `text` when it arrives in pieces of `step` bytes: "open:…", "element:…", "close:…", "error:…".
std::vector<std::string> Cut(std::string_view text, size_t step, uint32_t bound = kElementBytesBeforeLogin) {
  StreamFramer framer(bound);
  std::vector<std::string> seen;
  for (size_t at = 0; at < text.size(); at += step) {
    // A buffer of its own for each piece, freed as soon as the framer may no longer look at it.
    const std::string piece(text.substr(at, step));
    framer.Feed(piece);
    for (Frame frame = framer.Next(); frame.kind != Frame::Kind::kNeedMore; frame = framer.Next()) {
      switch (frame.kind) {
        case Frame::Kind::kStreamOpen:
          seen.push_back("open:" + std::string(frame.text));
          break;
        case Frame::Kind::kElement:
          seen.push_back("element:" + std::string(frame.text));
          break;
        case Frame::Kind::kStreamClose:
          seen.push_back("close:" + std::string(frame.text));
          break;
        default:
          seen.push_back("error:" + std::string(Name(StreamConditionOf(framer.error()))));
          return seen;
      }
    }
  }
  return seen;
}

// The same, checked for every way to cut.
std::vector<std::string> CutEveryWay(std::string_view text, uint32_t bound = kElementBytesBeforeLogin) {
  const auto whole = Cut(text, std::max<size_t>(text.size(), 1), bound);
  for (size_t step = 1; step < std::min<size_t>(text.size(), 40); ++step) {
    EXPECT_EQ(Cut(text, step, bound), whole) << "in pieces of " << step << ": " << text.substr(0, 200);
  }
  return whole;
}

std::vector<std::string> After(std::string_view text, uint32_t bound = kElementBytesBeforeLogin) {
  auto seen = CutEveryWay(std::string(kHeader) + std::string(text), bound);
  EXPECT_FALSE(seen.empty());
  if (!seen.empty()) seen.erase(seen.begin());
  return seen;
}

TEST(Framer, CutsAStreamIntoItsPieces) {
  const std::string declared = "<?xml version='1.0' encoding='UTF-8'?>\n" + std::string(kHeader);
  EXPECT_THAT(CutEveryWay(declared + "<presence/> \n<message><body>a&lt;b</body></message>\t</stream:stream>"),
              ElementsAre("open:" + declared, "element:<presence/>", "element:<message><body>a&lt;b</body></message>",
                          "close:</stream:stream>"));
}

TEST(Framer, SeesMarkupInAttributesAndCdata) {
  EXPECT_THAT(After(R"(<a b="x>y/" c='"/>'><![CDATA[</a> ]] ]> <b>]]]></a>)"),
              ElementsAre(R"(element:<a b="x>y/" c='"/>'><![CDATA[</a> ]] ]> <b>]]]></a>)"));
  EXPECT_THAT(After("<a><![CDATA[]]></a><b/>"), ElementsAre("element:<a><![CDATA[]]></a>", "element:<b/>"));
  EXPECT_THAT(After("<a><b/><c></c><d><e/></d></a>"), ElementsAre("element:<a><b/><c></c><d><e/></d></a>"));
  EXPECT_THAT(After("<消息><正文>你好😀</正文></消息>"), ElementsAre("element:<消息><正文>你好😀</正文></消息>"));
}

TEST(Framer, KeepAlivesCostNothing) {
  StreamFramer framer;
  framer.Feed(kHeader);
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kStreamOpen);
  for (int i = 0; i < 100'000; ++i) {
    framer.Feed(" \n");
    ASSERT_EQ(framer.Next().kind, Frame::Kind::kNeedMore);
  }
  EXPECT_EQ(framer.held_bytes(), 0u);
  EXPECT_EQ(framer.unread(), 0u);
}

TEST(Framer, ReleasesWhatAnIncompleteElementHeld) {
  StreamFramer framer;
  framer.Feed(kHeader);
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kStreamOpen);
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kNeedMore);
  const std::string half = "<message><body>" + std::string(5000, 'x');
  framer.Feed(half);
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kNeedMore);
  EXPECT_GE(framer.held_bytes(), 5000u);
  framer.Feed("</body></message><presence");
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kElement);
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kNeedMore);
  EXPECT_EQ(framer.unread(), 9u);
  framer.Feed("/>");
  EXPECT_EQ(framer.Next().text, "<presence/>");
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kNeedMore);
  EXPECT_EQ(framer.held_bytes(), 0u);
}

TEST(Framer, PointsIntoTheCallersBufferWhenItCan) {
  StreamFramer framer;
  const std::string text = std::string(kHeader) + "<a/><b/>";
  framer.Feed(text);
  for (int i = 0; i < 3; ++i) {
    const Frame frame = framer.Next();
    EXPECT_GE(frame.text.data(), text.data());
    EXPECT_LE(frame.text.data() + frame.text.size(), text.data() + text.size());
  }
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kNeedMore);
}

TEST(Framer, StashKeepsUnreadFramesOverTheNextFeed) {
  StreamFramer framer;
  std::string text = std::string(kHeader) + "<a/><b/><c>";
  framer.Feed(text);
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kStreamOpen);
  EXPECT_EQ(framer.Next().text, "<a/>");
  framer.Stash();
  text.assign(text.size(), '#');
  framer.Feed("</c>");
  EXPECT_EQ(framer.Next().text, "<b/>");
  EXPECT_EQ(framer.Next().text, "<c></c>");
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kNeedMore);
  EXPECT_EQ(framer.held_bytes(), 0u);
}

TEST(Framer, RestartExpectsANewHeaderAndKeepsWhatWasPipelined) {
  StreamFramer framer;
  const std::string text = std::string(kHeader) + "<auth/>" + std::string(kHeader) + "<iq/>";
  framer.Feed(text);
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kStreamOpen);
  EXPECT_EQ(framer.Next().text, "<auth/>");
  framer.Restart();
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kStreamOpen);
  EXPECT_EQ(framer.Next().text, "<iq/>");
}

TEST(Framer, DiscardTakesWhiteSpaceForNothing) {
  StreamFramer framer;
  const std::string text = std::string(kHeader) + "<starttls/>\r\n ";
  framer.Feed(text);
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kStreamOpen);
  EXPECT_EQ(framer.Next().text, "<starttls/>");
  EXPECT_FALSE(framer.RestartAndDiscard());
  EXPECT_EQ(framer.unread(), 0u);
}

TEST(Framer, DiscardForgetsWhatCameInPlainBeforeTls) {
  StreamFramer framer;
  const std::string text = std::string(kHeader) + "<starttls/><iq>injected</iq>";
  framer.Feed(text);
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kStreamOpen);
  EXPECT_EQ(framer.Next().text, "<starttls/>");
  EXPECT_GT(framer.unread(), 0u);
  EXPECT_TRUE(framer.RestartAndDiscard());
  EXPECT_EQ(framer.unread(), 0u);
  framer.Feed(kHeader);
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kStreamOpen);
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kNeedMore);
}

TEST(Framer, RefusesWhatXmppForbids) {
  for (const char* text :
       {"<!-- c --><a/>", "<?php x?>", "<!DOCTYPE a>", "<![CDATA[x]]>", "<a><!-- c --></a>", "<a><?pi?></a>",
        "<a><!DOCTYPE b></a>", "<a><!ENTITY x 'y'></a>", "<a><![CDATX[x]]></a>", "<?xml version='1.0'?>"}) {
    EXPECT_THAT(After(text), ElementsAre("error:restricted-xml")) << text;
  }
  EXPECT_THAT(CutEveryWay("<!DOCTYPE lolz [<!ENTITY lol 'lol'>]><stream:stream>"), ElementsAre("error:restricted-xml"));
  EXPECT_THAT(CutEveryWay("<?xml version='1.0'?><?xml version='1.0'?>"), ElementsAre("error:restricted-xml"));
}

TEST(Framer, RefusesWhatIsNoStream) {
  using namespace std::string_literals;
  for (const std::string& text : {"GET / HTTP/1.1\r\n"s, "\x16\x03\x01\x02\x00"s, "\0"s, "\xEF\xBB\xBF<stream:stream>"s,
                                  "</a>"s, "< a>"s, "<1>"s, "<>"s, "<\0>"s, "hello"s, "<a<b>"s, "<a /b>"s, "<a\0>"s}) {
    EXPECT_THAT(CutEveryWay(text), ElementsAre("error:not-well-formed")) << text;
  }
  EXPECT_THAT(CutEveryWay("<stream:stream/>"), ElementsAre("error:bad-format"));
  for (const char* text : {"< a>", "<=", "<a <b/>", "<a / >", "</other:stream>", "</stream:streams>", "</>"}) {
    EXPECT_THAT(After(text), ElementsAre("error:not-well-formed")) << text;
  }
  EXPECT_THAT(After("text"), ElementsAre("error:bad-format"));
  EXPECT_THAT(After(std::string_view("\0", 1)), ElementsAre("error:bad-format"));
  EXPECT_THAT(After("<a/>text<b/>"), ElementsAre("element:<a/>", "error:bad-format"));
}

TEST(Framer, ClosesWithSpaceInTheEndTagAndIgnoresTheRest) {
  EXPECT_THAT(After("</stream:stream \n><a/>garbage"), ElementsAre("close:</stream:stream \n>"));
}

TEST(Framer, BoundsAnElementByBytes) {
  const std::string fits = "<a>" + std::string(1017, 'x') + "</a>";
  ASSERT_EQ(fits.size(), 1024u);
  EXPECT_THAT(After(fits, 1024), ElementsAre("element:" + fits));
  for (const std::string& big :
       {"<a>" + std::string(1018, 'x') + "</a>", "<a b='" + std::string(2000, 'x'),
        std::string("<a") + std::string(2000, ' '), "<a><![CDATA[" + std::string(2000, ']'),
        "<a>" + std::string(1030, 'x') + "<!-- -->", std::string("</stream:stream") + std::string(2000, ' ')}) {
    EXPECT_THAT(After(big, 1024), ElementsAre("error:policy-violation")) << big.substr(0, 20);
  }
  EXPECT_THAT(CutEveryWay("<stream:stream a='" + std::string(2000, 'x') + "'>", 1024),
              ElementsAre("error:policy-violation"));
  EXPECT_THAT(CutEveryWay("<?xml version='1.0'?>" + std::string(2000, ' '), 1024),
              ElementsAre("error:policy-violation"));
}

TEST(Framer, BoundsTheDepth) {
  std::string open, close;
  for (int i = 0; i < kElementDepth; ++i) {
    open += "<a>";
    close += "</a>";
  }
  EXPECT_THAT(After(open + close), ElementsAre("element:" + open + close));
  EXPECT_THAT(After(open + "<b/>" + close), ElementsAre("error:policy-violation"));
}

TEST(Framer, AnErrorStaysAndSaysWhy) {
  StreamFramer framer;
  framer.Feed("<!DOCTYPE x>");
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kError);
  framer.Feed(kHeader);
  EXPECT_EQ(framer.Next().kind, Frame::Kind::kError);
  EXPECT_THAT(std::string(framer.error().message()), HasSubstr("declarations"));
}

}  // namespace
}  // namespace yizhan::edge::xmpp
