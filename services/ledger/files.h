// Files as durable things.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace yizhan::ledger {

// errno as a status: ENOSPC → ResourceExhausted DISK_FULL, else FailedPrecondition; "DOING PATH: reason".
absl::Status FileError(std::string_view doing, const std::string& path, int error);

// Makes the names in a folder durable: a new file may be gone after a power cut until its folder has been synced. An
// empty path is the working folder.
absl::Status SyncFolder(const std::string& folder);

// Makes a folder, and those above it, readable by this user only, and its name durable. Ok when it is there.
absl::Status MakeFolder(const std::string& folder);

}  // namespace yizhan::ledger
