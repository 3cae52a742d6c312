// `yizhan run --processes`: starts every service as a process of its own, watches them, and stops them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "appliance/appliance.h"
#include "appliance/options.h"

namespace yizhan::appliance {

// Prepares the folders, and starts `program serve SERVICE ARGUMENTS…` for each. One that ends is started again; they
// end with this process, however it ends. With port_base 0 it finds free ports.
absl::StatusOr<std::unique_ptr<Appliance>> Supervise(RunOptions options, const std::string& program,
                                                     std::vector<std::string> arguments);

}  // namespace yizhan::appliance
