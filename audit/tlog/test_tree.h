// A tree in memory with every node, and the standard leaves, for this folder's tests.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "audit/tlog/hash.h"
#include "audit/tlog/tree.h"

namespace yizhan::audit {

class MemoryTree : public HashReader {
 public:
  void Append(const Hash& leaf_hash) {
    std::vector<TreeNode> complete;
    (void)tree_.Append(leaf_hash, &complete);
    for (const TreeNode& node : complete) nodes_[{node.level, node.index}] = node.hash;
    leaves_.push_back(leaf_hash);
  }
  void AppendEntry(const std::string& entry) { Append(LeafHash(entry)); }

  absl::StatusOr<Hash> Read(uint32_t level, uint64_t index) const override {
    const auto node = nodes_.find({level, index});
    if (node == nodes_.end()) return absl::NotFoundError("no such node");
    ++reads;
    return node->second;
  }

  const CompactTree& compact() const { return tree_; }
  const std::vector<Hash>& leaves() const { return leaves_; }
  size_t node_count() const { return nodes_.size(); }
  mutable int reads = 0;

 private:
  CompactTree tree_;
  std::map<std::pair<uint32_t, uint64_t>, Hash> nodes_;
  std::vector<Hash> leaves_;
};

// RFC 6962 section 2.1 written down once more, straight from its definition: what everything else is compared with.
inline Hash ReferenceRoot(const std::vector<Hash>& leaves, size_t begin, size_t end) {
  if (begin == end) return EmptyRoot();
  if (end - begin == 1) return leaves[begin];
  size_t split = 1;
  while (split * 2 < end - begin) split *= 2;
  return NodeHash(ReferenceRoot(leaves, begin, begin + split), ReferenceRoot(leaves, begin + split, end));
}

// The eight leaves of Certificate Transparency's reference tests.
inline std::vector<std::string> StandardLeaves() {
  std::vector<std::string> leaves;
  for (const char* hex :
       {"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}) {
    leaves.push_back(*FromHex(hex));
  }
  return leaves;
}

}  // namespace yizhan::audit
