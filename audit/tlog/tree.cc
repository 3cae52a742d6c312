#include "audit/tlog/tree.h"

#include <bit>
#include <utility>

#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

constexpr char kFrontierVersion = 1;

// The largest power of two below n, for n >= 2: where RFC 6962 splits a tree of n leaves.
uint64_t SplitPoint(uint64_t n) { return std::bit_floor(n - 1); }

uint32_t Log2(uint64_t power) { return static_cast<uint32_t>(std::countr_zero(power)); }

// The hash over leaves [begin, end). `begin` is a multiple of the largest power of two that is <= end - begin, as it is
// for every range that splitting a tree yields.
absl::StatusOr<Hash> RangeHash(const HashReader& reader, uint64_t begin, uint64_t end) {
  const uint64_t count = end - begin;
  if (std::has_single_bit(count)) return reader.Read(Log2(count), begin >> Log2(count));
  const uint64_t split = SplitPoint(count);
  YZ_ASSIGN_OR_RETURN(Hash left, reader.Read(Log2(split), begin >> Log2(split)));
  YZ_ASSIGN_OR_RETURN(Hash right, RangeHash(reader, begin + split, end));
  return NodeHash(left, right);
}

absl::Status CheckSize(uint64_t size) {
  if (size <= kMaxTreeSize) return absl::OkStatus();
  return absl::InvalidArgumentError(Cat("no tree has ", size, " leaves"));
}

}  // namespace

absl::Status CompactTree::Append(const Hash& leaf_hash, std::vector<TreeNode>* complete) {
  if (size_ >= kMaxTreeSize) return absl::ResourceExhaustedError("the tree is full");
  Hash hash = leaf_hash;
  uint64_t index = size_;
  uint32_t level = 0;
  if (complete != nullptr) complete->push_back({level, index, hash});
  for (; index & 1; index >>= 1) {
    hash = NodeHash(frontier_.back(), hash);
    frontier_.pop_back();
    ++level;
    if (complete != nullptr) complete->push_back({level, index >> 1, hash});
  }
  frontier_.push_back(hash);
  ++size_;
  return absl::OkStatus();
}

absl::Status CompactTree::AppendAll(absl::Span<const Hash> leaf_hashes, std::vector<TreeNode>* complete) {
  if (leaf_hashes.size() > kMaxTreeSize - size_) return absl::ResourceExhaustedError("the tree is full");
  if (complete != nullptr) complete->reserve(complete->size() + leaf_hashes.size() * 2 + 64);
  for (const Hash& hash : leaf_hashes) YZ_RETURN_IF_ERROR(Append(hash, complete));
  return absl::OkStatus();
}

Hash CompactTree::Root() const {
  if (frontier_.empty()) return EmptyRoot();
  Hash root = frontier_.back();
  for (size_t i = frontier_.size() - 1; i-- > 0;) root = NodeHash(frontier_[i], root);
  return root;
}

std::string CompactTree::Serialize() const {
  std::string out(1, kFrontierVersion);
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(size_ >> shift & 255));
  for (const Hash& hash : frontier_) out.append(hash.view());
  return out;
}

absl::StatusOr<CompactTree> CompactTree::Parse(std::string_view bytes) {
  if (bytes.size() < 9)
    return absl::InvalidArgumentError(Cat("a tree frontier has 9 bytes or more, not ", bytes.size()));
  if (bytes[0] != kFrontierVersion) {
    return absl::InvalidArgumentError(
        Cat("tree frontier of version ", static_cast<unsigned char>(bytes[0]) + 0, "; this program reads version 1"));
  }
  CompactTree tree;
  for (size_t i = 1; i < 9; ++i) tree.size_ = tree.size_ << 8 | static_cast<unsigned char>(bytes[i]);
  YZ_RETURN_IF_ERROR(CheckSize(tree.size_));
  bytes.remove_prefix(9);
  const size_t hashes = static_cast<size_t>(std::popcount(tree.size_));
  if (bytes.size() != hashes * kHashBytes) {
    return absl::InvalidArgumentError(Cat("the frontier of ", tree.size_, " leaves has ", hashes * kHashBytes,
                                          " bytes of hashes, not ", bytes.size()));
  }
  for (; !bytes.empty(); bytes.remove_prefix(kHashBytes)) {
    YZ_ASSIGN_OR_RETURN(Hash hash, HashFromBytes(bytes.substr(0, kHashBytes)));
    tree.frontier_.push_back(hash);
  }
  return tree;
}

absl::StatusOr<Hash> RootAt(const HashReader& reader, uint64_t size) {
  YZ_RETURN_IF_ERROR(CheckSize(size));
  if (size == 0) return EmptyRoot();
  return RangeHash(reader, 0, size);
}

absl::StatusOr<CompactTree> CompactTreeAt(const HashReader& reader, uint64_t size) {
  YZ_RETURN_IF_ERROR(CheckSize(size));
  std::string bytes(1, kFrontierVersion);
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(size >> shift & 255));
  uint64_t begin = 0;
  for (uint64_t left = size; left != 0;) {
    const uint64_t count = std::bit_floor(left);
    YZ_ASSIGN_OR_RETURN(Hash hash, reader.Read(Log2(count), begin >> Log2(count)));
    bytes.append(hash.view());
    begin += count;
    left -= count;
  }
  return CompactTree::Parse(bytes);
}

absl::StatusOr<std::vector<Hash>> InclusionProof(const HashReader& reader, uint64_t index, uint64_t size) {
  YZ_RETURN_IF_ERROR(CheckSize(size));
  if (index >= size) {
    return absl::InvalidArgumentError(Cat("leaf ", index, " is not in a tree of ", size, " leaves"));
  }
  std::vector<Hash> from_root;
  uint64_t begin = 0, end = size;
  while (end - begin > 1) {
    const uint64_t middle = begin + SplitPoint(end - begin);
    const bool is_left = index < middle;
    YZ_ASSIGN_OR_RETURN(Hash sibling, is_left ? RangeHash(reader, middle, end) : RangeHash(reader, begin, middle));
    from_root.push_back(sibling);
    (is_left ? end : begin) = middle;
  }
  return std::vector<Hash>(from_root.rbegin(), from_root.rend());
}

absl::StatusOr<std::vector<Hash>> ConsistencyProof(const HashReader& reader, uint64_t old_size, uint64_t size) {
  YZ_RETURN_IF_ERROR(CheckSize(size));
  if (old_size > size) {
    return absl::InvalidArgumentError(Cat("a tree of ", size, " leaves is not a later one of ", old_size, " leaves"));
  }
  std::vector<Hash> from_root;
  if (old_size == 0 || old_size == size) return from_root;
  // SUBPROOF, from the root downwards: `whole` while the old tree is known to the verifier as the range it stands in.
  uint64_t begin = 0, end = size;
  bool whole = true;
  while (old_size != end) {
    const uint64_t middle = begin + SplitPoint(end - begin);
    if (old_size <= middle) {
      YZ_ASSIGN_OR_RETURN(Hash right, RangeHash(reader, middle, end));
      from_root.push_back(right);
      end = middle;
    } else {
      YZ_ASSIGN_OR_RETURN(Hash left, RangeHash(reader, begin, middle));
      from_root.push_back(left);
      begin = middle;
      whole = false;
    }
  }
  if (!whole) {
    YZ_ASSIGN_OR_RETURN(Hash rest, RangeHash(reader, begin, end));
    from_root.push_back(rest);
  }
  return std::vector<Hash>(from_root.rbegin(), from_root.rend());
}

}  // namespace yizhan::audit
