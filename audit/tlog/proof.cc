#include "audit/tlog/proof.h"

#include <bit>

#include "audit/tlog/text.h"
#include "audit/tlog/tree.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

absl::Status Malformed(std::string_view message) {
  return Refuse(absl::StatusCode::kInvalidArgument, "PROOF_MALFORMED", message);
}
absl::Status Mismatch(std::string_view message) {
  return Refuse(absl::StatusCode::kFailedPrecondition, "PROOF_MISMATCH", message);
}

}  // namespace

absl::StatusOr<Hash> RootFromInclusion(const Hash& leaf_hash, uint64_t index, uint64_t size,
                                       absl::Span<const Hash> proof) {
  if (size > kMaxTreeSize || index >= size) {
    return Malformed(Cat("leaf ", index, " is not in a tree of ", size, " leaves"));
  }
  uint64_t fn = index, sn = size - 1;
  Hash hash = leaf_hash;
  for (const Hash& p : proof) {
    if (sn == 0) return Malformed(Cat("the inclusion proof has too many hashes: ", proof.size()));
    if ((fn & 1) != 0 || fn == sn) {
      hash = NodeHash(p, hash);
      while ((fn & 1) == 0 && fn != 0) fn >>= 1, sn >>= 1;
    } else {
      hash = NodeHash(hash, p);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return Malformed(Cat("the inclusion proof has too few hashes: ", proof.size()));
  return hash;
}

absl::Status VerifyInclusion(const Hash& leaf_hash, uint64_t index, uint64_t size, absl::Span<const Hash> proof,
                             const Hash& root) {
  YZ_ASSIGN_OR_RETURN(Hash reached, RootFromInclusion(leaf_hash, index, size, proof));
  if (reached == root) return absl::OkStatus();
  return Mismatch(Cat("the inclusion proof of leaf ", index, " leads to root ", ToBase64(reached.view()),
                      ", not to the root of the tree of ", size, " leaves, ", ToBase64(root.view())));
}

absl::Status VerifyConsistency(uint64_t old_size, const Hash& old_root, uint64_t size, const Hash& root,
                               absl::Span<const Hash> proof) {
  if (size > kMaxTreeSize || old_size > size) {
    return Malformed(Cat("a tree of ", size, " leaves is not a later one of ", old_size, " leaves"));
  }
  if (old_size == 0 || old_size == size) {
    if (!proof.empty()) return Malformed("the consistency proof should be empty and is not");
    if (old_size == 0 && old_root != EmptyRoot()) return Mismatch("the root of the empty tree is wrong");
    if (old_size == size && old_root != root) return Mismatch(Cat("two different roots for ", size, " leaves"));
    return absl::OkStatus();
  }
  if (proof.empty()) return Malformed("the consistency proof is empty");
  uint64_t fn = old_size - 1, sn = size - 1;
  const int right_children = std::countr_one(fn);
  fn >>= right_children;
  sn >>= right_children;
  // A complete old tree is itself the first hash of the proof, and is left out of it.
  const bool complete = std::has_single_bit(old_size);
  Hash old_reached = complete ? old_root : proof[0];
  Hash reached = old_reached;
  for (const Hash& p : proof.subspan(complete ? 0 : 1)) {
    if (sn == 0) return Malformed(Cat("the consistency proof has too many hashes: ", proof.size()));
    if ((fn & 1) != 0 || fn == sn) {
      old_reached = NodeHash(p, old_reached);
      reached = NodeHash(p, reached);
      while ((fn & 1) == 0 && fn != 0) fn >>= 1, sn >>= 1;
    } else {
      reached = NodeHash(reached, p);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return Malformed(Cat("the consistency proof has too few hashes: ", proof.size()));
  if (old_reached != old_root) return Mismatch(Cat("the proof does not lead to the root of ", old_size, " leaves"));
  if (reached != root) return Mismatch(Cat("the proof does not lead to the root of ", size, " leaves"));
  return absl::OkStatus();
}

}  // namespace yizhan::audit
