#include "ldap/credentials/password_hash.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "base/status.h"

namespace yizhan::directory {
namespace {

constexpr HashCost kCheap = {.memory_kib = 64, .passes = 1};

Secret<std::string> Prepared(std::string_view password) {
  absl::StatusOr<Secret<std::string>> prepared = PreparePassword(password);
  EXPECT_TRUE(prepared.ok()) << prepared.status();
  return prepared.ok() ? *prepared : Secret<std::string>();
}

TEST(PasswordHash, DefaultCostIsInTheString) {
  const auto stored = HashPassword(Prepared("correct horse"));
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_TRUE(stored->starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << *stored;
  EXPECT_TRUE(VerifyPassword(*stored, Prepared("correct horse")).ok());
  EXPECT_EQ(ReasonOf(VerifyPassword(*stored, Prepared("correct Horse"))), "WRONG_CREDENTIALS");
  EXPECT_FALSE(NeedsRehash(*stored));
  EXPECT_TRUE(NeedsRehash(*stored, kCheap));
}

// Made by the reference program: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -e
TEST(PasswordHash, VerifiesWhatTheReferenceProgramWrote) {
  const std::string stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
  EXPECT_TRUE(VerifyPassword(stored, Prepared("password")).ok());
  EXPECT_FALSE(VerifyPassword(stored, Prepared("passwore")).ok());
}

TEST(PasswordHash, SaltsDiffer) {
  EXPECT_NE(*HashPassword(Prepared("x"), kCheap), *HashPassword(Prepared("x"), kCheap));
}

TEST(PasswordHash, RefusesStoredStringsThatAskForTooMuchOrAreBroken) {
  for (const std::string& stored :
       {std::string(), std::string("$"), std::string("plain"),
        std::string("$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$aGFzaA"),
        std::string("$argon2id$v=19$m=64,t=4000000,p=1$c2FsdHNhbHQ$aGFzaA"),
        std::string("$argon2i$v=19$m=64,t=3,p=1$c2FsdHNhbHQ$aGFzaA"),
        std::string("$argon2id$v=19$m=-64,t=1,p=1$c2FsdHNhbHQ$aGFzaA"),
        std::string("$argon2id$v=19$m=64,t=1,p=4$c2FsdHNhbHQ$aGFzaA"), std::string(500, '$')}) {
    EXPECT_EQ(VerifyPassword(stored, Prepared("x")).code(), absl::StatusCode::kDataLoss) << stored;
    EXPECT_TRUE(NeedsRehash(stored));
  }
}

TEST(PasswordHash, RefusesCostsOutOfRange) {
  EXPECT_EQ(ReasonOf(HashPassword(Prepared("x"), {.memory_kib = 1, .passes = 1}).status()), "HASH_COST");
  EXPECT_EQ(ReasonOf(HashPassword(Prepared("x"), {.memory_kib = 64, .passes = 0}).status()), "HASH_COST");
  EXPECT_EQ(ReasonOf(HashPassword(Prepared("x"), {.memory_kib = 1u << 31, .passes = 1}).status()), "HASH_COST");
}

TEST(PasswordHash, NobodyHasTheDecoy) {
  const std::string& decoy = DecoyHash(kCheap);
  EXPECT_EQ(&decoy, &DecoyHash(kCheap));
  ASSERT_TRUE(CostOf(decoy).ok());
  EXPECT_EQ(*CostOf(decoy), kCheap);
  EXPECT_EQ(ReasonOf(VerifyPassword(decoy, Prepared("password"))), "WRONG_CREDENTIALS");
}

// RFC 4013, section 3.
TEST(PreparePassword, FollowsSaslprep) {
  EXPECT_EQ(Prepared("I\xC2\xADX").Reveal(), "IX");                                    // soft hyphen mapped to nothing
  EXPECT_EQ(Prepared("user").Reveal(), "user");                                        // no transformation
  EXPECT_EQ(Prepared("USER").Reveal(), "USER");                                        // case preserved
  EXPECT_EQ(Prepared("\xC2\xAA").Reveal(), "a");                                       // NFKC
  EXPECT_EQ(Prepared("\xE2\x85\xA8").Reveal(), "IX");                                  // NFKC
  EXPECT_EQ(ReasonOf(PreparePassword("\x07").status()), "PASSWORD_UNUSABLE");          // prohibited
  EXPECT_EQ(ReasonOf(PreparePassword("\xD8\xA7\x31").status()), "PASSWORD_UNUSABLE");  // bidirectional check
}

TEST(PreparePassword, ChineseAndFullWidth) {
  EXPECT_EQ(Prepared("驿站密码").Reveal(), "驿站密码");
  EXPECT_EQ(Prepared("１２３ａ").Reveal(), "123a");
  EXPECT_EQ(Prepared("a　b").Reveal(), "a b");  // ideographic space
}

TEST(PreparePassword, RefusesWithAReason) {
  EXPECT_EQ(ReasonOf(PreparePassword("").status()), "PASSWORD_EMPTY");
  EXPECT_EQ(ReasonOf(PreparePassword(std::string(kMaxPasswordBytes + 1, 'a')).status()), "PASSWORD_TOO_LONG");
  EXPECT_EQ(ReasonOf(PreparePassword("\xff\xfe").status()), "PASSWORD_UNUSABLE");
  EXPECT_EQ(ReasonOf(PreparePassword(std::string_view("a\0b", 3)).status()), "PASSWORD_UNUSABLE");
  EXPECT_EQ(ReasonOf(PreparePassword("\xC2\xAD").status()), "PASSWORD_UNUSABLE");  // nothing is left of it
  std::string longest;
  while (longest.size() + 3 <= kMaxPasswordBytes) longest += "\xEF\xB7\xBA";  // U+FDFA: one becomes 18 under NFKC
  EXPECT_TRUE(PreparePassword(longest).ok());
}

TEST(Secret, PrintsStarsAndWipes) {
  std::ostringstream out;
  Secret<std::string> secret(std::string("hunter2"));
  out << secret;
  EXPECT_EQ(out.str(), "***");
  Secret<std::string> moved = std::move(secret);
  EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(moved.Reveal(), "hunter2");
  moved = Secret<std::string>(std::string("x"));
  EXPECT_EQ(moved.Reveal(), "x");
}

}  // namespace
}  // namespace yizhan::directory
