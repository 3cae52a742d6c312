#include "audit/tlog/hash.h"

#include <gtest/gtest.h>

namespace yizhan::audit {
namespace {

TEST(Hash, HasThePublishedValues) {
  EXPECT_EQ(ToHex(EmptyRoot().view()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(ToHex(LeafHash("").view()), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  EXPECT_EQ(ToHex(Sha256("abc").view()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const Hash left = LeafHash("a"), right = LeafHash("b");
  EXPECT_EQ(NodeHash(left, right), Sha256(std::string("\x01") + std::string(left.view()) + std::string(right.view())));
  EXPECT_NE(NodeHash(left, right), NodeHash(right, left));
}

TEST(Sha256Stream, StartsAnewAfterFinish) {
  Sha256Stream stream;
  stream.Update("ab");
  stream.Update("c");
  EXPECT_EQ(stream.Finish(), Sha256("abc"));
  EXPECT_EQ(stream.Finish(), EmptyRoot());
}

TEST(Base64, HasTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xfb\xff\xfe", "+//+"}};
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(ToBase64(plain), text);
    EXPECT_EQ(*FromBase64(text), plain);
  }
}

TEST(Base64, TakesOneFormOnly) {
  for (const char* bad :
       {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm-_", "====", "=", "Z===", "Zg==Zg==", "Z=9v"}) {
    EXPECT_FALSE(FromBase64(bad).ok()) << bad;
  }
}

TEST(Base64, RoundTripsEveryLength) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(*FromBase64(ToBase64(bytes)), bytes);
    EXPECT_EQ(*FromHex(ToHex(bytes)), bytes);
    bytes.push_back(static_cast<char>(i * 37));
  }
}

TEST(HashText, RefusesOtherLengths) {
  const Hash hash = Sha256("x");
  EXPECT_EQ(*HashFromBase64(ToBase64(hash.view())), hash);
  EXPECT_FALSE(HashFromBase64(ToBase64(hash.view().substr(1))).ok());
  EXPECT_FALSE(HashFromBytes("short").ok());
  EXPECT_FALSE(FromHex("abc").ok());
  EXPECT_FALSE(FromHex("zz").ok());
}

}  // namespace
}  // namespace yizhan::audit
