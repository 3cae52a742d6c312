// Packs a folder.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace yizhan::audit {

// Writes every regular file below `folder` to the .zip `path`, under names that begin with `root/`, in the order of their names. A
// file that is there is replaced only when all went well.
absl::Status ZipFolder(const std::string& folder, const std::string& root, const std::string& path);

}  // namespace yizhan::audit
