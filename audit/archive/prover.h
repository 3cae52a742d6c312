// Proofs from the log, and the check of the archive against it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/archive/item_store.h"
#include "audit/archive/leaf.h"
#include "audit/tlog/hash.h"
#include "audit/tlog/note.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"
#include "yizhan/audit/v1/archive_service.pb.h"

namespace yizhan::audit {

// Thread-safe; each call looks at one snapshot of the log.
class Prover {
 public:
  Prover(const ledger::Ledger* ledger, const ledger::Keyring* keyring, const ItemStore* items, NoteKey key);

  // Inclusion under the latest checkpoint, checked here before it is given out: what does not fit is named in `message`.
  absl::StatusOr<yizhan::audit::v1::GetProofResponse> Prove(uint64_t leaf) const;
  absl::StatusOr<yizhan::audit::v1::GetConsistencyProofResponse> ProveConsistency(uint64_t old_size, uint64_t new_size) const;
  // Item by item against leaf, tile by tile against the tiles above, the root against the checkpoint, and the items against the ledger.
  absl::StatusOr<yizhan::audit::v1::VerifyArchiveResponse> Verify(uint64_t from_leaf, uint64_t max_leaves) const;

  const NoteKey& key() const { return key_; }

 private:
  const ledger::Ledger* const ledger_;
  const ItemStore* const items_;
  const NoteKey key_;
  const LeafMaker leaves_;
};

}  // namespace yizhan::audit
