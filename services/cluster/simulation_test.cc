// The cluster's logic against its invariants, a thousand times (services/cluster/testing/simulation.h). A failing seed
// is replayed by: cluster_simulate --from SEED --seeds 1 --print
#include <gtest/gtest.h>

#include "absl/strings/str_join.h"
#include "base/logging.h"
#include "cluster/testing/simulation.h"

namespace yizhan::cluster::testing {
namespace {

class SimulationTest : public ::testing::Test {
 protected:
  void SetUp() override { log::SetLevel(log::Level::kOff); }
  void Seeds(SimulationOptions options, uint64_t seeds) {
    uint64_t acknowledged = 0, faults = 0;
    for (uint64_t i = 0; i < seeds; ++i, ++options.seed) {
      const SimulationReport report = Simulate(options);
      EXPECT_TRUE(report.violations.empty())
          << "seed " << options.seed << ": " << absl::StrJoin(report.violations, "\n  ");
      acknowledged += report.acknowledged;
      faults += report.faults;
    }
    EXPECT_GT(acknowledged, 100 * seeds);
    EXPECT_GT(faults, 5 * seeds);
  }
};

TEST_F(SimulationTest, ThreeMachines) { Seeds({.seed = 1}, 700); }
TEST_F(SimulationTest, FiveMachines) { Seeds({.seed = 100'001, .nodes = 5, .partitions = 9}, 200); }
TEST_F(SimulationTest, OneMachine) { Seeds({.seed = 200'001, .nodes = 1}, 100); }

// A store that does not compare heads lets two owners write over each other, and the checks see it.
TEST_F(SimulationTest, SeesWhatAMissingFenceDoes) {
  size_t seen = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) seen += !Simulate({.seed = seed, .unfenced = true}).violations.empty();
  EXPECT_GT(seen, 5u);
}

// Two runs of one seed are the same run.
TEST_F(SimulationTest, IsDeterministic) {
  const SimulationReport one = Simulate({.seed = 7}), two = Simulate({.seed = 7});
  EXPECT_EQ(one.steps, two.steps);
  EXPECT_EQ(one.acknowledged, two.acknowledged);
}

}  // namespace
}  // namespace yizhan::cluster::testing
