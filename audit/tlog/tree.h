// The RFC 6962 Merkle tree, grown leaf by leaf and read at any size it ever had.
//
// Addressing: node (level, index) is the root of the complete subtree over leaves [index << level, (index + 1) <<
// level). It exists for ever once the tree has that many leaves, so whatever stores nodes is append-only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "audit/tlog/hash.h"

namespace yizhan::audit {

// No tree has more leaves than this; a signed 64-bit integer holds it, as other readers of the formats assume.
inline constexpr uint64_t kMaxTreeSize = (uint64_t{1} << 63) - 1;

struct TreeNode {
  uint32_t level = 0;
  uint64_t index = 0;
  Hash hash;
  bool operator==(const TreeNode&) const = default;
};

// The right edge of a tree: enough to append to it and to know its root, in at most 63 hashes. A value type; not
// thread-safe.
class CompactTree {
 public:
  CompactTree() = default;

  uint64_t size() const { return size_; }

  // Appends one leaf hash. When `complete` is given, every node that becomes complete is appended to it, the leaf
  // itself first, then upwards. Amortised: one NodeHash and two reported nodes a leaf.
  // ResourceExhausted, and no change, at kMaxTreeSize.
  absl::Status Append(const Hash& leaf_hash, std::vector<TreeNode>* complete = nullptr);

  // Append() of each, in order; all or none.
  absl::Status AppendAll(absl::Span<const Hash> leaf_hashes, std::vector<TreeNode>* complete = nullptr);

  // The tree's root; EmptyRoot() at size 0. At most 62 node hashes.
  Hash Root() const;

  // Version byte 1, size (8 bytes, big-endian), then the frontier's hashes, largest subtree first. Parse refuses any
  // other version, and a length that does not fit the size.
  std::string Serialize() const;
  static absl::StatusOr<CompactTree> Parse(std::string_view bytes);

  bool operator==(const CompactTree&) const = default;

 private:
  uint64_t size_ = 0;
  std::vector<Hash> frontier_;  // one for each bit set in size_, the highest first
};

// Where complete nodes are read from. Read() is called from the thread that asks for a root or a proof.
class HashReader {
 public:
  virtual ~HashReader() = default;

  // The hash of node (level, index); an error (NotFound, DataLoss) when it is not there.
  virtual absl::StatusOr<Hash> Read(uint32_t level, uint64_t index) const = 0;
};

// The root of the tree as it was with its first `size` leaves. Reads one node for each bit set in size.
absl::StatusOr<Hash> RootAt(const HashReader& reader, uint64_t size);

// The right edge of the first `size` leaves, to append on from there.
absl::StatusOr<CompactTree> CompactTreeAt(const HashReader& reader, uint64_t size);

// RFC 6962 section 2.1.1 PATH(index, D[size]): from the leaf's sibling up to the root's child. InvalidArgument unless
// index < size.
absl::StatusOr<std::vector<Hash>> InclusionProof(const HashReader& reader, uint64_t index, uint64_t size);

// RFC 6962 section 2.1.2 PROOF(old_size, D[size]). Empty for old_size 0 and for equal sizes. InvalidArgument when
// old_size > size.
absl::StatusOr<std::vector<Hash>> ConsistencyProof(const HashReader& reader, uint64_t old_size, uint64_t size);

}  // namespace yizhan::audit
