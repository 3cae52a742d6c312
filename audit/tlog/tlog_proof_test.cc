#include "audit/tlog/tlog_proof.h"

#include <gtest/gtest.h>

#include "audit/tlog/test_tree.h"
#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

class TlogProofTest : public testing::Test {
 protected:
  TlogProofTest() {
    for (int n = 0; n < 100; ++n) tree_.AppendEntry(Cat(n));
    checkpoint_ = *SignCheckpoint({"log.example", 100, tree_.compact().Root(), {}}, {log_});
  }
  TlogProof Make(uint64_t index) const {
    return {std::nullopt, index, *InclusionProof(tree_, index, 100), checkpoint_};
  }

  NoteSigner log_ = *NoteSigner::FromSeed("log.example", std::string(32, 'l'));
  MemoryTree tree_;
  std::string checkpoint_;
};

TEST_F(TlogProofTest, IsWrittenAsSpecified) {
  TlogProof proof{"extra!", 73894, {LeafHash("a"), LeafHash("b")}, "example.com/fancylog\n109482\n"};
  EXPECT_EQ(FormatTlogProof(proof),
            Cat("c2sp.org/tlog-proof@v1\nextra ZXh0cmEh\nindex 73894\n", ToBase64(LeafHash("a").view()), "\n",
                ToBase64(LeafHash("b").view()), "\n\nexample.com/fancylog\n109482\n"));
  EXPECT_EQ(*ParseTlogProof(FormatTlogProof(proof)), proof);
  proof.extra.reset();
  proof.hashes.clear();
  EXPECT_EQ(FormatTlogProof(proof), "c2sp.org/tlog-proof@v1\nindex 73894\n\nexample.com/fancylog\n109482\n");
  EXPECT_EQ(*ParseTlogProof(FormatTlogProof(proof)), proof);
}

TEST_F(TlogProofTest, ProvesEveryEntry) {
  for (uint64_t n = 0; n < 100; ++n) {
    const auto proof = ParseTlogProof(FormatTlogProof(Make(n)));
    ASSERT_TRUE(proof.ok()) << proof.status();
    const auto checkpoint = VerifyTlogProof(*proof, LeafHash(Cat(n)), {log_.key()});
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    EXPECT_EQ(checkpoint->size, 100u);
    EXPECT_EQ(ReasonOf(VerifyTlogProof(*proof, LeafHash(Cat(n + 1)), {log_.key()}).status()), "PROOF_MISMATCH");
  }
}

TEST_F(TlogProofTest, AnyFlippedBitIsNoticed) {
  const std::string good = FormatTlogProof(Make(42));
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      const auto proof = ParseTlogProof(bad);
      EXPECT_FALSE(proof.ok() && VerifyTlogProof(*proof, LeafHash("42"), {log_.key()}).ok()) << i << Quoted(bad);
    }
  }
}

TEST_F(TlogProofTest, ParsesStrictly) {
  const std::string good = FormatTlogProof(Make(42));
  for (size_t length = 0; length < good.find("log.example"); ++length)
    EXPECT_FALSE(ParseTlogProof(good.substr(0, length)).ok());
  std::string many = "c2sp.org/tlog-proof@v1\nindex 0\n";
  for (int i = 0; i < 64; ++i) many += Cat(ToBase64(Hash{}.view()), "\n");
  for (const std::string& bad :
       {std::string("c2sp.org/tlog-proof@v2\nindex 0\n\nx\n"), std::string("c2sp.org/tlog-proof@v1\nindex 00\n\nx\n"),
        std::string("c2sp.org/tlog-proof@v1\nindex -1\n\nx\n"), std::string("c2sp.org/tlog-proof@v1\nindex\n\nx\n"),
        std::string("c2sp.org/tlog-proof@v1\nindex 0\nextra AA==\n\nx\n"),
        std::string("c2sp.org/tlog-proof@v1\nextra A\nindex 0\n\nx\n"),
        std::string("c2sp.org/tlog-proof@v1\nindex 0\n\n"), std::string("c2sp.org/tlog-proof@v1\r\nindex 0\n\nx\n"),
        Cat(many, "\nx\n")}) {
    EXPECT_EQ(ReasonOf(ParseTlogProof(bad).status()), "PROOF_MALFORMED") << Quoted(bad);
  }
}

}  // namespace
}  // namespace yizhan::audit
