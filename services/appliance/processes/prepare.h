// `yizhan prepare`: what each service needs to run as a process of its own.
#pragma once

#include <ostream>

#include "absl/status/status.h"
#include "appliance/options.h"

namespace yizhan::appliance {

// Makes DATA/authority, the processes' authority, and for each service DATA/SERVICE with its certificate and, where it
// seals or opens content, the installation's key. What is there stays; certificates that end within 60 days, or all of
// them with `renew`, are issued again, and processes that run take them within seconds. As root, each folder goes to
// the user yizhan-SERVICE where there is one. FailedPrecondition (SINGLE_PROCESS) beside the data of an appliance that
// runs in one process.
absl::Status Prepare(const RunOptions& options, bool renew, std::ostream& out);

}  // namespace yizhan::appliance
