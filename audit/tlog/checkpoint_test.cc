#include "audit/tlog/checkpoint.h"

#include <gtest/gtest.h>

#include "audit/tlog/text.h"
#include "audit/tlog/tree.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

// The example of c2sp.org/tlog-checkpoint.
constexpr char kExample[] =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+"
    "xeMcTOAYQ8=\n";

TEST(Checkpoint, ReadsThePublishedExample) {
  const auto note = ParseNote(kExample);
  ASSERT_TRUE(note.ok()) << note.status();
  const auto checkpoint = ParseCheckpoint(note->text);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(checkpoint->origin, "example.com/behind-the-sofa");
  EXPECT_EQ(checkpoint->size, 20852163u);
  EXPECT_EQ(*FormatCheckpoint(*checkpoint), note->text);
}

TEST(Checkpoint, KeepsExtensionLines) {
  const Checkpoint checkpoint{"log.example", 0, EmptyRoot(), {"one", "二"}};
  const std::string text = *FormatCheckpoint(checkpoint);
  EXPECT_EQ(*ParseCheckpoint(text), checkpoint);
  EXPECT_FALSE(FormatCheckpoint({"log.example", 0, EmptyRoot(), {""}}).ok());
  EXPECT_FALSE(FormatCheckpoint({"log.example", 0, EmptyRoot(), {"a\nb"}}).ok());
  EXPECT_FALSE(FormatCheckpoint({"", 0, EmptyRoot(), {}}).ok());
  EXPECT_FALSE(FormatCheckpoint({"log.example", kMaxTreeSize + 1, EmptyRoot(), {}}).ok());
}

TEST(Checkpoint, ParsesStrictly) {
  const std::string root = ToBase64(EmptyRoot().view());
  for (const std::string& bad :
       {std::string(), Cat("o\n1\n"), Cat("o\n1\n", root), Cat("\n1\n", root, "\n"), Cat("o\n01\n", root, "\n"),
        Cat("o\n-1\n", root, "\n"), Cat("o\n\n", root, "\n"), Cat("o\n9223372036854775808\n", root, "\n"),
        Cat("o\n1\n", root.substr(1), "\n"), Cat("o\n1\n", root, "\n\n"), Cat("o\n1\n", root, "\next"),
        Cat("o\n1 \n", root, "\n"), Cat("o\r\n1\n", root, "\n")}) {
    EXPECT_EQ(ReasonOf(ParseCheckpoint(bad).status()), "CHECKPOINT_MALFORMED") << Quoted(bad);
  }
}

TEST(Checkpoint, OnlyTheLogItselfMakesOne) {
  const NoteSigner log = *NoteSigner::FromSeed("log.example", std::string(32, 'l'));
  const NoteSigner witness = *NoteSigner::FromSeed("witness.example", std::string(32, 'w'));
  const Checkpoint checkpoint{"log.example", 5, LeafHash("x"), {}};
  EXPECT_EQ(*OpenCheckpoint(*SignCheckpoint(checkpoint, {log}), {log.key()}), checkpoint);
  EXPECT_EQ(*OpenCheckpoint(*SignCheckpoint(checkpoint, {witness, log}), {log.key(), witness.key()}), checkpoint);
  EXPECT_EQ(ReasonOf(OpenCheckpoint(*SignCheckpoint(checkpoint, {witness}), {log.key(), witness.key()}).status()),
            "WRONG_ORIGIN");
  EXPECT_EQ(ReasonOf(OpenCheckpoint(*SignNote("hello\n", {log}), {log.key()}).status()), "CHECKPOINT_MALFORMED");
}

}  // namespace
}  // namespace yizhan::audit
