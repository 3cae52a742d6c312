// Runs the simulation for many seeds: cluster_simulate [--seeds N] [--from SEED] [--nodes N] [--print]
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/logging.h"
#include "cluster/testing/simulation.h"

int main(int argc, char** argv) {
  using namespace yizhan::cluster::testing;  // NOLINT: its main
  uint64_t seeds = 1'000, from = 1;
  SimulationOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--print") {
      options.print = true;
    } else if (i + 1 < argc && name == "--seeds") {
      seeds = std::strtoull(argv[++i], nullptr, 10);
    } else if (i + 1 < argc && name == "--from") {
      from = std::strtoull(argv[++i], nullptr, 10);
    } else if (i + 1 < argc && name == "--nodes") {
      options.nodes = std::atoi(argv[++i]);
    } else {
      std::fprintf(stderr, "usage: %s [--seeds N] [--from SEED] [--nodes N] [--print]\n", argv[0]);
      return 2;
    }
  }
  yizhan::log::SetLevel(options.print ? yizhan::log::Level::kInfo : yizhan::log::Level::kOff);
  uint64_t bad = 0, acknowledged = 0, faults = 0, changes = 0, steps = 0;
  absl::Duration longest;
  for (options.seed = from; options.seed < from + seeds; ++options.seed) {
    const SimulationReport report = Simulate(options);
    acknowledged += report.acknowledged;
    faults += report.faults;
    changes += report.owner_changes;
    steps += report.steps;
    longest = std::max(longest, report.longest_gap);
    if (!report.violations.empty()) {
      ++bad;
      std::printf("seed %llu:\n", static_cast<unsigned long long>(options.seed));
      for (const std::string& violation : report.violations) std::printf("  %s\n", violation.c_str());
    }
    if ((options.seed - from + 1) % 1'000 == 0) {
      std::printf("%llu seeds, %llu bad\n", static_cast<unsigned long long>(options.seed - from + 1),
                  static_cast<unsigned long long>(bad));
      std::fflush(stdout);
    }
  }
  std::printf(
      "%llu seeds: %llu bad; %llu steps, %llu acknowledged, %llu faults, %llu changes of owner, longest gap %.1f s\n",
      static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(bad),
      static_cast<unsigned long long>(steps), static_cast<unsigned long long>(acknowledged),
      static_cast<unsigned long long>(faults), static_cast<unsigned long long>(changes),
      absl::ToDoubleSeconds(longest));
  return bad == 0 ? 0 : 1;
}
