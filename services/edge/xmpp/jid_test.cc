#include "edge/xmpp/jid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "edge/xmpp/precis.h"

namespace yizhan::edge::xmpp {
namespace {

std::string Full(std::string_view text) {
  const auto jid = Jid::Parse(text);
  return jid.ok() ? jid->full() : "refused: " + std::string(jid.status().message());
}

TEST(Jid, HasParts) {
  const auto jid = Jid::Parse("Juliet@Example.COM/Foo Bar");
  ASSERT_TRUE(jid.ok());
  EXPECT_EQ(jid->local(), "juliet");
  EXPECT_EQ(jid->domain(), "example.com");
  EXPECT_EQ(jid->resource(), "Foo Bar");
  EXPECT_EQ(jid->bare(), "juliet@example.com");
  EXPECT_EQ(jid->full(), "juliet@example.com/Foo Bar");
  EXPECT_FALSE(jid->is_bare());
  EXPECT_TRUE(jid->ToBare().is_bare());
  EXPECT_EQ(jid->WithResource("x")->full(), "juliet@example.com/x");
  EXPECT_EQ(Jid::Make("a", "b", "c")->full(), "a@b/c");
  const auto domain = Jid::Parse("example.com/r@s/t");
  ASSERT_TRUE(domain.ok());
  EXPECT_EQ(domain->local(), "");
  EXPECT_EQ(domain->resource(), "r@s/t");
  EXPECT_TRUE(domain->ToBare().is_domain());
  EXPECT_TRUE(Jid().empty());
}

// RFC 7622 section 3.5, tables 1 and 2, as far as our profile follows them.
TEST(Jid, ExamplesOfTheRfc) {
  for (const char* good : {"juliet@example.com", "juliet@example.com/foo", "juliet@example.com/foo bar",
                           "juliet@example.com/foo@bar", "foo\\20bar@example.com", "fussball@example.com",
                           "fu\xC3\x9F"
                           "ball@example.com",
                           "\xCF\x80@example.com", "king@example.com/\xE2\x99\x9A", "example.com", "example.com/foobar",
                           "a.example.com/b@example.net"}) {
    EXPECT_EQ(Full(good), good);
  }
  EXPECT_EQ(Full("\xCE\xA3@example.com/foo"), "\xCF\x83@example.com/foo");  // capital sigma
  for (const char* bad : {"\"juliet\"@example.com", "foo bar@example.com", "juliet@example.com/", "@example.com/",
                          "henry\xE2\x85\xA3@example.com", "\xE2\x99\x9A@example.com", "juliet@", "/foobar"}) {
    EXPECT_FALSE(Jid::Parse(bad).ok()) << bad;
  }
}

TEST(Jid, MapsWidthCaseAndForm) {
  EXPECT_EQ(Full("\xEF\xBC\xA1\xEF\xBC\xA2@example.com"), "ab@example.com");  // full-width AB
  EXPECT_EQ(Full("\xEF\xBD\xB1@example.com"), "\xE3\x82\xA2@example.com");    // half-width katakana
  EXPECT_EQ(Full("\x41\xCC\x8A@example.com"), "\xC3\xA5@example.com");        // A + ring above
  EXPECT_EQ(Full("张三@example.com/手机 1"), "张三@example.com/手机 1");
  EXPECT_EQ(Full("a@b/x\xE3\x80\x80y"), "a@b/x y");  // ideographic space
  EXPECT_EQ(Full("a@b/e\xCC\x81"), "a@b/\xC3\xA9");
  EXPECT_EQ(Full("a@例え.JP"), "a@例え.jp");
  EXPECT_EQ(Full("a@xn--r8jz45g.jp"), "a@例え.jp");
  EXPECT_EQ(Full("a@example.com."), "a@example.com");
  EXPECT_EQ(Full("a@127.0.0.1"), "a@127.0.0.1");
  EXPECT_EQ(Full("a@[0:0::1]/x"), "a@[::1]/x");
  EXPECT_EQ(Full("a@host_1"), "a@host_1");
}

TEST(Jid, RefusesWhatBreaksRules) {
  using namespace std::string_literals;
  for (const std::string& bad : {""s,
                                 "@"s,
                                 "a@"s,
                                 "@b"s,
                                 "a@b/"s,
                                 "a@@b"s,
                                 "a@b@c"s,
                                 "a b@c"s,
                                 "a:b@c"s,
                                 "a<b@c"s,
                                 "a&b@c"s,
                                 "a'b@c"s,
                                 "a@b c"s,
                                 "a@-b"s,
                                 "a@b-"s,
                                 "a@b..c"s,
                                 "a@.b"s,
                                 "a@[::g]"s,
                                 "a@["s,
                                 "a@[]"s,
                                 "a@b\x01"s,
                                 "a\x01@b"s,
                                 "a@b/\x01"s,
                                 "a@b/\x7F"s,
                                 "a\0b@c"s,
                                 "\xFF@b"s,
                                 "a@\xFF"s,
                                 "a@b/\xFF"s,
                                 "a\xED\xA0\x80@b"s,
                                 "\xE2\x80\x8D@b"s,
                                 "a\xE2\x80\xAE@b"s,
                                 "😀@b"s,
                                 "\xD7\x90z@b"s /* hebrew and latin */,
                                 "\xE1\x84\x80@b"s /* old jamo */,
                                 "\xEF\xBC\xA0@b"s /* full-width @ */,
                                 "a@xn--\x7F"s,
                                 "a@xn--zzzzzzz99999"s}) {
    const auto jid = Jid::Parse(bad);
    EXPECT_FALSE(jid.ok()) << bad;
    EXPECT_EQ(ReasonOf(jid.status()), "JID_MALFORMED");
  }
  EXPECT_TRUE(Jid::Parse("\xD7\x90\xD7\x91@b").ok());  // hebrew alone
  EXPECT_TRUE(Jid::Parse("a@b/😀").ok());
  EXPECT_TRUE(Jid::Parse("テスト・名@b").ok());
}

TEST(Jid, BoundsItsParts) {
  const std::string fits(1023, 'x'), over(1024, 'x');
  EXPECT_TRUE(Jid::Make(fits, "b", fits).ok());
  EXPECT_FALSE(Jid::Make(over, "b").ok());
  EXPECT_FALSE(Jid::Make("a", "b", over).ok());
  EXPECT_FALSE(Jid::Make("a", std::string(64, 'x')).ok());
  std::string domain;
  for (int i = 0; i < 300; ++i) domain += "abc.";
  EXPECT_FALSE(Jid::Make("a", domain).ok());
  std::string chinese;
  for (int i = 0; i < 341; ++i) chinese += "张";
  EXPECT_TRUE(Jid::Make(chinese, "b").ok());
  EXPECT_FALSE(Jid::Make(chinese + "张", "b").ok());
  EXPECT_FALSE(Jid::Make("a", "b", std::string(1 << 20, 'x')).ok());
}

TEST(Jid, PreparationIsIdempotent) {
  for (const char* text : {"ÅÇ@EXAMPLE.com/Å", "ΣΑΣ@b", "İ@b", "ﬀ@b", "ǅ@b", "ẞ@b"}) {
    const auto once = Jid::Parse(text);
    if (!once.ok()) continue;
    const auto twice = Jid::Parse(once->full());
    ASSERT_TRUE(twice.ok()) << text;
    EXPECT_EQ(*once, *twice);
  }
}

TEST(Jid, PreparingEveryCharacterTwiceIsPreparingItOnce) {
  int names = 0, resources = 0, hosts = 0;
  for (uint32_t c = 1; c < 0x32000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    if (c < 0x80) {
      text = {static_cast<char>(c)};
    } else if (c < 0x800) {
      text = {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
    } else if (c < 0x10000) {
      text = {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)),
              static_cast<char>(0x80 | (c & 63))};
    } else {
      text = {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 63)),
              static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
    }
    ASSERT_TRUE(IsUtf8(text));
    const auto check = [c](const absl::StatusOr<Jid>& once) {
      if (!once.ok()) return 0;
      const auto twice = Jid::Parse(once->full());
      EXPECT_TRUE(twice.ok()) << std::hex << c << " " << once->full() << " " << twice.status();
      EXPECT_TRUE(!twice.ok() || *once == *twice) << std::hex << c;
      return 1;
    };
    names += check(Jid::Make("A" + text + "b", "c"));
    resources += check(Jid::Make("", "c", "A" + text + "b"));
    if (c % 7 == 0) hosts += check(Jid::Make("", "a" + text + "b.c"));
  }
  EXPECT_GT(names, 90'000);
  EXPECT_GT(resources, names);
  EXPECT_GT(hosts, 10'000);
}

TEST(Jid, EscapesLoginNames) {
  EXPECT_EQ(EscapeLocal("zhang san@corp"), "zhang\\20san\\40corp");
  EXPECT_EQ(EscapeLocal("CORP\\user"), "CORP\\user");
  EXPECT_EQ(EscapeLocal("c:\\5c"), "c\\3a\\5c5c");
  for (const char* name :
       {"zhang san@corp", "d'artagnan", "a\\b", "a\\20b", "c:\\5c", "\\5c", "\\\\5c", "a/b<c>d&\"e"}) {
    EXPECT_EQ(UnescapeLocal(EscapeLocal(name)), name);
    EXPECT_TRUE(Jid::Make(EscapeLocal(name), "b").ok()) << name;
  }
}

TEST(Precis, Utf8) {
  using namespace std::string_literals;
  EXPECT_TRUE(IsUtf8("aé你😀"));
  for (const std::string& bad : {"\x80"s, "\xC1\x80"s, "\xE0\x80\x80"s, "\xED\xA0\x80"s, "\xF0\x80\x80\x80"s,
                                 "\xF4\x90\x80\x80"s, "\xE4\xBD"s, "a\xC3"s}) {
    EXPECT_FALSE(IsUtf8(bad));
  }
}

TEST(Precis, PasswordsKeepCaseAndSpaces) {
  EXPECT_EQ(*OpaqueString("Correct Horse"), "Correct Horse");
  EXPECT_EQ(*OpaqueString("a\xE1\x9A\x80z"), "a z");  // ogham space mark
  EXPECT_EQ(*OpaqueString("πß你å😀"), "πß你å😀");
  EXPECT_FALSE(OpaqueString("").ok());
  EXPECT_FALSE(OpaqueString("my cat is a \x09 by").ok());
}

}  // namespace
}  // namespace yizhan::edge::xmpp
