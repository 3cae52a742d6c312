#include "ledger/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "base/status.h"
#include "ledger/testing/counters.h"

namespace yizhan::ledger {
namespace {
using testing::Add;
using testing::Counters;
using testing::CountOf;
using testing::Do;
using testing::OpenAndStart;
using testing::OptionsFor;
using testing::TempDir;

const PartitionId kIm0{"im", 0};
const PartitionId kIm3{"im", 3};

class LedgerTest : public ::testing::Test {
 protected:
  void Open() {
    ledger_.reset();
    auto opened = OpenAndStart(options_, &machine_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    ledger_ = *std::move(opened);
  }
  TempDir dir_;
  Counters machine_;
  Options options_ = OptionsFor(dir_);
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(LedgerTest, KeepsWhatItAcknowledged) {
  Open();
  auto first = Do(*ledger_, Add(kIm0, "a", {"x", "y"}, "r1"));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->first_seq, 1u);
  EXPECT_EQ(first->last_seq, 2u);
  EXPECT_EQ(first->result, "2");
  ASSERT_TRUE(Do(*ledger_, Add(kIm3, "b", {"z"})).ok());
  auto before = ledger_->StateDigest(kIm0);
  Open();
  EXPECT_EQ(ledger_->Info(kIm0)->head, 2u);
  EXPECT_EQ(ledger_->Info(kIm3)->head, 1u);
  EXPECT_EQ(CountOf(*ledger_->View(kIm0), "a"), 2u);
  EXPECT_EQ(ledger_->StateDigest(kIm0)->hex, before->hex);
  auto records = ledger_->Read(kIm0, 1, 1 << 20);
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ((*records)[1].payload(), "a\ty");
  EXPECT_EQ((*records)[0].result(), "");
  EXPECT_EQ((*records)[1].result(), "2");
  EXPECT_EQ((*records)[0].request_id(), "r1");
  EXPECT_EQ((*records)[0].partition(), "im/0");
  EXPECT_EQ((*records)[0].time_us(), (*records)[1].time_us());
}

TEST_F(LedgerTest, AnswersARetryWithTheFirstAnswer) {
  Open();
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"0"})).ok());
  auto first = Do(*ledger_, Add(kIm0, "a", {"x", "y"}, "r1"));
  for (int i = 0; i < 2; ++i) {
    auto again = Do(*ledger_, Add(kIm0, "a", {"x", "y"}, "r1"));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(again->result, first->result);
    EXPECT_EQ(again->first_seq, 2u);
    EXPECT_EQ(again->last_seq, 3u);
    Open();
  }
  // Another actor's request of the same name is another request; so is one of another partition.
  EXPECT_FALSE(Do(*ledger_, Add(kIm0, "a", {"x"}, "r1", "person:b"))->repeated);
  EXPECT_FALSE(Do(*ledger_, Add(kIm3, "a", {"x"}, "r1"))->repeated);
  EXPECT_EQ(CountOf(*ledger_->View(kIm0), "a"), 4u);
}

// Holds the writer until the test lets it go, so that what is submitted meanwhile comes together in one batch.
class Gate {
 public:
  Command Hold() {
    auto command = Add(kIm0, "gate", {});
    command.decide = [this](const DecideContext&, const StateReader&) -> absl::StatusOr<Proposal> {
      entered_.set_value();
      open_.get_future().wait();
      return Proposal{};
    };
    return command;
  }
  void WaitUntilHeld() { entered_.get_future().wait(); }
  void Open() { open_.set_value(); }

 private:
  std::promise<void> entered_, open_;
};

TEST_F(LedgerTest, SeesARetryWithinTheSameBatch) {
  Open();
  Gate gate;
  ledger_->Submit(gate.Hold());
  gate.WaitUntilHeld();
  std::vector<Command::Outcome> outcomes;
  std::promise<void> all;
  for (int i = 0; i < 3; ++i) {
    auto command = Add(kIm0, "a", {"x", "y"}, "same");
    command.done = [&, i](absl::StatusOr<Command::Outcome> outcome) {
      ASSERT_TRUE(outcome.ok());
      outcomes.push_back(*outcome);
      if (i == 2) all.set_value();
    };
    ledger_->Submit(std::move(command));
  }
  gate.Open();
  all.get_future().wait();
  EXPECT_FALSE(outcomes[0].repeated);
  for (int i : {1, 2}) {
    EXPECT_TRUE(outcomes[i].repeated);
    EXPECT_EQ(outcomes[i].result, "2");
    EXPECT_EQ(outcomes[i].first_seq, 1u);
    EXPECT_EQ(outcomes[i].last_seq, 2u);
  }
  EXPECT_EQ(ledger_->Info(kIm0)->head, 2u);
}

TEST_F(LedgerTest, TakesBackACommandWhoseApplyFails) {
  Open();
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"x"})).ok());
  auto digest = ledger_->StateDigest(kIm0)->hex;
  auto failed = Do(*ledger_, Add(kIm0, "a", {"y", "!fail"}, "r9"));
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ledger_->Info(kIm0)->head, 1u);
  EXPECT_EQ(ledger_->StateDigest(kIm0)->hex, digest);
  // In one batch between two that succeed.
  Gate gate;
  ledger_->Submit(gate.Hold());
  gate.WaitUntilHeld();
  ledger_->Submit(Add(kIm0, "a", {"2"}));
  ledger_->Submit(Add(kIm0, "a", {"no", "!fail"}));
  ledger_->Submit(Add(kIm0, "b", {"!fail"}));
  std::promise<Command::Outcome> last;
  auto command = Add(kIm0, "a", {"3"}, "r9");
  command.done = [&](absl::StatusOr<Command::Outcome> outcome) { last.set_value(*outcome); };
  ledger_->Submit(std::move(command));
  gate.Open();
  auto outcome = last.get_future().get();
  EXPECT_EQ(outcome.result, "3");
  EXPECT_EQ(outcome.first_seq, 3u);
  EXPECT_FALSE(outcome.repeated) << "a refused request is not remembered";
  EXPECT_EQ(CountOf(*ledger_->View(kIm0), "a"), 3u);
  EXPECT_EQ(CountOf(*ledger_->View(kIm0), "b"), 0u);
}

TEST_F(LedgerTest, ListenersHearBeforeTheAnswer) {
  auto opened = Ledger::Open(options_);
  ASSERT_TRUE(opened.ok());
  ledger_ = *std::move(opened);
  ledger_->Register(&machine_);
  std::vector<uint64_t> heard;
  ledger_->Listen("im", [&](const PartitionId& id, absl::Span<const Record> records) {
    EXPECT_EQ(id, kIm3);
    for (const Record& record : records) heard.push_back(record.seq());
  });
  ASSERT_TRUE(ledger_->Start().ok());
  std::promise<size_t> at_answer;
  auto command = Add(kIm3, "a", {"1", "2", "3"});
  command.done = [&](absl::StatusOr<Command::Outcome>) { at_answer.set_value(heard.size()); };
  ledger_->Submit(std::move(command));
  EXPECT_EQ(at_answer.get_future().get(), 3u);
  ledger_->Stop();
  EXPECT_THAT(heard, ::testing::ElementsAre(1, 2, 3));
}

TEST_F(LedgerTest, TimeNeverGoesBackwards) {
  std::atomic<int64_t> now{1'000'000};
  options_.hooks.now_us = [&] { return now.load(); };
  Open();
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"1"})).ok());
  now = 10;
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"2"})).ok());
  Open();
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"3"})).ok());
  now = 5'000'000;
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"4"})).ok());
  auto records = ledger_->Read(kIm0, 1, 1 << 20);
  std::vector<int64_t> times;
  for (const Record& record : *records) times.push_back(record.time_us());
  EXPECT_THAT(times, ::testing::ElementsAre(1'000'000, 1'000'001, 1'000'002, 5'000'000));
}

TEST_F(LedgerTest, RefusesAtTheQueuesBound) {
  options_.max_queued = 8;
  Open();
  Gate gate;
  ledger_->Submit(gate.Hold());
  gate.WaitUntilHeld();
  std::atomic<int> done{0}, refused{0};
  for (int i = 0; i < 20; ++i) {
    auto command = Add(kIm0, "a", {"x"});
    command.done = [&](absl::StatusOr<Command::Outcome> outcome) {
      ++done;
      if (ReasonOf(outcome.status()) == "QUEUE_FULL") ++refused;
    };
    ledger_->Submit(std::move(command));
  }
  EXPECT_EQ(refused, 13);  // the gate itself is one of the eight
  gate.Open();
  ledger_->Stop();
  EXPECT_EQ(done, 20);
  EXPECT_EQ(ledger_->Info(kIm0)->head, 7u);
  EXPECT_EQ(ReasonOf(Do(*ledger_, Add(kIm0, "a", {"x"})).status()), "NOT_RUNNING");
}

TEST_F(LedgerTest, RefusesWhatItDoesNotKnow) {
  Open();
  EXPECT_EQ(Do(*ledger_, Add({"im", 4}, "a", {"x"})).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Do(*ledger_, Add({"desk", 0}, "a", {"x"})).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Do(*ledger_, Add({"keyring", 0}, "a", {"x"})).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Do(*ledger_, Add(kIm0, "a", {"x"}, std::string(257, 'r'))).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(Do(*ledger_, Add(kIm0, "a", {std::string(5 << 20, 'x')})).status()), "COMMAND_TOO_LARGE");
  EXPECT_EQ(ReasonOf(Do(*ledger_, Add(kIm0, "a", std::vector<std::string>(5'000, "x"))).status()), "COMMAND_TOO_LARGE");
  EXPECT_EQ(ledger_->Info(kIm0)->head, 0u);
  EXPECT_EQ(CountOf(*ledger_->View(kIm0), "a"), 0u);
  EXPECT_EQ(ledger_->View({"im", 9})->Get("x").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ledger_->Read({"im", 9}, 1, 1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ledger_->Read(kIm0, 0, 1).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ledger_->PartitionCount("desk"), 0u);
  EXPECT_EQ(ledger_->PartitionCount("keyring"), 1u);
}

TEST_F(LedgerTest, ReadsInPiecesAndUpToTheHead) {
  Open();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {std::string(100, 'x')})).ok());
  auto raw = ledger_->ReadRaw(kIm0, 1, 1 << 20);
  ASSERT_EQ(raw->size(), 10u);
  EXPECT_EQ(ledger_->Read(kIm0, 1, 1)->size(), 1u);
  EXPECT_EQ(ledger_->Read(kIm0, 1, (*raw)[0].bytes.size() * 3)->size(), 3u);
  EXPECT_EQ(ledger_->Read(kIm0, 10, 1 << 20)->size(), 1u);
  EXPECT_EQ(ledger_->Read(kIm0, 11, 1 << 20)->size(), 0u);
  EXPECT_EQ(ledger_->Read(kIm0, 1'000, 1 << 20)->size(), 0u);
  Record record;
  ASSERT_TRUE(record.ParseFromString((*raw)[4].bytes));
  EXPECT_EQ(record.seq(), 5u);
}

// For ThreadSanitizer above all: everything that may be called from any thread, at once.
TEST_F(LedgerTest, ManyThreadsAtOnce) {
  Open();
  constexpr int kThreads = 4, kCommands = 300;
  std::atomic<int> acknowledged{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kCommands; ++i) {
        auto command = Add({"im", static_cast<uint32_t>(i) % 4}, std::to_string(t), {"x"}, std::to_string(i));
        command.actor = "person:" + std::to_string(t);
        command.done = [&](absl::StatusOr<Command::Outcome> outcome) { acknowledged += outcome.ok(); };
        ledger_->Submit(std::move(command));
      }
    });
  }
  std::thread reader([&] {
    while (!stop) {
      for (uint32_t p = 0; p < 4; ++p) {
        const PartitionId id{"im", p};
        const uint64_t head = ledger_->Info(id)->head;
        auto records = ledger_->Read(id, 1, 64 << 20);
        ASSERT_TRUE(records.ok()) << records.status();
        EXPECT_GE(records->size(), head);
        auto view = ledger_->View(id);
        uint64_t counted = 0;
        for (int t = 0; t < kThreads; ++t) counted += CountOf(*view, std::to_string(t));
        EXPECT_GE(counted, head) << "state is never behind what was told";
        EXPECT_EQ(ledger_->Partitions().size(), 5u);
      }
      EXPECT_TRUE(ledger_->ProjectionCommit("p", {{"k", "v"}}).ok());
    }
  });
  std::thread replayer([&] {
    TempDir scratch;
    while (!stop) {
      auto replayed = ledger_->Replay(scratch.path(), kIm3);
      EXPECT_TRUE(replayed.ok()) << replayed.status();
      EXPECT_TRUE(ledger_->WriteSnapshot(kIm0, dir_.path() + "/snapshot").ok());
    }
  });
  for (auto& thread : threads) thread.join();
  while (acknowledged < kThreads * kCommands) std::this_thread::yield();
  stop = true;
  reader.join();
  replayer.join();
  uint64_t total = 0;
  for (uint32_t p = 0; p < 4; ++p) total += ledger_->Info({"im", p})->head;
  EXPECT_EQ(total, static_cast<uint64_t>(kThreads * kCommands));
}

}  // namespace
}  // namespace yizhan::ledger
