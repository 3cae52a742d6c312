// A whole cluster in virtual time: the logic that ships (cluster::Node) on simulated machines, disks, links and store,
// under a workload, with faults drawn from a seed; the architecture's invariants are checked at every step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace yizhan::cluster::testing {

struct SimulationOptions {
  uint64_t seed = 1;
  int nodes = 3;
  int partitions = 5;
  // Virtual time with faults, and then without, in which everything has to come to rest.
  absl::Duration troubled = absl::Seconds(40);
  absl::Duration quiet = absl::Seconds(25);
  bool print = false;
  // A mistake that is put in on purpose, to show that the checks see it: the store does not compare heads.
  bool unfenced = false;
};

struct SimulationReport {
  // What went wrong, with virtual times; empty when nothing did.
  std::vector<std::string> violations;
  uint64_t steps = 0;
  uint64_t acknowledged = 0;
  uint64_t refused = 0;
  uint64_t faults = 0;
  uint64_t owner_changes = 0;
  // The longest time between two acknowledged commands of one partition.
  absl::Duration longest_gap;
};

SimulationReport Simulate(const SimulationOptions& options);

// How long ownership takes to come to rest, in virtual time, with nothing else going on: all machines start, one dies,
// it comes back. `options`' nodes, partitions and seed count.
struct SettleReport {
  struct Change {
    absl::Duration time;
    uint64_t moves = 0;  // partitions that got another owner
  };
  Change founded, died, came_back;
};
SettleReport Settle(const SimulationOptions& options);

}  // namespace yizhan::cluster::testing
