// Real programs in tests: started, run to their end, and gone with the test.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace yizhan::testing {

// Starts a program whose output goes to the end of `out` and its errors to the end of `log`; it ends when the calling
// thread does. -1 when it cannot.
pid_t Spawn(const std::vector<std::string>& command, const std::string& out, const std::string& log);

// Runs a program to its end, with files of its own in `dir`; what it printed. Internal with what it complained of.
absl::StatusOr<std::string> RunProgram(const std::vector<std::string>& command, const std::string& dir);

// The end of a log, some thousand bytes.
std::string Tail(const std::string& file);

// A loopback port that was free a moment ago. Somebody may take it before the program does: whoever starts one tries
// again with another.
int FreePort();

}  // namespace yizhan::testing
