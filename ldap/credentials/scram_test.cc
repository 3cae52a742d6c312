#include "ldap/credentials/scram.h"

#include <gtest/gtest.h>

#include <string>

#include "base/status.h"
#include "ldap/credentials/crypto.h"

namespace yizhan::directory {
namespace {

Secret<std::string> Pw(std::string text) { return Secret<std::string>(std::move(text)); }

std::string FromBase64(std::string_view text) {
  std::string out;
  EXPECT_TRUE(DecodeBase64(text, &out)) << text;
  return out;
}

struct Vector {
  ScramHash hash;
  const char *salt, *auth_message, *proof, *signature;
};

// RFC 5802, section 5, and RFC 7677, section 3: user "user", password "pencil", 4096 iterations.
const Vector kVectors[] = {
    {ScramHash::kSha1, "QSXCR+Q6sek8bf92",
     "n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
     "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,"
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
     "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {ScramHash::kSha256, "W22ZaJ0SNY7soEsUEjb6gQ==",
     "n=user,r=rOprNGfwEbeRWgbNEkqO,"
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

TEST(Scram, VectorsOfTheRfcs) {
  for (const Vector& vector : kVectors) {
    const auto keys = DeriveScramKeys(vector.hash, Pw("pencil"), FromBase64(vector.salt), 4096);
    ASSERT_TRUE(keys.ok()) << keys.status();
    EXPECT_TRUE(VerifyClientProof(*keys, vector.auth_message, FromBase64(vector.proof)).ok());
    EXPECT_EQ(Base64(ServerSignature(*keys, vector.auth_message)), vector.signature);
    EXPECT_TRUE(VerifyWithScramKeys(*keys, Pw("pencil")).ok());
    EXPECT_EQ(ReasonOf(VerifyWithScramKeys(*keys, Pw("pencils"))), "WRONG_CREDENTIALS");
  }
}

TEST(Scram, RefusesEveryChangedProof) {
  for (const Vector& vector : kVectors) {
    const ScramKeys keys = *DeriveScramKeys(vector.hash, Pw("pencil"), FromBase64(vector.salt), 4096);
    const std::string good = FromBase64(vector.proof);
    for (size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ 0x10);
      EXPECT_EQ(ReasonOf(VerifyClientProof(keys, vector.auth_message, bad)), "WRONG_CREDENTIALS") << i;
    }
    EXPECT_FALSE(VerifyClientProof(keys, vector.auth_message, "").ok());
    EXPECT_FALSE(VerifyClientProof(keys, vector.auth_message, good.substr(1)).ok());
    EXPECT_FALSE(VerifyClientProof(keys, vector.auth_message, good + "x").ok());
    EXPECT_FALSE(VerifyClientProof(keys, std::string(vector.auth_message) + "x", good).ok());
  }
}

TEST(Scram, UnknownLoginsGetAStableSaltThatNoProofFits) {
  const Secret<std::string> installation = Pw(std::string(32, 'k'));
  const ScramKeys fake = FakeScramKeys(ScramHash::kSha256, installation, "nobody");
  EXPECT_EQ(fake, FakeScramKeys(ScramHash::kSha256, installation, "nobody"));
  EXPECT_NE(fake.salt, FakeScramKeys(ScramHash::kSha256, installation, "nobody2").salt);
  EXPECT_NE(fake.salt, FakeScramKeys(ScramHash::kSha256, Pw(std::string(32, 'l')), "nobody").salt);
  const ScramKeys real = *DeriveScramKeys(ScramHash::kSha256, Pw("x"));
  EXPECT_EQ(fake.salt.size(), real.salt.size());
  EXPECT_EQ(fake.iterations, real.iterations);
  EXPECT_EQ(fake.stored_key.size(), real.stored_key.size());
  EXPECT_FALSE(VerifyClientProof(fake, "m", std::string(32, '\0')).ok());
  EXPECT_EQ(FakeScramKeys(ScramHash::kSha1, installation, "nobody").stored_key.size(), 20);
}

TEST(Scram, TextFormRoundTripsAndIsStrict) {
  for (ScramHash hash : {ScramHash::kSha1, ScramHash::kSha256}) {
    const ScramKeys keys = *DeriveScramKeys(hash, Pw("驿站"), kMinScramIterations);
    const std::string text = FormatScramKeys(keys);
    const auto parsed = ParseScramKeys(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, keys);
    for (size_t length = 0; length < text.size(); ++length) {
      EXPECT_FALSE(ParseScramKeys(text.substr(0, length)).ok()) << length;
    }
    EXPECT_FALSE(ParseScramKeys(text + "=").ok());
    EXPECT_FALSE(ParseScramKeys("X" + text).ok());
  }
  EXPECT_EQ(ParseScramKeys(std::string(5000, '$')).status().code(), absl::StatusCode::kDataLoss);
}

TEST(Scram, RefusesWeakParameters) {
  EXPECT_EQ(ReasonOf(DeriveScramKeys(ScramHash::kSha256, Pw("x"), 4095).status()), "SCRAM_ITERATIONS");
  EXPECT_EQ(ReasonOf(DeriveScramKeys(ScramHash::kSha256, Pw("x"), "short", 4096).status()), "SCRAM_SALT");
}

}  // namespace
}  // namespace yizhan::directory
