// Files as durable things.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace yizhan {

// errno as a status: no space or quota → ResourceExhausted DISK_FULL, a file that is there → AlreadyExists, else
// FailedPrecondition; "DOING PATH: reason".
absl::Status FileError(std::string_view doing, const std::string& path, int error);

// Makes the names in a folder durable: a new file may be gone after a power cut until its folder has been synced. An
// empty path is the working folder.
absl::Status SyncFolder(const std::string& folder);

// Makes a folder, and those above it, readable by this user only, and its name durable. Ok when it is there.
absl::Status MakePrivateFolder(const std::string& folder);

// Makes a file that is not there yet, readable by this user only, and its name durable.
absl::Status WriteNewFile(const std::string& path, std::string_view bytes);

// The same in place of a file that may be there: it holds the old bytes or the new ones, whatever happens. Its name
// with
// ".new" behind it is used meanwhile.
absl::Status ReplaceFile(const std::string& path, std::string_view bytes);

}  // namespace yizhan
