// Applying records again, to see that state follows from them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ledger/core.h"
#include "ledger/ledger.h"

namespace yizhan::ledger {

// See Ledger::Replay. Services need their machines; a partition without one and with records is FailedPrecondition.
absl::StatusOr<std::vector<ReplayResult>> ReplayFolder(const Folder& folder, const std::string& scratch_dir,
                                                       const std::optional<PartitionId>& only);

}  // namespace yizhan::ledger
