// One service as a process of its own: `yizhan serve SERVICE`.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "appliance/appliance.h"
#include "appliance/options.h"

namespace yizhan::appliance {

// In its own folder, DATA/SERVICE, which Prepare() has made (prepare.h). What it needs of the others it waits
// for. FailedPrecondition (NOT_PREPARED) without what was to be prepared.
absl::StatusOr<std::unique_ptr<Appliance>> StartProcess(const RunOptions& options, const std::string& service);

}  // namespace yizhan::appliance
