#include "edge/xmpp/sasl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string>

#include "edge/xmpp/base64.h"
#include "edge/xmpp/element.h"
#include "edge/xmpp/scram.h"

namespace yizhan::edge::xmpp {
namespace {

using namespace std::string_literals;

TEST(Base64, RoundTripAndStrictness) {
  for (const auto& [bytes, text] : {std::pair{""s, ""s},
                                    {"f"s, "Zg=="s},
                                    {"fo"s, "Zm8="s},
                                    {"foo"s, "Zm9v"s},
                                    {"foob"s, "Zm9vYg=="s},
                                    {"\0\xFF\xFE"s, "AP/+"s}}) {
    EXPECT_EQ(Base64Encode(bytes), text);
    EXPECT_EQ(*Base64Decode(text), bytes);
  }
  for (const char* bad : {"Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm9v ", "Zm 9v", "Zg==Zg==", "Zm-_",
                          "=Zm9", "Z=g=", "Zm9v\n"}) {
    EXPECT_FALSE(Base64Decode(bad).ok()) << bad;
  }
}

TEST(Plain, Parses) {
  const auto plain = ParsePlain("\0tim\0tanstaaftanstaaf"s);
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->authzid, "");
  EXPECT_EQ(plain->login, "tim");
  EXPECT_EQ(plain->password, "tanstaaftanstaaf");
  EXPECT_EQ(ParsePlain("Ursel\0Kurt\0xipj3plmq"s)->authzid, "Ursel");
  EXPECT_EQ(ParsePlain("\0张三\0密码 😀"s)->password, "密码 😀");
  for (const std::string& bad : {""s, "a"s, "\0a"s, "\0\0"s, "\0a\0"s, "\0\0b"s, "\0a\0b\0"s, "\0a\0b\0c"s,
                                 "\0\xFF\0b"s, "\0a\0\xED\xA0\x80"s, "\0"s + std::string(1024, 'x') + "\0b"s}) {
    EXPECT_EQ(SaslConditionOf(ParsePlain(bad).status()), SaslCondition::kMalformedRequest);
  }
}

TEST(Plain, AuthzidMayOnlyNameOneself) {
  EXPECT_TRUE(AuthzidIsSelf("", "tim", "b.c"));
  EXPECT_TRUE(AuthzidIsSelf("Tim@b.c", "tim", "b.c"));
  EXPECT_FALSE(AuthzidIsSelf("kurt@b.c", "tim", "b.c"));
  EXPECT_FALSE(AuthzidIsSelf("tim@b.c/r", "tim", "b.c"));
  EXPECT_FALSE(AuthzidIsSelf("tim@other", "tim", "b.c"));
  EXPECT_FALSE(AuthzidIsSelf("@", "tim", "b.c"));
}

TEST(SaslElements, AreReadAndWritten) {
  auto auth = ParseElement("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHRpbQB4</auth>");
  ASSERT_TRUE(auth.ok());
  auto parsed = ParseSaslAuth(**auth);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->mechanism, "PLAIN");
  EXPECT_EQ(parsed->initial, "\0tim\0x"s);
  EXPECT_EQ(ParseSaslAuth(**ParseElement("<auth mechanism='X'>=</auth>"))->initial, "");
  EXPECT_FALSE(ParseSaslAuth(**ParseElement("<auth mechanism='X'/>"))->initial.has_value());
  EXPECT_EQ(SaslConditionOf(ParseSaslAuth(**ParseElement("<auth/>")).status()), SaslCondition::kInvalidMechanism);
  EXPECT_EQ(SaslConditionOf(ParseSaslAuth(**ParseElement("<auth mechanism='X'>Zg=</auth>")).status()),
            SaslCondition::kIncorrectEncoding);
  EXPECT_EQ(*ParseSaslResponse(**ParseElement("<response>Zm8=</response>")), "fo");
  EXPECT_EQ(*ParseSaslResponse(**ParseElement("<response/>")), "");
  std::string out;
  AppendSaslChallenge("fo", &out);
  AppendSaslSuccess("", &out);
  AppendSaslFailure(SaslCondition::kNotAuthorized, "no", &out);
  EXPECT_EQ(
      out,
      "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>Zm8=</challenge><success "
      "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
      "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text xml:lang='en'>no</text></failure>");
}

TEST(SaslElements, UnknownAccountsAndWrongPasswordsLookAlike) {
  EXPECT_EQ(SaslConditionOf(absl::NotFoundError("")), SaslCondition::kNotAuthorized);
  EXPECT_EQ(SaslConditionOf(absl::UnauthenticatedError("")), SaslCondition::kNotAuthorized);
  EXPECT_EQ(SaslConditionOf(absl::UnavailableError("")), SaslCondition::kTemporaryAuthFailure);
}

// What the directory service does with a proof.
struct Verifier {
  const EVP_MD* md;
  std::string Hmac(std::string_view key, std::string_view text) const {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(md, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         out, &size);
    return {reinterpret_cast<char*>(out), size};
  }
  std::string Hash(std::string_view text) const {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), out, &size, md, nullptr);
    return {reinterpret_cast<char*>(out), size};
  }
  // The server's signature if the proof is that of the password; empty otherwise.
  std::string Verify(std::string_view password, const ScramParameters& parameters, const ScramProof& proof) const {
    std::string salted(static_cast<size_t>(EVP_MD_size(md)), '\0');
    PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                      reinterpret_cast<const unsigned char*>(parameters.salt.data()),
                      static_cast<int>(parameters.salt.size()), static_cast<int>(parameters.iterations), md,
                      static_cast<int>(salted.size()), reinterpret_cast<unsigned char*>(salted.data()));
    const std::string stored = Hash(Hmac(salted, "Client Key"));
    std::string key = Hmac(stored, proof.auth_message);
    for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<char>(key[i] ^ proof.client_proof[i]);
    return Hash(key) == stored ? Hmac(Hmac(salted, "Server Key"), proof.auth_message) : std::string();
  }
};

// RFC 5802 section 5.
TEST(Scram, Sha1ExampleOfTheRfc) {
  ScramServer scram(20, "3rfcNHYJY1ZVvWVs7j");
  ASSERT_TRUE(scram.OnClientFirst("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL").ok());
  EXPECT_EQ(scram.login(), "user");
  const ScramParameters parameters{*Base64Decode("QSXCR+Q6sek8bf92"), 4096};
  EXPECT_EQ(*scram.ServerFirst(parameters), "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
  const auto proof =
      scram.OnClientFinal("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
  ASSERT_TRUE(proof.ok()) << proof.status();
  const std::string signature = Verifier{EVP_sha1()}.Verify("pencil", parameters, *proof);
  EXPECT_EQ(*scram.ServerFinal(signature), "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
  EXPECT_EQ(Verifier{EVP_sha1()}.Verify("pencils", parameters, *proof), "");
}

// RFC 7677 section 3.
TEST(Scram, Sha256ExampleOfTheRfc) {
  ScramServer scram(32, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
  ASSERT_TRUE(scram.OnClientFirst("n,,n=user,r=rOprNGfwEbeRWgbNEkqO").ok());
  const ScramParameters parameters{*Base64Decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096};
  EXPECT_EQ(*scram.ServerFirst(parameters),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  const auto proof = scram.OnClientFinal(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  ASSERT_TRUE(proof.ok()) << proof.status();
  EXPECT_EQ(*scram.ServerFinal(Verifier{EVP_sha256()}.Verify("pencil", parameters, *proof)),
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST(Scram, ReadsTheClientsFirstMessage) {
  ScramServer scram(32);
  ASSERT_TRUE(scram.OnClientFirst("y,a=ad=2Cmin,n=张=3D三,r=abc,ext=1").ok());
  EXPECT_EQ(scram.login(), "张=三");
  EXPECT_EQ(scram.authzid(), "ad,min");
  const auto first = scram.ServerFirst({"salt", 4096});
  ASSERT_TRUE(first.ok());
  const std::string nonce = first->substr(2, first->find(',') - 2);
  EXPECT_EQ(nonce.size(), 3u + 24u);
  const auto proof = scram.OnClientFinal("c=" + Base64Encode("y,a=ad=2Cmin,") + ",r=" + nonce +
                                         ",x=y,p=" + Base64Encode(std::string(32, 'p')));
  ASSERT_TRUE(proof.ok()) << proof.status();
  EXPECT_EQ(proof->auth_message,
            "n=张=3D三,r=abc,ext=1," + *first + ",c=" + Base64Encode("y,a=ad=2Cmin,") + ",r=" + nonce + ",x=y");
  for (const std::string& bad : {""s,
                                 "n"s,
                                 "n,"s,
                                 "n,,"s,
                                 "n,,n=a"s,
                                 "n,,n=a,r="s,
                                 "n,,n=,r=b"s,
                                 "n,,n=a=b,r=c"s,
                                 "n,,n=a=2c,r=c"s,
                                 "n,,n=a=,r=c"s,
                                 "n,,m=x,n=a,r=b"s,
                                 "n,,r=b,n=a"s,
                                 "n,x,n=a,r=b"s,
                                 "n,a=,n=a,r=b"s,
                                 "p=tls-unique,,n=a,r=b"s,
                                 "x,,n=a,r=b"s,
                                 "nn,,n=a,r=b"s,
                                 "n,,n=\xFF,r=b"s,
                                 "n,,n=a,r=b\x01"s,
                                 "n,,n=a\0b,r=c"s,
                                 "n,,n=a,r="s + std::string(5000, 'x'),
                                 "n,,n=a,r="s + std::string(600, 'x'),
                                 "n,a=b"s}) {
    ScramServer other(32);
    EXPECT_EQ(SaslConditionOf(other.OnClientFirst(bad)), SaslCondition::kMalformedRequest) << bad.substr(0, 50);
    EXPECT_FALSE(other.ServerFirst({"salt", 4096}).ok());
  }
}

TEST(Scram, RefusesAFinalMessageThatDoesNotFit) {
  const std::string good_proof = Base64Encode(std::string(32, 'p'));
  const auto final_condition = [&](std::string_view message) {
    ScramServer scram(32, "srv");
    EXPECT_TRUE(scram.OnClientFirst("n,,n=user,r=cli").ok());
    EXPECT_TRUE(scram.ServerFirst({"salt", 4096}).ok());
    const auto proof = scram.OnClientFinal(message);
    EXPECT_FALSE(proof.ok()) << message;
    EXPECT_FALSE(scram.ServerFinal("x").ok());
    return SaslConditionOf(proof.status());
  };
  EXPECT_EQ(final_condition("c=biws,r=clisrv"), SaslCondition::kMalformedRequest);
  EXPECT_EQ(final_condition("c=biws,r=clisrv,p="), SaslCondition::kMalformedRequest);
  EXPECT_EQ(final_condition("c=biws,r=clisrv,p=Zm8="), SaslCondition::kMalformedRequest);
  EXPECT_EQ(final_condition("c=biws,r=clisrv,p=" + good_proof + "x"), SaslCondition::kMalformedRequest);
  EXPECT_EQ(final_condition("r=clisrv,p=" + good_proof), SaslCondition::kMalformedRequest);
  EXPECT_EQ(final_condition(",p=" + good_proof), SaslCondition::kMalformedRequest);
  EXPECT_EQ(final_condition(""), SaslCondition::kMalformedRequest);
  EXPECT_EQ(final_condition("c=biws,r=cli,p=" + good_proof), SaslCondition::kNotAuthorized);
  EXPECT_EQ(final_condition("c=biws,r=clisrvx,p=" + good_proof), SaslCondition::kNotAuthorized);
  EXPECT_EQ(final_condition("c=eSws,r=clisrv,p=" + good_proof), SaslCondition::kNotAuthorized);
}

TEST(Scram, StepsComeInOrder) {
  ScramServer scram(32);
  EXPECT_FALSE(scram.ServerFirst({"salt", 1}).ok());
  EXPECT_FALSE(scram.OnClientFirst("n,,n=user,r=cli").ok());
  ScramServer twice(32);
  EXPECT_TRUE(twice.OnClientFirst("n,,n=user,r=cli").ok());
  EXPECT_FALSE(twice.OnClientFirst("n,,n=other,r=cli").ok());
  EXPECT_FALSE(twice.ServerFirst({"salt", 1}).ok());
  ScramServer a(32), b(32);
  ASSERT_TRUE(a.OnClientFirst("n,,n=user,r=cli").ok() && b.OnClientFirst("n,,n=user,r=cli").ok());
  EXPECT_NE(*a.ServerFirst({"salt", 1}), *b.ServerFirst({"salt", 1}));
}

}  // namespace
}  // namespace yizhan::edge::xmpp
