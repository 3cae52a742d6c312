#include "audit/tlog/proof.h"

#include <gtest/gtest.h>

#include <random>

#include "audit/tlog/test_tree.h"
#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

constexpr uint64_t kMost = 200;

class ProofTest : public testing::Test {
 protected:
  ProofTest() {
    for (uint64_t n = 0; n < kMost; ++n) tree_.AppendEntry(Cat("entry ", n));
    for (uint64_t n = 0; n <= kMost; ++n) roots_.push_back(*RootAt(tree_, n));
  }

  // Every way in which a proof may be spoilt: a bit flipped, a hash missing, added, or two exchanged.
  std::vector<Hash> Spoil(std::vector<Hash> proof) {
    const auto at = [&](size_t size) { return std::uniform_int_distribution<size_t>(0, size - 1)(random_); };
    switch (proof.empty() ? 1 : at(4)) {
      case 0:
        proof[at(proof.size())].bytes[at(kHashBytes)] ^= static_cast<uint8_t>(1 << at(8));
        break;
      case 1:
        proof.insert(proof.begin() + static_cast<long>(at(proof.size() + 1)), LeafHash("more"));
        break;
      case 2:
        proof.erase(proof.begin() + static_cast<long>(at(proof.size())));
        break;
      default:
        if (proof.size() == 1) {
          proof.clear();
        } else {
          std::swap(proof[0], proof[1 + at(proof.size() - 1)]);
        }
    }
    return proof;
  }

  MemoryTree tree_;
  std::vector<Hash> roots_;
  std::mt19937 random_{20260117};
};

TEST_F(ProofTest, EveryLeafOfEveryTreeIsIncluded) {
  for (uint64_t size = 1; size <= kMost; ++size) {
    for (uint64_t index = 0; index < size; ++index) {
      const auto proof = InclusionProof(tree_, index, size);
      ASSERT_TRUE(proof.ok()) << proof.status();
      const Hash& leaf = tree_.leaves()[index];
      ASSERT_TRUE(VerifyInclusion(leaf, index, size, *proof, roots_[size]).ok()) << index << " of " << size;
      ASSERT_FALSE(VerifyInclusion(leaf, index, size, Spoil(*proof), roots_[size]).ok()) << index << " of " << size;
      ASSERT_FALSE(VerifyInclusion(LeafHash("other"), index, size, *proof, roots_[size]).ok());
      ASSERT_FALSE(VerifyInclusion(leaf, index, size, *proof, roots_[size - 1]).ok());
      ASSERT_FALSE(VerifyInclusion(leaf, index == 0 ? size : index - 1, size, *proof, roots_[size]).ok());
    }
  }
}

TEST_F(ProofTest, EveryTreeBeginsEveryLaterOne) {
  for (uint64_t size = 0; size <= kMost; ++size) {
    for (uint64_t old = 0; old <= size; ++old) {
      const auto proof = ConsistencyProof(tree_, old, size);
      ASSERT_TRUE(proof.ok()) << proof.status();
      ASSERT_TRUE(VerifyConsistency(old, roots_[old], size, roots_[size], *proof).ok()) << old << " to " << size;
      ASSERT_FALSE(VerifyConsistency(old, roots_[old], size, roots_[size], Spoil(*proof)).ok())
          << old << " to " << size;
      ASSERT_FALSE(VerifyConsistency(old, LeafHash("other"), size, roots_[size], *proof).ok());
      if (old > 0) {
        ASSERT_FALSE(VerifyConsistency(old, roots_[old], size, LeafHash("other"), *proof).ok());
      }
    }
  }
}

TEST_F(ProofTest, AReplacedLeafBreaksConsistency) {
  MemoryTree forged;
  for (uint64_t n = 0; n < kMost; ++n) forged.AppendEntry(n == 7 ? "forged" : Cat("entry ", n));
  for (uint64_t old = 8; old <= kMost; ++old) {
    const auto proof = ConsistencyProof(forged, old, kMost);
    ASSERT_TRUE(proof.ok());
    EXPECT_FALSE(VerifyConsistency(old, roots_[old], kMost, forged.compact().Root(), *proof).ok()) << old;
  }
}

TEST_F(ProofTest, ReasonsTellShapeFromContent) {
  const auto proof = *InclusionProof(tree_, 3, 7);
  std::vector<Hash> longer = proof;
  longer.push_back(Hash{});
  EXPECT_EQ(ReasonOf(VerifyInclusion(tree_.leaves()[3], 3, 7, longer, roots_[7])), "PROOF_MALFORMED");
  EXPECT_EQ(ReasonOf(VerifyInclusion(tree_.leaves()[3], 7, 7, proof, roots_[7])), "PROOF_MALFORMED");
  EXPECT_EQ(ReasonOf(VerifyInclusion(tree_.leaves()[2], 3, 7, proof, roots_[7])), "PROOF_MISMATCH");
  EXPECT_EQ(ReasonOf(VerifyConsistency(8, roots_[8], 7, roots_[7], {})), "PROOF_MALFORMED");
  EXPECT_EQ(ReasonOf(VerifyConsistency(7, roots_[7], 7, roots_[6], {})), "PROOF_MISMATCH");
}

TEST_F(ProofTest, HugeSizesEnd) {
  EXPECT_FALSE(VerifyInclusion(Hash{}, kMaxTreeSize - 1, kMaxTreeSize, {}, Hash{}).ok());
  EXPECT_FALSE(VerifyInclusion(Hash{}, 0, UINT64_MAX, {}, Hash{}).ok());
  EXPECT_FALSE(VerifyConsistency(1, Hash{}, UINT64_MAX, Hash{}, {}).ok());
  const std::vector<Hash> many(64);
  EXPECT_FALSE(VerifyConsistency(kMaxTreeSize - 1, Hash{}, kMaxTreeSize, Hash{}, many).ok());
}

}  // namespace
}  // namespace yizhan::audit
