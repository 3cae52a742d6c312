// C2SP tlog-checkpoint (c2sp.org/tlog-checkpoint): what a log signs about its tree. The text of the note is
//   <origin> LF <tree size, decimal> LF <base64 of the root> LF { <extension line> LF }
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "audit/tlog/hash.h"
#include "audit/tlog/note.h"

namespace yizhan::audit {

struct Checkpoint {
  std::string origin;  // not empty, no newline
  uint64_t size = 0;
  Hash root;
  std::vector<std::string> extensions;  // opaque lines, none of them empty; kept as they are
  bool operator==(const Checkpoint&) const = default;
};

// The note text. InvalidArgument for what a checkpoint cannot say (empty origin, control characters, size beyond
// kMaxTreeSize).
absl::StatusOr<std::string> FormatCheckpoint(const Checkpoint& checkpoint);

// Strict inverse of FormatCheckpoint: one checkpoint has one text. InvalidArgument, reason CHECKPOINT_MALFORMED.
absl::StatusOr<Checkpoint> ParseCheckpoint(std::string_view text);

// A signed checkpoint: FormatCheckpoint, then SignNote.
absl::StatusOr<std::string> SignCheckpoint(const Checkpoint& checkpoint, absl::Span<const NoteSigner> signers);

// Verifies a signed checkpoint and returns what it says. One of the verified signatures must be by a key whose name is
// the checkpoint's origin (reason WRONG_ORIGIN otherwise): a witness's signature alone does not make a checkpoint, and
// a log's key speaks for no other log. Other errors are those of OpenNote and ParseCheckpoint.
absl::StatusOr<Checkpoint> OpenCheckpoint(std::string_view note, absl::Span<const NoteKey> known);

}  // namespace yizhan::audit
