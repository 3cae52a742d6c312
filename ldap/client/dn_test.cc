#include "ldap/client/dn.h"

#include <gtest/gtest.h>

#include <string>

#include "base/status.h"

namespace yizhan::directory {
namespace {

TEST(Dn, EscapesValues) {
  EXPECT_EQ(EscapeDnValue("Wang Wei"), "Wang Wei");
  EXPECT_EQ(EscapeDnValue("王伟"), "王伟");
  EXPECT_EQ(EscapeDnValue("James \"Jim\" Smith, III"), "James \\\"Jim\\\" Smith\\, III");  // RFC 4514, section 4
  EXPECT_EQ(EscapeDnValue("Before\rAfter"), "Before\\0dAfter");                            // RFC 4514, section 4
  EXPECT_EQ(EscapeDnValue(" #x "), "\\ #x\\ ");
  EXPECT_EQ(EscapeDnValue("#x"), "\\#x");
  EXPECT_EQ(EscapeDnValue(" "), "\\ ");
  EXPECT_EQ(EscapeDnValue(std::string_view("\0", 1)), "\\00");
}

TEST(Dn, ParsesTheExamplesOfTheRfc) {
  EXPECT_EQ(ParseDn("UID=jsmith,DC=example,DC=net")->size(), 3);
  const Dn both = *ParseDn("OU=Sales+CN=J.  Smith,DC=example,DC=net");
  ASSERT_EQ(both[0].size(), 2);
  EXPECT_EQ(both[0][1], (DnAttribute{"CN", "J.  Smith"}));
  EXPECT_EQ((*ParseDn("CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net"))[0][0].value, "James \"Jim\" Smith, III");
  EXPECT_EQ((*ParseDn("1.3.6.1.4.1.1466.0=#04024869"))[0][0], (DnAttribute{"1.3.6.1.4.1.1466.0", "Hi"}));
  EXPECT_EQ((*ParseDn("CN=Lu\\C4\\8Di\\C4\\87"))[0][0].value, "Lučić");
  EXPECT_TRUE(ParseDn("")->empty());
  EXPECT_EQ(*ParseDn("cn = a , dc = b"), *ParseDn("cn=a,dc=b"));
  EXPECT_EQ((*ParseDn("cn=\"a,b\";dc=c"))[0][0].value, "a,b");
}

TEST(Dn, RoundTrips) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  for (const std::string& value : {all, std::string(), std::string("  a  "), std::string("#"), std::string("a\\"),
                                   std::string(",+\"\\<>;="), std::string("王, 伟")}) {
    const Dn dn = {{{"cn", value}, {"ou", "x"}}, {{"dc", value}}};
    const auto parsed = ParseDn(FormatDn(dn));
    ASSERT_TRUE(parsed.ok()) << parsed.status() << FormatDn(dn);
    EXPECT_EQ(*parsed, dn);
  }
}

TEST(Dn, RefusesWhatIsNone) {
  for (const char* bad : {"cn", "=x", "cn=a,", ",cn=a", "cn=a,,dc=b", "cn=a\\", "cn=a\\q", "cn=a<b", "cn=\"a", "cn=#0",
                          "cn=#0405", "cn=a+", "c n=a", "cn=#048200"}) {
    EXPECT_EQ(ReasonOf(ParseDn(bad).status()), "LDAP_DN") << bad;
  }
  std::string levels = "dc=a";
  for (int i = 0; i < 200; ++i) levels += ",dc=a";
  EXPECT_FALSE(ParseDn(levels).ok());
  EXPECT_FALSE(ParseDn(std::string(100000, 'a')).ok());
}

TEST(Dn, CanonicalFormsAndParents) {
  EXPECT_EQ(CanonicalDn(*ParseDn("CN=Wang  Wei , OU=It,DC=Bank")), CanonicalDn(*ParseDn("cn=wang wei,ou=IT,dc=bank")));
  EXPECT_EQ(CanonicalDn(*ParseDn("cn=a+ou=b")), CanonicalDn(*ParseDn("OU=B+CN=A")));
  EXPECT_NE(CanonicalDn(*ParseDn("cn=a,ou=b")), CanonicalDn(*ParseDn("cn=a\\,ou=b")));
  EXPECT_EQ(CanonicalDn(*ParseDn("cn=\\E7\\8E\\8B")), CanonicalDn(*ParseDn("cn=王")));
  EXPECT_EQ(FormatDn(ParentOf(*ParseDn("cn=a\\,b,ou=c,dc=d"))), "ou=c,dc=d");
  EXPECT_TRUE(ParentOf({}).empty());
}

}  // namespace
}  // namespace yizhan::directory
