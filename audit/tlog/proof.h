// Verification of inclusion and consistency proofs, as RFC 9162 sections 2.1.3.2 and 2.1.4.2 write it down (the proofs
// are those of RFC 6962). No state, no I/O; safe from any thread.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "audit/tlog/hash.h"

namespace yizhan::audit {

// The root that `proof` leads to from the leaf. InvalidArgument (reason PROOF_MALFORMED) when index >= size or the
// number of hashes is not the one that index and size call for.
absl::StatusOr<Hash> RootFromInclusion(const Hash& leaf_hash, uint64_t index, uint64_t size,
                                       absl::Span<const Hash> proof);

// OK when the leaf is at `index` in the tree of `size` leaves with that root. Else PROOF_MALFORMED as above, or
// FailedPrecondition with reason PROOF_MISMATCH.
absl::Status VerifyInclusion(const Hash& leaf_hash, uint64_t index, uint64_t size, absl::Span<const Hash> proof,
                             const Hash& root);

// OK when the tree of `size` leaves with `root` begins with all leaves of the one of `old_size` with `old_root`. The
// empty tree begins every tree, provided its root is EmptyRoot(). Errors as above.
absl::Status VerifyConsistency(uint64_t old_size, const Hash& old_root, uint64_t size, const Hash& root,
                               absl::Span<const Hash> proof);

}  // namespace yizhan::audit
