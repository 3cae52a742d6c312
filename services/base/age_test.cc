#include "base/age.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/sha.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/age_header.h"
#include "base/status.h"
#include "base/testing/programs.h"

namespace yizhan::age {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using yizhan::testing::RunProgram;

// Of the format's description.
constexpr char kIdentity[] = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
constexpr char kRecipient[] = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kDamaged = absl::StatusCode::kDataLoss;
constexpr absl::StatusCode kNoMatch = absl::StatusCode::kPermissionDenied;

std::string Read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

void Write(const std::string& path, std::string_view bytes) { std::ofstream(path, std::ios::binary) << bytes; }

// Bytes that differ from chunk to chunk.
std::string Content(size_t size) {
  std::string content(size, '\0');
  for (size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 7 + i / 65'536 * 13);
  return content;
}

std::string Sha256Hex(const std::string& bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return absl::BytesToHexString(digest);
}

void ExpectRefused(const absl::Status& status, absl::StatusCode code, const std::string& reason,
                   const std::string& words) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_EQ(ReasonOf(status), reason) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(words));
}

TEST(AgeKeysTest, AreThoseOfTheDescription) {
  const auto identity = Identity::Parse(kIdentity);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->ToString().Reveal(), kIdentity);
  EXPECT_EQ(identity->recipient().ToString(), kRecipient);
  const auto recipient = Recipient::Parse(kRecipient);
  ASSERT_TRUE(recipient.ok()) << recipient.status();
  EXPECT_EQ(*recipient, identity->recipient());
}

TEST(AgeKeysTest, EveryNewOneIsAnother) {
  const Identity one = Identity::Generate(), two = Identity::Generate();
  EXPECT_NE(one.recipient(), two.recipient());
  const auto again = Identity::Parse(one.ToString().Reveal());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->recipient(), one.recipient());
}

TEST(AgeKeysTest, ARecipientSaysWhatIsWrongWithIt) {
  const std::string good = kRecipient;
  const auto refused = [](const std::string& text, const std::string& words) {
    ExpectRefused(Recipient::Parse(text).status(), kInvalid, "AGE_KEY", words);
  };
  refused("", "empty");
  refused("ssh-ed25519 AAAA", "begins otherwise");
  refused(absl::AsciiStrToUpper(good), "begins otherwise");
  refused(good.substr(0, 61), "has 57 behind the 1");
  refused(good + "\n", "has 59 behind the 1");
  refused(good.substr(0, 30) + "b" + good.substr(31), "character 31");
  refused(good.substr(0, 30) + "Q" + good.substr(31), "character 31");
  refused(kIdentity, "is a secret");
  EXPECT_THAT(std::string(Recipient::Parse(kIdentity).status().message()), Not(HasSubstr("GFPYYSJZ")));
  // One wrong letter anywhere is found.
  for (size_t at = 4; at < good.size(); ++at) {
    std::string wrong = good;
    wrong[at] = wrong[at] == 'q' ? 'p' : 'q';
    EXPECT_EQ(Recipient::Parse(wrong).status().code(), kInvalid) << at;
  }
  // The spelling of BIP 173 has room for four bits behind the 32 bytes, which are zero; and u = 1 is a point of
  // order 4.
  refused("age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqpfwgqrs", "bits behind");
  refused("age1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqj7vrya", "low order");
}

TEST(AgeKeysTest, AnIdentitySaysWhatIsWrongWithoutRepeatingIt) {
  const std::string good = kIdentity;
  for (const std::string& wrong :
       {good.substr(0, 70), good + "Q", absl::AsciiStrToLower(good), good.substr(0, 73) + "Q", std::string("secret")}) {
    const absl::Status status = Identity::Parse(wrong).status();
    ExpectRefused(status, kInvalid, "AGE_KEY", "AGE-SECRET-KEY-1 and 58 upper-case");
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("GFPYYSJZ")));
  }
  ExpectRefused(Identity::Parse(kRecipient).status(), kInvalid, "AGE_KEY", "opens nothing");
}

TEST(AgeKeysTest, AFileOfIdentitiesHasCommentsAndEmptyLines) {
  const std::string other = Identity::Generate().ToString().Reveal();
  const auto identities = ParseIdentityFile(absl::StrCat("# created: today\r\n\n", kIdentity, "\r\n# and\n", other));
  ASSERT_TRUE(identities.ok()) << identities.status();
  ASSERT_EQ(identities->size(), 2u);
  EXPECT_EQ((*identities)[0].recipient().ToString(), kRecipient);
  EXPECT_EQ((*identities)[1].ToString().Reveal(), other);

  ExpectRefused(ParseIdentityFile("").status(), kInvalid, "AGE_KEY", "has no identity");
  ExpectRefused(ParseIdentityFile("# none\n\n").status(), kInvalid, "AGE_KEY", "has no identity");
  const absl::Status status = ParseIdentityFile(absl::StrCat("#\n", kIdentity, "\nhunter2\n")).status();
  ExpectRefused(status, kInvalid, "AGE_KEY", "line 3");
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("hunter2")));
}

class AgeTest : public ::testing::Test {
 protected:
  const Identity identity_ = *Identity::Parse(kIdentity);
  const std::vector<Identity> identities_ = {identity_};
  const std::vector<Recipient> recipients_ = {identity_.recipient()};
};

TEST_F(AgeTest, WhatIsEncryptedToSeveralOpensForEach) {
  std::vector<Identity> all;
  std::vector<Recipient> recipients;
  for (size_t i = 0; i < kMaxRecipients; ++i) {
    all.push_back(Identity::Generate());
    recipients.push_back(all.back().recipient());
  }
  const auto file = Encrypt("for all", recipients);
  ASSERT_TRUE(file.ok()) << file.status();
  for (const Identity& one : all) {
    const auto opened = Decrypt(*file, {Identity::Generate(), one});
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(*opened, "for all");
  }
  EXPECT_NE(*Encrypt("for all", recipients), *file);
  // The number in age.h.
  EXPECT_EQ(file->size() - 7 - 16 - 16, 2030u);
}

TEST_F(AgeTest, TooManyRecipientsOrNoneAreRefused) {
  ExpectRefused(Encrypt("", {}).status(), kInvalid, "AGE_RECIPIENTS", "not for 0");
  const std::vector<Recipient> many(kMaxRecipients + 1, identity_.recipient());
  ExpectRefused(Encrypt("", many).status(), kInvalid, "AGE_RECIPIENTS", "not for 21");
}

TEST_F(AgeTest, AnothersFileDoesNotOpen) {
  const std::string file = *Encrypt("x", recipients_);
  ExpectRefused(Decrypt(file, {Identity::Generate(), Identity::Generate()}).status(), kNoMatch, "AGE_NO_MATCH",
                "none of the 2 identities");
  ExpectRefused(Decrypt(file, {}).status(), kNoMatch, "AGE_NO_MATCH", "none of the 0 identities");
}

TEST_F(AgeTest, EveryChangedByteIsFound) {
  const std::string file = *Encrypt("content", recipients_);
  for (size_t at = 0; at < file.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = file;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      const absl::Status status = Decrypt(changed, identities_).status();
      const bool version = at<kVersionLine.size(), mac_or_payload = at> file.size() - 23 - 16 - 48;
      EXPECT_TRUE(version || status.code() == kDamaged || status.code() == kNoMatch) << at << ": " << status;
      EXPECT_EQ(status.code() == kInvalid, version) << at << ": " << status;
      EXPECT_TRUE(!mac_or_payload || status.code() == kDamaged) << at << ": " << status;
    }
  }
}

TEST_F(AgeTest, EveryMissingEndIsFound) {
  const std::string file = *Encrypt("content", recipients_);
  for (size_t size = 0; size < file.size(); ++size) {
    const absl::Status status = Decrypt(std::string_view(file).substr(0, size), identities_).status();
    EXPECT_EQ(status.code(), size < kVersionLine.size() ? kInvalid : kDamaged) << size << ": " << status;
  }
}

TEST_F(AgeTest, ChunksThatAreMissingExtraOrExchangedAreFoundAndNamed) {
  const std::string content = Content(3 * 65'536), file = *Encrypt(content, recipients_);
  const size_t chunk = 65'536 + 16, start = file.size() - 3 * chunk;
  const auto refused = [&](const std::string& changed, const std::string& words) {
    ExpectRefused(Decrypt(changed, identities_).status(), kDamaged, "AGE_DAMAGED", words);
  };
  ASSERT_EQ(*Decrypt(file, identities_), content);
  refused(file.substr(0, start + 2 * chunk), "cut off behind chunk 2");
  refused(file.substr(0, file.size() - 1), "chunk 3 of its payload (from byte 131072 of the content, 65535 bytes");
  refused(file.substr(0, start + 2 * chunk + 5), "does not end where chunk 3");
  refused(file + "x", "does not end where chunk 4");
  refused(file + std::string(16, 'x'), "chunk 4 of its payload is empty");
  refused(file + std::string(17, 'x'), "goes on behind its end, chunk 3");
  refused(file + file.substr(start, chunk), "goes on behind its end, chunk 3");
  std::string exchanged = file;
  exchanged.replace(start, chunk, file, start + chunk, chunk);
  refused(exchanged, "chunk 1 of its payload (from byte 0 of the content, 65536 bytes) was changed");
  // The payload of another file for the same recipient.
  const std::string other = *Encrypt(content, recipients_);
  refused(file.substr(0, start - 16) + other.substr(start - 16), "chunk 1");
}

TEST_F(AgeTest, WhatIsNoAgeFileOrAnotherKindSaysSo) {
  const auto refused = [&](const std::string& file, absl::StatusCode code, const std::string& reason,
                           const std::string& words) {
    ExpectRefused(Decrypt(file, identities_).status(), code, reason, words);
  };
  refused("", kInvalid, "AGE_FORMAT", "is empty");
  refused("PK\x03\x04", kInvalid, "AGE_FORMAT", "not an age file");
  refused("age-encryption.org/v2\n-> X\n", kInvalid, "AGE_FORMAT", "another version");
  refused("-----BEGIN AGE ENCRYPTED FILE-----\n", kInvalid, "AGE_FORMAT", "armour");
  const std::string version(kVersionLine), mac = "--- " + std::string(43, 'A') + "\n";
  refused(version + mac, kDamaged, "AGE_DAMAGED", "has no recipient");
  refused(version + "-> scrypt a 1\n\n" + mac, absl::StatusCode::kUnimplemented, "AGE_PASSPHRASE", "passphrase");
  refused(version + "-> scrypt a 1\n\n-> X\n\n" + mac, kDamaged, "AGE_DAMAGED", "beside other recipients");
  refused(version + "-> x.org/else a\n\n" + mac, kNoMatch, "AGE_NO_MATCH", "0 X25519 recipients and 1 of other kinds");
  refused(version + "-> X\n\nlost\n" + mac, kDamaged, "AGE_DAMAGED", "line 4 of its header begins neither");
}

TEST_F(AgeTest, AHeaderIsBounded) {
  std::string header(kVersionLine);
  while (header.size() <= kMaxHeaderBytes) header += "-> other-grease " + std::string(1000, 'x') + "\n\n";
  ExpectRefused(Decrypt(header, identities_).status(), kDamaged, "AGE_DAMAGED", "longer than 65536");
  ExpectRefused(Decrypt(std::string(kVersionLine) + std::string(1 << 20, 'x'), identities_).status(), kDamaged,
                "AGE_DAMAGED", "longer than 65536");
}

// --- vectors of the format's authors: testdata/age/README.md

struct Vector {
  std::string expect, payload, file;
  std::vector<Identity> identities;
};

std::string Inflated(const std::string& bytes) {
  std::string out(20'000'000, '\0');
  uLongf size = out.size();
  EXPECT_EQ(uncompress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                       bytes.size()),
            Z_OK);
  out.resize(size);
  return out;
}

Vector ReadVector(const std::string& path) {
  const std::string all = Read(path);
  const size_t end = all.find("\n\n");
  EXPECT_NE(end, std::string::npos) << path;
  Vector vector;
  vector.file = all.substr(end + 2);
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(all.substr(0, end), '\n'))) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(line, absl::MaxSplits(": ", 1));
    if (pair.first == "expect") vector.expect = pair.second;
    if (pair.first == "payload") vector.payload = pair.second;
    if (pair.first == "identity") vector.identities.push_back(*Identity::Parse(pair.second));
    if (pair.first == "compressed") vector.file = Inflated(vector.file);
  }
  return vector;
}

// The code and a word of the refusal.
std::pair<absl::StatusCode, std::string> Expected(const std::string& name, const Vector& vector) {
  if (name == "scrypt") return {absl::StatusCode::kUnimplemented, "passphrase"};
  if (name == "empty" || name == "version_unsupported" || name == "header_crlf") return {kInvalid, "age file"};
  if (name == "stream_no_nonce" || name == "stream_short_nonce") return {kDamaged, "the beginning of its payload"};
  static const auto& expected = *new std::map<std::string, std::pair<absl::StatusCode, std::string>>{
      {"no match", {kNoMatch, "none of the"}},
      {"HMAC failure", {kDamaged, "its header was changed"}},
      {"header failure", {kDamaged, "of its header"}},
      {"payload failure", {kDamaged, "its payload"}},
  };
  return name == "scrypt_and_x25519" || name == "scrypt_double" ? std::pair(kDamaged, std::string("beside other"))
                                                                : expected.at(vector.expect);
}

TEST(AgeVectorsTest, ComeToWhatTheyExpect) {
  size_t count = 0, opened = 0;
  for (const auto& entry : std::filesystem::directory_iterator(YIZHAN_AGE_VECTORS)) {
    const std::string name = entry.path().filename();
    if (name[0] == '.' || name == "README.md") continue;
    SCOPED_TRACE(name);
    ++count;
    const Vector vector = ReadVector(entry.path());
    const auto plaintext = Decrypt(vector.file, vector.identities);
    if (vector.expect == "success" && name != "scrypt") {
      ++opened;
      ASSERT_TRUE(plaintext.ok()) << plaintext.status();
      EXPECT_EQ(Sha256Hex(*plaintext), vector.payload);
      continue;
    }
    const auto [code, words] = Expected(name, vector);
    EXPECT_EQ(plaintext.status().code(), code) << plaintext.status();
    EXPECT_THAT(std::string(plaintext.status().message()), HasSubstr(words));
  }
  EXPECT_EQ(count, 71u);
  EXPECT_EQ(opened, 14u);
}

// --- the public tool

class AgeToolTest : public ::testing::Test {
 protected:
  AgeToolTest() : dir_(::testing::TempDir() + "/yizhan-age-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
  }
  ~AgeToolTest() override { std::filesystem::remove_all(dir_); }

  // What it printed.
  std::string Run(const std::vector<std::string>& command) const {
    auto printed = RunProgram(command, dir_);
    EXPECT_TRUE(printed.ok()) << printed.status();
    return printed.value_or("");
  }

  const std::string dir_, key_ = dir_ + "/key", plain_ = dir_ + "/plain", file_ = dir_ + "/file.age";
  const std::vector<size_t> sizes_ = {0, 1, 65'535, 65'536, 65'537, 131'072, 3 << 20};
};

TEST_F(AgeToolTest, OpensWhatWeEncrypt) {
  const Identity mine = Identity::Generate(), second = Identity::Generate();
  Write(key_, second.ToString().Reveal() + "\n");
  for (size_t size : sizes_) {
    Write(file_, *Encrypt(Content(size), {mine.recipient(), second.recipient()}));
    EXPECT_TRUE(Run({"age", "-d", "-i", key_, file_}) == Content(size)) << size;
  }
}

TEST_F(AgeToolTest, EncryptsWhatWeOpen) {
  const Identity mine = Identity::Generate(), second = Identity::Generate();
  for (size_t size : sizes_) {
    Write(plain_, Content(size));
    Run({"age", "-r", second.recipient().ToString(), "-r", mine.recipient().ToString(), "-o", file_, plain_});
    const auto opened = Decrypt(Read(file_), {mine});
    ASSERT_TRUE(opened.ok()) << size << ": " << opened.status();
    EXPECT_TRUE(*opened == Content(size)) << size;
    std::filesystem::remove(file_);
  }
}

TEST_F(AgeToolTest, MakesKeysThatWeReadAndReadsOurs) {
  Run({"age-keygen", "-o", key_});
  const auto identities = ParseIdentityFile(Read(key_));
  ASSERT_TRUE(identities.ok()) << identities.status();
  ASSERT_EQ(identities->size(), 1u);
  EXPECT_EQ((*identities)[0].recipient().ToString() + "\n", Run({"age-keygen", "-y", key_}));

  const Identity ours = Identity::Generate();
  Write(key_, ours.ToString().Reveal() + "\n");
  EXPECT_EQ(Run({"age-keygen", "-y", key_}), ours.recipient().ToString() + "\n");
}

// Its armour is told from damage, and a passphrase from a recipient that is not ours.
TEST_F(AgeToolTest, ArmourIsRefusedWithAdvice) {
  const Identity mine = Identity::Generate();
  Write(plain_, "x");
  const std::string armoured = Run({"age", "-a", "-r", mine.recipient().ToString(), plain_});
  ExpectRefused(Decrypt(armoured, {mine}).status(), kInvalid, "AGE_FORMAT", "armour");
}

}  // namespace
}  // namespace yizhan::age
