#include "audit/tlog/note.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/tlog/hash.h"
#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

// The published example of Go's note package, from which the format comes.
constexpr char kSkey[] = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
constexpr char kVkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr char kText[] =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
constexpr char kLine[] =
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

NoteSigner SignerFor(std::string_view name, char seed) { return *NoteSigner::FromSeed(name, std::string(32, seed)); }

TEST(Note, SignsAndOpensThePublishedExample) {
  const auto signer = NoteSigner::Parse(kSkey);
  ASSERT_TRUE(signer.ok()) << signer.status();
  EXPECT_EQ(signer->ToString(), kSkey);
  EXPECT_EQ(signer->key().ToString(), kVkey);
  EXPECT_EQ(*SignNote(kText, {*signer}), Cat(kText, "\n", kLine));
  const auto opened = OpenNote(Cat(kText, "\n", kLine), {*NoteKey::Parse(kVkey)});
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->text, kText);
}

TEST(Note, RoundTripsTextsWithBlankLines) {
  const NoteSigner signer = SignerFor("log.example/a", 'a');
  for (const char* text : {"a\n", "\n", "a\n\nb\n", "a\n\n", "驿站\n\n\n", "— log.example/a AAAA\n"}) {
    const auto bytes = SignNote(text, {signer});
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    const auto opened = OpenNote(*bytes, {signer.key()});
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->text, text);
    EXPECT_EQ(*FormatNote(*ParseNote(*bytes)), *bytes);
  }
}

TEST(Note, IgnoresUnknownKeysAndTakesSixteenSignaturesAndMore) {
  std::vector<NoteSigner> signers;
  for (int i = 0; i < 40; ++i) signers.push_back(SignerFor(Cat("witness", i, ".example"), static_cast<char>(i)));
  const std::string bytes = *SignNote("t\n", signers);
  const auto opened = OpenNote(bytes, {signers[39].key()});
  ASSERT_TRUE(opened.ok()) << opened.status();
  ASSERT_EQ(opened->signatures.size(), 1u);
  EXPECT_EQ(opened->signatures[0].key_name, "witness39.example");
  const auto unknown = OpenNote(bytes, {SignerFor("else.example", 'z').key()});
  EXPECT_EQ(ReasonOf(unknown.status()), "UNKNOWN_SIGNER");
  EXPECT_THAT(std::string(unknown.status().message()), testing::HasSubstr("witness0.example+"));
}

TEST(Note, TheSameNameWithAnotherKeyIsAnotherKey) {
  const NoteSigner ours = SignerFor("log.example", 'a'), theirs = SignerFor("log.example", 'b');
  EXPECT_NE(ours.key().id(), theirs.key().id());
  EXPECT_EQ(ReasonOf(OpenNote(*SignNote("t\n", {theirs}), {ours.key()}).status()), "UNKNOWN_SIGNER");
  EXPECT_TRUE(OpenNote(*SignNote("t\n", {theirs, ours}), {ours.key()}).ok());
}

TEST(Note, AKnownKeysBadSignatureSpoilsTheNote) {
  const NoteSigner a = SignerFor("a.example", 'a'), b = SignerFor("b.example", 'b');
  Note note = *ParseNote(*SignNote("t\n", {a, b}));
  note.signatures[0].signature[5] ^= 1;
  const std::string bytes = *FormatNote(note);
  EXPECT_EQ(ReasonOf(OpenNote(bytes, {a.key(), b.key()}).status()), "BAD_SIGNATURE");
  EXPECT_TRUE(OpenNote(bytes, {b.key()}).ok());
  note.text = "u\n";
  EXPECT_EQ(ReasonOf(OpenNote(*FormatNote(note), {b.key()}).status()), "BAD_SIGNATURE");
}

TEST(Note, AnyFlippedByteIsNoticed) {
  const NoteSigner signer = SignerFor("log.example", 'a');
  const std::string good = *SignNote("origin\n5\nabc\n", {signer});
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      EXPECT_FALSE(OpenNote(bad, {signer.key()}).ok()) << i << " " << Quoted(bad);
    }
  }
}

TEST(Note, ParsesStrictly) {
  const std::string good = Cat(kText, "\n", kLine);
  ASSERT_TRUE(ParseNote(good).ok());
  const std::string bad[] = {"",
                             "\n",
                             "\n\n",
                             "text\n",
                             "text\n\n",
                             good.substr(0, good.size() - 1),
                             good + "\n",
                             good + "x\n",
                             kLine,
                             Cat("tab\there\n\n", kLine),
                             Cat("cr\r\n\n", kLine),
                             Cat("\xFF\n\n", kLine),
                             Cat(kText, "\n- name AAAAAAAA\n"),
                             Cat(kText, "\n— name\n"),
                             Cat(kText, "\n— name \n"),
                             Cat(kText, "\n— name AAAA\n"),
                             Cat(kText, "\n— na+me AAAAAAA=\n"),
                             Cat(kText, "\n—  AAAAAAA=\n"),
                             Cat(kText, "\n— na\u3000me AAAAAAA=\n"),
                             Cat(kText, "\n— name AAAAAAA= \n"),
                             Cat(kText, "\n— name AAAAAAB=\n"),
                             Cat(std::string("nul\0\n", 5), "\n", kLine)};
  for (const std::string& bytes : bad)
    EXPECT_EQ(ReasonOf(ParseNote(bytes).status()), "NOTE_MALFORMED") << Quoted(bytes);
  std::string many = Cat(kText, "\n");
  for (size_t i = 0; i <= kMaxNoteSignatures; ++i) many += kLine;
  EXPECT_FALSE(ParseNote(many).ok());
  EXPECT_FALSE(ParseNote(Cat(std::string(kMaxNoteBytes, 'a'), "\n\n", kLine)).ok());
}

TEST(NoteKey, ParsesStrictly) {
  ASSERT_TRUE(NoteKey::Parse(kVkey).ok());
  for (std::string bad :
       {"", "a", "a+b", "a+b+c", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2Q==", "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
        "+c74f20a3+AQ==", "PeterNeumann+c74f20a3+"}) {
    EXPECT_EQ(ReasonOf(NoteKey::Parse(bad).status()), "KEY_MALFORMED") << bad;
  }
  EXPECT_THAT(std::string(NoteKey::Parse(kSkey).status().message()), testing::HasSubstr("private key"));
}

TEST(NoteSigner, NeverShowsTheSecretInAMessage) {
  std::string spoilt = kSkey;
  spoilt[30] = 'x';
  const auto signer = NoteSigner::Parse(spoilt);
  ASSERT_FALSE(signer.ok());
  EXPECT_THAT(std::string(signer.status().message()), testing::Not(testing::HasSubstr("AYEKFALV")));
  EXPECT_FALSE(NoteSigner::Parse(kVkey).ok());
}

TEST(NoteSigner, GeneratesKeysThatDiffer) {
  const auto a = NoteSigner::Generate("log.example"), b = NoteSigner::Generate("log.example");
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_NE(a->ToString(), b->ToString());
  EXPECT_EQ(NoteSigner::Parse(a->ToString())->key(), a->key());
  EXPECT_FALSE(NoteSigner::Generate("with space").ok());
}

}  // namespace
}  // namespace yizhan::audit
