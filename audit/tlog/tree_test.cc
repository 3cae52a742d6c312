#include "audit/tlog/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/tlog/test_tree.h"
#include "audit/tlog/text.h"

namespace yizhan::audit {
namespace {

constexpr const char* kStandardRoots[9] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                           "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                           "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                           "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                           "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                           "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                           "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                           "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                           "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

TEST(CompactTree, HasThePublishedRootsOfTheStandardLeaves) {
  MemoryTree tree;
  EXPECT_EQ(ToHex(tree.compact().Root().view()), kStandardRoots[0]);
  int size = 0;
  for (const std::string& leaf : StandardLeaves()) {
    tree.AppendEntry(leaf);
    EXPECT_EQ(ToHex(tree.compact().Root().view()), kStandardRoots[++size]);
  }
  for (int n = 0; n <= 8; ++n) EXPECT_EQ(ToHex(RootAt(tree, n)->view()), kStandardRoots[n]);
}

TEST(CompactTree, AgreesWithTheDefinitionAtEverySize) {
  MemoryTree tree;
  for (size_t n = 0; n <= 300; ++n) {
    ASSERT_EQ(tree.compact().Root(), ReferenceRoot(tree.leaves(), 0, n)) << n;
    tree.AppendEntry(Cat("entry ", n));
  }
  for (size_t n = 0; n <= 300; ++n) {
    ASSERT_EQ(*RootAt(tree, n), ReferenceRoot(tree.leaves(), 0, n)) << n;
    const auto edge = CompactTreeAt(tree, n);
    ASSERT_TRUE(edge.ok()) << edge.status();
    EXPECT_EQ(edge->Root(), ReferenceRoot(tree.leaves(), 0, n));
  }
}

TEST(CompactTree, ReportsEachCompleteNodeOnceAndTwoALeaf) {
  std::vector<Hash> leaves;
  for (int i = 0; i < 1024; ++i) leaves.push_back(LeafHash(Cat(i)));
  std::vector<TreeNode> batch, single;
  CompactTree one, other;
  ASSERT_TRUE(one.AppendAll(leaves, &batch).ok());
  for (const Hash& leaf : leaves) ASSERT_TRUE(other.Append(leaf, &single).ok());
  EXPECT_EQ(batch, single);
  EXPECT_EQ(one, other);
  EXPECT_EQ(batch.size(), 2 * 1024u - 1);
  std::map<std::pair<uint32_t, uint64_t>, Hash> nodes;
  for (const TreeNode& node : batch) {
    EXPECT_TRUE(nodes.emplace(std::pair(node.level, node.index), node.hash).second);
    if (node.level > 0) {
      const Hash& left = nodes.at({node.level - 1, node.index * 2});
      EXPECT_EQ(node.hash, NodeHash(left, nodes.at({node.level - 1, node.index * 2 + 1})));
    }
  }
}

TEST(CompactTree, SerialisedFrontierGoesOnWhereItStopped) {
  MemoryTree tree;
  for (int n = 0; n < 100; ++n) {
    auto copy = CompactTree::Parse(tree.compact().Serialize());
    ASSERT_TRUE(copy.ok()) << copy.status();
    EXPECT_EQ(*copy, tree.compact());
    EXPECT_EQ(*CompactTreeAt(tree, n), tree.compact());
    tree.AppendEntry(Cat(n));
    ASSERT_TRUE(copy->Append(LeafHash(Cat(n))).ok());
    EXPECT_EQ(copy->Root(), tree.compact().Root());
  }
}

TEST(CompactTree, ParseRefusesWhatItDidNotWrite) {
  MemoryTree tree;
  for (int n = 0; n < 5; ++n) tree.AppendEntry(Cat(n));
  const std::string good = tree.compact().Serialize();
  EXPECT_EQ(good.size(), 9 + 2 * kHashBytes);
  for (size_t length = 0; length < good.size(); ++length) EXPECT_FALSE(CompactTree::Parse(good.substr(0, length)).ok());
  EXPECT_FALSE(CompactTree::Parse(good + "x").ok());
  std::string newer = good;
  newer[0] = 2;
  EXPECT_THAT(std::string(CompactTree::Parse(newer).status().message()), testing::HasSubstr("version 2"));
  std::string huge = good;
  huge[1] = '\xff';
  EXPECT_FALSE(CompactTree::Parse(huge).ok());
}

TEST(Proofs, RefuseWhatDoesNotExist) {
  MemoryTree tree;
  for (int n = 0; n < 5; ++n) tree.AppendEntry(Cat(n));
  EXPECT_EQ(InclusionProof(tree, 5, 5).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(InclusionProof(tree, 0, 0).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ConsistencyProof(tree, 6, 5).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(InclusionProof(tree, 0, 6).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(RootAt(tree, 8).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(RootAt(tree, UINT64_MAX).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Proofs, ReadFewNodes) {
  MemoryTree tree;
  for (int n = 0; n < 10000; ++n) tree.Append(Hash{});
  tree.reads = 0;
  ASSERT_TRUE(InclusionProof(tree, 1, 9999).ok());
  EXPECT_LE(tree.reads, 28);
  tree.reads = 0;
  ASSERT_TRUE(ConsistencyProof(tree, 4097, 9999).ok());
  EXPECT_LE(tree.reads, 28);
}

}  // namespace
}  // namespace yizhan::audit
