#include "ldap/service/log_in.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ldap/service/testing/bed.h"

namespace yizhan::directory {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST(LogIn, GivesATokenThatStandsForThePerson) {
  Bed bed;
  v1::Person person = bed.Add("zeng.xiaoxian", {yizhan::common::v1::ROLE_AGENT}, "曾小贤");
  auto session = bed.LogIn("Zeng.XiaoXian", "secret-zeng.xiaoxian");
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_EQ(session->person().person_id(), person.person_id());
  EXPECT_THAT(session->principal().roles(), ElementsAre(yizhan::common::v1::ROLE_EMPLOYEE, yizhan::common::v1::ROLE_AGENT));
  auto who = bed.Who(session->token());
  ASSERT_TRUE(who.ok()) << who.status();
  EXPECT_EQ(who->id(), person.person_id());
  EXPECT_EQ(who->session_id(), session->principal().session_id());
  EXPECT_EQ(who->login(), "zeng.xiaoxian");
  // The ledger's time is greater for each record, even while the clock stands.
  EXPECT_LE(absl::AbsDuration(absl::FromUnixMicros(who->expires_at_us()) - bed.clock.Now() - absl::Hours(24 * 14)), absl::Milliseconds(1));
  // Neither the token nor the password is on the record.
  auto records = bed.ledger->Read({"directory", 0}, 1, 1 << 20);
  for (const ledger::Record& record : *records) {
    EXPECT_EQ(record.payload().find(session->token()), std::string::npos);
    EXPECT_EQ(record.payload().find("secret-"), std::string::npos);
  }
}

TEST(LogIn, RefusesUnknownAndWrongAlike) {
  Bed bed;
  bed.Add("lina");
  auto wrong = bed.LogIn("lina", "not-the-password");
  auto unknown = bed.LogIn("nobody", "not-the-password");
  auto impossible = bed.LogIn("wu(qi)*", "not-the-password");
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(ReasonOf(wrong.status()), "WRONG_CREDENTIALS");
  EXPECT_EQ(wrong.status(), unknown.status());
  EXPECT_EQ(wrong.status(), impossible.status());
}

TEST(LogIn, TakesAsLongForAnUnknownNameAsForAWrongPassword) {
  Parts::Options options = Bed::Quick();
  options.log_ins.refusal_step = absl::Milliseconds(150);
  Bed bed(options);
  bed.Add("lina");
  for (const char* login : {"lina", "nobody", "wu(qi)*"}) {
    const absl::Time began = absl::Now();
    EXPECT_FALSE(bed.LogIn(login, "not-the-password").ok());
    EXPECT_GE(absl::Now() - began, absl::Milliseconds(149)) << login;
  }
}

TEST(LogIn, SaysWhatIsWrongWithARequest) {
  Bed bed;
  EXPECT_EQ(ReasonOf(bed.LogIn("lina", "").status()), "PASSWORD_EMPTY");
  EXPECT_EQ(ReasonOf(bed.LogIn("lina", std::string(2000, 'x')).status()), "PASSWORD_TOO_LONG");
  EXPECT_EQ(ReasonOf(bed.LogIn("lina", "x", "192.0.2.1", std::string(101, 'x')).status()), "BAD_FIELD");
  EXPECT_EQ(ReasonOf(bed.LogIn("lina", "x", "192.0.2.1", "a\nb").status()), "BAD_FIELD");
  EXPECT_EQ(ReasonOf(bed.LogIn("lina", "control\x01").status()), "WRONG_CREDENTIALS");
}

TEST(LogIn, RemembersWhatWasVerifiedButNotAfterAChange) {
  Bed bed;
  v1::Person person = bed.Add("lina");
  bed.Restart();  // forgets
  ASSERT_TRUE(bed.LogIn("lina", "secret-lina").ok());
  auto credentials = Rows(*bed.parts->core.View()).Credentials(person.person_id());
  EXPECT_TRUE(bed.parts->hasher.Knows((*credentials)->password_hash(), *PreparePassword("secret-lina")));
  v1::SetPasswordRequest change;
  change.set_person_id(person.person_id());
  change.set_new_password("another-secret");
  ASSERT_TRUE(bed.WaitFor<v1::SetPasswordResponse>([&](Answer answer) {
                   bed.parts->people.SetPassword(Bed::Administrator(), change, "192.0.2.1", absl::InfiniteFuture(), std::move(answer));
                 }).ok());
  EXPECT_EQ(ReasonOf(bed.LogIn("lina", "secret-lina").status()), "WRONG_CREDENTIALS");
  EXPECT_TRUE(bed.LogIn("lina", "another-secret").ok());
}

TEST(LogIn, IsRefusedForTheDisabledAfterTheRightPasswordOnly) {
  Bed bed;
  v1::Person person = bed.Add("lina");
  v1::LogInResponse session = bed.LoggedIn("lina");
  person.set_active(false);
  ASSERT_TRUE(bed.Update(person).ok());
  EXPECT_EQ(ReasonOf(bed.Who(session.token()).status()), "TOKEN_UNKNOWN");
  EXPECT_EQ(ReasonOf(bed.LogIn("lina", "secret-lina").status()), "ACCOUNT_DISABLED");
  EXPECT_EQ(ReasonOf(bed.LogIn("lina", "wrong-secret").status()), "WRONG_CREDENTIALS");
}

TEST(LogIn, SlowsGuessingDownWithoutLockingOut) {
  Bed bed;
  bed.Add("lina");
  int refused = 0;
  for (int i = 0; i < 8; ++i) refused += ReasonOf(bed.LogIn("lina", "guess", "203.0.113.9").status()) == "TOO_MANY_ATTEMPTS";
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(ReasonOf(bed.LogIn("lina", "secret-lina", "203.0.113.9").status()), "TOO_MANY_ATTEMPTS");
  EXPECT_TRUE(bed.LogIn("lina", "secret-lina", "192.0.2.1").ok());
}

TEST(LogIn, AStormOfRightPasswordsFromOneAddressIsNoGuessing) {
  Bed bed;
  for (int i = 0; i < 150; ++i) bed.Add(absl::StrCat("u", i));
  absl::Mutex mu;
  int done = 0, good = 0;
  for (int i = 0; i < 150; ++i) {
    v1::LogInRequest request;
    request.set_login(absl::StrCat("u", i));
    request.set_password(Bed::PasswordOf(request.login()));
    bed.parts->log_ins.LogIn(request, "192.0.2.7", absl::InfiniteFuture(), [&](absl::StatusOr<std::string> result) {
      absl::MutexLock lock(&mu);
      ++done;
      good += result.ok();
    });
  }
  absl::MutexLock lock(&mu);
  mu.Await(absl::Condition(+[](int* done) { return *done == 150; }, &done));
  EXPECT_EQ(good, 150);
}

TEST(LogIn, RecordsFailuresOnceASecondWithTheirNumber) {
  Bed bed;
  bed.Add("lina");
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(bed.LogIn("lina", "wrong").ok());
  EXPECT_FALSE(bed.LogIn("lina", "wrong", "203.0.113.9").ok());
  bed.clock.Advance(absl::Seconds(2));
  bed.parts->log_ins.Tick();
  bed.Add("after");  // a command behind them
  std::multiset<std::string> seen;
  for (const auto& record : bed.Records(v1::DirectoryRecord::kLogInFailed)) {
    const v1::LogInFailed& failed = record.log_in_failed();
    seen.insert(absl::StrCat(failed.login(), " ", failed.remote_address(), " ", failed.count()));
  }
  EXPECT_EQ(seen, (std::multiset<std::string>{"lina 192.0.2.1 1", "lina 192.0.2.1 3", "lina 203.0.113.9 1"}));
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

// A client's side of SCRAM (RFC 5802, section 3).
struct Proof {
  std::string auth_message, proof, signature;
};

std::string Hmac(const EVP_MD* digest, const std::string& key, const std::string& text) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned int length = 0;
  HMAC(digest, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), &length);
  out.resize(length);
  return out;
}

Proof ProofFor(const v1::GetScramParametersResponse& parameters, ScramHash hash, const std::string& password) {
  const EVP_MD* digest = hash == ScramHash::kSha1 ? EVP_sha1() : EVP_sha256();
  std::string salted(EVP_MD_size(digest), '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), reinterpret_cast<const unsigned char*>(parameters.salt().data()),
                    static_cast<int>(parameters.salt().size()), static_cast<int>(parameters.iterations()), digest,
                    static_cast<int>(salted.size()), reinterpret_cast<unsigned char*>(salted.data()));
  const std::string client_key = Hmac(digest, salted, "Client Key");
  std::string stored_key(EVP_MD_size(digest), '\0');
  EVP_Digest(client_key.data(), client_key.size(), reinterpret_cast<unsigned char*>(stored_key.data()), nullptr, digest, nullptr);
  Proof proof;
  proof.auth_message = "n=lina,r=abc,r=abcdef,s=x,i=4096,c=biws,r=abcdef";
  proof.proof = Hmac(digest, stored_key, proof.auth_message);
  for (size_t i = 0; i < proof.proof.size(); ++i) proof.proof[i] = static_cast<char>(proof.proof[i] ^ client_key[i]);
  proof.signature = Hmac(digest, Hmac(digest, salted, "Server Key"), proof.auth_message);
  return proof;
}

class Scram : public ::testing::TestWithParam<const char*> {};

TEST_P(Scram, UnknownNamesGetStableParameters) {
  Bed bed;
  bed.Add("lina");
  auto parameters = [&](const char* login) {
    v1::GetScramParametersRequest request;
    request.set_login(login);
    request.set_mechanism(GetParam());
    auto response = bed.parts->log_ins.Parameters(request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response->SerializeAsString();
  };
  const std::string known = parameters("lina"), unknown = parameters("nobody");
  EXPECT_EQ(known, parameters("LINA"));
  EXPECT_EQ(unknown, parameters("nobody"));
  EXPECT_NE(unknown, parameters("somebody"));
  EXPECT_EQ(known.size(), unknown.size());
  bed.Restart();
  EXPECT_EQ(unknown, parameters("nobody"));
}

TEST_P(Scram, OpensASessionForAProofAndRefusesOthers) {
  Bed bed;
  bed.Add("lina");
  auto hash = ScramHashOf(GetParam());
  v1::GetScramParametersRequest ask;
  ask.set_login("lina");
  ask.set_mechanism(GetParam());
  Proof proof = ProofFor(*bed.parts->log_ins.Parameters(ask), *hash, "secret-lina");
  v1::LogInScramRequest request;
  request.set_login("lina");
  request.set_mechanism(GetParam());
  request.set_auth_message(proof.auth_message);
  request.set_client_proof(proof.proof);
  auto log_in = [&] {
    return bed.WaitFor<v1::LogInScramResponse>(
        [&](Answer answer) { bed.parts->log_ins.LogInScram(request, "192.0.2.1", absl::InfiniteFuture(), std::move(answer)); });
  };
  auto good = log_in();
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_EQ(good->server_signature(), proof.signature);
  EXPECT_TRUE(bed.Who(good->session().token()).ok());
  request.set_login("nobody");
  EXPECT_EQ(ReasonOf(log_in().status()), "WRONG_CREDENTIALS");
  request.set_login("lina");
  request.mutable_auth_message()->back() ^= 1;
  EXPECT_EQ(ReasonOf(log_in().status()), "WRONG_CREDENTIALS");
  request.set_mechanism("PLAIN");
  EXPECT_EQ(ReasonOf(log_in().status()), "BAD_MECHANISM");
}

INSTANTIATE_TEST_SUITE_P(Mechanisms, Scram, ::testing::Values("SCRAM-SHA-256", "SCRAM-SHA-1"));

}  // namespace
}  // namespace yizhan::directory
