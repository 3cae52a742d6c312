#include "ledger/projection.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "ledger/testing/counters.h"

namespace yizhan::ledger {
namespace {
using testing::Add;
using testing::Counters;
using testing::Do;
using testing::OpenAndStart;
using testing::OptionsFor;
using testing::TempDir;

// Writes each record under "PARTITION SEQ", and counts how often it saw it.
class Copy {
 public:
  absl::StatusOr<std::vector<Ledger::ProjectionWrite>> operator()(const PartitionId& id,
                                                                  const std::vector<Record>& records) {
    std::lock_guard lock(mutex_);
    changed_.notify_all();
    if (failing_) return absl::UnavailableError("asked to fail");
    std::vector<Ledger::ProjectionWrite> writes;
    for (const Record& record : records) {
      const std::string key = absl::StrCat(id.ToString(), " ", record.seq());
      ++seen_[key];
      EXPECT_EQ(record.seq(), ++last_[id]) << "in order, without gaps";
      writes.push_back({key, record.payload()});
    }
    ++batches_;
    return writes;
  }
  void WaitFor(size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return seen_.size() >= n; });
  }
  void Fail(bool failing) {
    std::lock_guard lock(mutex_);
    failing_ = failing;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> seen_;
  std::map<PartitionId, uint64_t> last_;
  int batches_ = 0;
  bool failing_ = false;
};

class ProjectionTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    ledger_.reset();
    auto opened = OpenAndStart(OptionsFor(dir_), &machine_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    ledger_ = *std::move(opened);
  }
  std::unique_ptr<Projection> Make(Copy& copy) {
    return std::make_unique<Projection>(
        ledger_.get(), ProjectionOptions{.name = "copy", .services = {"im"}, .max_bytes = 200}, std::ref(copy));
  }
  TempDir dir_;
  Counters machine_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(ProjectionTest, SeesEveryRecordOnceAcrossRestarts) {
  Copy copy;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Do(*ledger_, Add({"im", 0}, "a", {absl::StrCat(i)})).ok());
  auto projection = Make(copy);
  ASSERT_TRUE(projection->Start().ok());
  EXPECT_EQ(copy.seen_.size(), 10u) << "Start catches up";
  EXPECT_GT(copy.batches_, 1) << "in batches of max_bytes";
  EXPECT_EQ(projection->Cursor({"im", 0}), 10u);
  ASSERT_TRUE(Do(*ledger_, Add({"im", 3}, "a", {"x", "y"})).ok());
  copy.WaitFor(12);
  projection.reset();
  ASSERT_TRUE(Do(*ledger_, Add({"im", 0}, "a", {"z"})).ok());
  Open();
  projection = Make(copy);
  ASSERT_TRUE(projection->Start().ok());
  EXPECT_EQ(copy.seen_.size(), 13u);
  for (const auto& [key, times] : copy.seen_) EXPECT_EQ(times, 1) << key;
  EXPECT_EQ(*ledger_->ProjectionGet("copy", "im/0 11"), "a\tz");
  int keys = 0;
  ASSERT_TRUE(
      ledger_->ProjectionScan("copy", "im/3 ", [&](std::string_view key, std::string_view) { return ++keys; }).ok());
  EXPECT_EQ(keys, 2);
  EXPECT_EQ(*ledger_->ProjectionGet("cop", "yim/0 11"), std::nullopt) << "names do not run into keys";
  projection.reset();
}

TEST_F(ProjectionTest, TriesAgainAfterAnError) {
  Copy copy;
  auto projection = Make(copy);
  ASSERT_TRUE(projection->Start().ok());
  copy.Fail(true);
  ASSERT_TRUE(Do(*ledger_, Add({"im", 0}, "a", {"x"})).ok());
  {
    std::unique_lock lock(copy.mutex_);
    copy.changed_.wait(lock);
  }
  while (projection->problem().ok()) std::this_thread::yield();
  EXPECT_EQ(projection->Cursor({"im", 0}), 0u);
  copy.Fail(false);
  copy.WaitFor(1);
  while (!projection->problem().ok()) std::this_thread::yield();
  EXPECT_EQ(projection->Cursor({"im", 0}), 1u);
}

TEST_F(ProjectionTest, RefusesUnknownServicesAndReservedKeys) {
  Copy copy;
  Projection unknown(ledger_.get(), {.name = "u", .services = {"bot"}}, std::ref(copy));
  EXPECT_EQ(unknown.Start().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Do(*ledger_, Add({"im", 0}, "a", {"x"})).ok());
  Projection bad(ledger_.get(), {.name = "b", .services = {"im"}}, [](auto&, auto&) {
    return std::vector<Ledger::ProjectionWrite>{{std::string(1, '\0') + "im/0", "x"}};
  });
  EXPECT_EQ(bad.Start().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace yizhan::ledger
