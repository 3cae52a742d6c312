#include "ldap/service/failure_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/clock.h"

namespace yizhan::directory {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Written {
  FakeClock clock;
  std::vector<std::string> lines;
  FailureLog log;
  explicit Written(size_t bound = 10)
      : log(bound, [this] { return clock.Now(); },
            [this](const v1::LogInFailed& failed) {
              lines.push_back(absl::StrCat(failed.login(), "@", failed.remote_address(), "*", failed.count()));
            }) {}
  std::vector<std::string> Take() { return std::exchange(lines, {}); }
};

TEST(FailureLog, WritesTheFirstAtOnceAndTheRestByTheSecond) {
  Written w;
  for (int i = 0; i < 5; ++i) w.log.Note("lina", "1");
  w.log.Note("lina", "2");
  EXPECT_THAT(w.Take(), ElementsAre("lina@1*1", "lina@2*1"));
  w.log.Tick();
  EXPECT_THAT(w.Take(), IsEmpty());
  w.clock.Advance(absl::Seconds(1));
  w.log.Tick();
  EXPECT_THAT(w.Take(), ElementsAre("lina@1*4"));
  w.log.Note("lina", "1");
  EXPECT_THAT(w.Take(), IsEmpty());
  w.clock.Advance(absl::Seconds(1));
  w.log.Note("lina", "1");
  EXPECT_THAT(w.Take(), ElementsAre("lina@1*2"));
}

TEST(FailureLog, LosesNoneAtItsBound) {
  Written w(3);
  uint32_t notes = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10; ++i, ++notes) w.log.Note(absl::StrCat("u", i), "1");
  }
  w.clock.Advance(absl::Seconds(5));
  w.log.Tick();
  uint32_t counted = 0;
  for (const std::string& line : w.lines) counted += static_cast<uint32_t>(std::stoi(line.substr(line.find('*') + 1)));
  EXPECT_EQ(counted, notes);
}

TEST(FailureLog, GoesOnWhenTheClockGoesBack) {
  Written w;
  w.log.Note("lina", "1");
  w.clock.Advance(-absl::Hours(24));
  w.log.Note("lina", "1");
  EXPECT_THAT(w.Take(), ElementsAre("lina@1*1", "lina@1*1"));
}

TEST(FailureLog, CutsWhatIsGivenByCharacters) {
  Written w;
  std::string name;
  for (int i = 0; i < 100; ++i) name += "曾";
  w.log.Note(name, "1");
  EXPECT_EQ(w.Take()[0].size(), 64u * 3 + 4);
}

}  // namespace
}  // namespace yizhan::directory
