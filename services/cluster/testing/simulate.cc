// Runs the simulation for many seeds: cluster_simulate [--seeds N] [--from SEED] [--nodes N] [--jobs N] [--print]
// Or says what ownership does: cluster_simulate --ownership
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "cluster/placement.h"
#include "cluster/testing/simulation.h"

namespace {

using namespace yizhan::cluster::testing;  // NOLINT: its main

// Where the hash places 65,536 partitions on 1,000 machines, and what one more or one less moves.
void Placement() {
  constexpr int kNodes = 1'000, kPartitions = 65'536;
  std::vector<std::string> nodes;
  for (int i = 1; i <= kNodes + 1; ++i) nodes.push_back(absl::StrCat("n", i));
  const std::vector<std::string> as_is(nodes.begin(), nodes.end() - 1), less(nodes.begin(), nodes.end() - 2);
  std::map<std::string, int> owned;
  int more_moves = 0, less_moves = 0;
  for (int i = 0; i < kPartitions; ++i) {
    const std::string partition = absl::StrCat("im/", i), owner = yizhan::cluster::Place(partition, as_is);
    ++owned[owner];
    more_moves += yizhan::cluster::Place(partition, nodes) != owner;
    less_moves += yizhan::cluster::Place(partition, less) != owner;
  }
  const auto [least, most] =
      std::minmax_element(owned.begin(), owned.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  std::printf("%d partitions on %d machines: %d to %d each, %.1f on average; one machine more moves %d, one less %d\n",
              kPartitions, kNodes, least->second, most->second, 1.0 * kPartitions / kNodes, more_moves, less_moves);
}

// How long the logic that ships takes, in virtual time.
void Settling() {
  for (const auto [nodes, partitions] : {std::pair(3, 19), std::pair(5, 64), std::pair(20, 256), std::pair(40, 512)}) {
    const SettleReport report = Settle({.seed = 1, .nodes = nodes, .partitions = partitions});
    std::printf(
        "%3d machines, %4d partitions: all in place %.1f s after the first start; one dies: %llu move, in place after "
        "%.1f s; it comes "
        "back: %llu move, in place after %.1f s\n",
        nodes, partitions, absl::ToDoubleSeconds(report.founded.time),
        static_cast<unsigned long long>(report.died.moves), absl::ToDoubleSeconds(report.died.time),
        static_cast<unsigned long long>(report.came_back.moves), absl::ToDoubleSeconds(report.came_back.time));
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t seeds = 1'000, from = 1;
  // A run shares nothing with others: several at once, one for each core.
  int jobs = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  SimulationOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--ownership") {
      yizhan::log::SetLevel(yizhan::log::Level::kOff);
      Placement();
      Settling();
      return 0;
    }
    if (name == "--print") {
      options.print = true;
    } else if (i + 1 < argc && name == "--seeds") {
      seeds = std::strtoull(argv[++i], nullptr, 10);
    } else if (i + 1 < argc && name == "--from") {
      from = std::strtoull(argv[++i], nullptr, 10);
    } else if (i + 1 < argc && name == "--jobs") {
      jobs = std::max(1, std::atoi(argv[++i]));
    } else if (i + 1 < argc && name == "--nodes") {
      options.nodes = std::atoi(argv[++i]);
    } else {
      std::fprintf(stderr, "usage: %s [--seeds N] [--from SEED] [--nodes N] [--jobs N] [--print] | --ownership\n",
                   argv[0]);
      return 2;
    }
  }
  yizhan::log::SetLevel(options.print ? yizhan::log::Level::kInfo : yizhan::log::Level::kOff);
  if (options.print) jobs = 1;
  std::mutex mutex;
  uint64_t begun = 0, done = 0, bad = 0, acknowledged = 0, faults = 0, changes = 0, steps = 0;
  absl::Duration longest;
  auto work = [&] {
    SimulationOptions mine = options;
    for (;;) {
      {
        std::lock_guard lock(mutex);
        if (begun == seeds) return;
        mine.seed = from + begun++;
      }
      const SimulationReport report = Simulate(mine);
      std::lock_guard lock(mutex);
      acknowledged += report.acknowledged;
      faults += report.faults;
      changes += report.owner_changes;
      steps += report.steps;
      longest = std::max(longest, report.longest_gap);
      if (!report.violations.empty()) {
        ++bad;
        std::printf("seed %llu:\n", static_cast<unsigned long long>(mine.seed));
        for (const std::string& violation : report.violations) std::printf("  %s\n", violation.c_str());
      }
      if (++done % 1'000 == 0) {
        std::printf("%llu seeds, %llu bad\n", static_cast<unsigned long long>(done),
                    static_cast<unsigned long long>(bad));
        std::fflush(stdout);
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < jobs; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  std::printf(
      "%llu seeds: %llu bad; %llu steps, %llu acknowledged, %llu faults, %llu changes of owner, longest gap %.1f s\n",
      static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(bad),
      static_cast<unsigned long long>(steps), static_cast<unsigned long long>(acknowledged),
      static_cast<unsigned long long>(faults), static_cast<unsigned long long>(changes),
      absl::ToDoubleSeconds(longest));
  return bad == 0 ? 0 : 1;
}
