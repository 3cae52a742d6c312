// C2SP tlog-proof (c2sp.org/tlog-proof@v1): a text that proves, without a line to anywhere, that an entry is in a log.
//   c2sp.org/tlog-proof@v1 LF
//   [ extra <base64> LF ]
//   index <decimal> LF
//   { <base64 of a hash> LF }      the inclusion proof, from the leaf's sibling up
//   LF
//   <the signed checkpoint, verbatim>
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "audit/tlog/checkpoint.h"
#include "audit/tlog/hash.h"
#include "audit/tlog/note.h"

namespace yizhan::audit {

struct TlogProof {
  std::optional<std::string> extra;  // opaque, and authenticated by nothing
  uint64_t index = 0;
  std::vector<Hash> hashes;
  std::string checkpoint;  // the signed note, verbatim
  bool operator==(const TlogProof&) const = default;
};

std::string FormatTlogProof(const TlogProof& proof);

// Strict inverse of FormatTlogProof (the checkpoint is not parsed). At most 63 hashes and 64 KiB of extra data.
// InvalidArgument, reason PROOF_MALFORMED.
absl::StatusOr<TlogProof> ParseTlogProof(std::string_view text);

// Verifies that `leaf_hash` is at the proof's index in the tree of its checkpoint, which a known key of the log has
// signed; returns the checkpoint. Errors are those of OpenCheckpoint and VerifyInclusion.
absl::StatusOr<Checkpoint> VerifyTlogProof(const TlogProof& proof, const Hash& leaf_hash,
                                           absl::Span<const NoteKey> known);

}  // namespace yizhan::audit
