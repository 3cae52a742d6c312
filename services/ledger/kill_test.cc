// Kills a process that writes, again and again, at random moments and at random system calls, and looks at what is
// left: everything acknowledged is there, once, in order, at the seq that was said; state is what a replay gives;
// projections are not ahead; it opens again quickly.
//
//   ledger_kill_test [--kills N] [--seed S]      200 by default
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/status.h"
#include "ledger/keyring.h"
#include "ledger/testing/counters.h"
#include "ledger/testing/kill_setup.h"

namespace yizhan::ledger {
namespace {
using namespace yizhan::ledger::testing;  // NOLINT: the test's own other half

int kills = 200;
uint64_t seed = 0;
constexpr int kThreads = 8;
constexpr int kLife = 500;  // kills that one folder lives through

struct Acknowledged {
  uint64_t last_n = 0;
  std::map<uint64_t, uint64_t> seqs;  // n -> seq, of those not looked at yet
};

class KillTest : public ::testing::Test {
 protected:
  // Runs the child until it is dead; fills what it acknowledged. Answers how it ended.
  int RunChild(std::mt19937_64& random) {
    std::vector<std::string> arguments = {LEDGER_KILL_CHILD, dir_};
    for (const Acknowledged& thread : threads_) arguments.push_back(std::to_string(thread.last_n + 1));
    // Half by the clock, half at a counted system call.
    const bool by_call = random() % 2 == 0;
    const std::string kill_at = by_call ? absl::StrCat("KILL_AT=", 1 + random() % 300) : "KILL_AT=0";
    const auto patience = by_call ? std::chrono::microseconds(500'000) : std::chrono::microseconds(random() % 150'000);
    int pipe_fds[2];
    EXPECT_EQ(pipe(pipe_fds), 0);
    const pid_t child = fork();
    if (child == 0) {
      dup2(pipe_fds[1], STDOUT_FILENO);
      close(pipe_fds[0]);
      close(pipe_fds[1]);
      std::vector<char*> argv;
      for (std::string& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      std::string tmpdir = absl::StrCat("TMPDIR=", dir_);
      char* environment[] = {const_cast<char*>(kill_at.c_str()), tmpdir.data(), nullptr};
      execve(argv[0], argv.data(), environment);
      _exit(127);
    }
    close(pipe_fds[1]);
    std::thread killer([&] {
      const auto deadline = std::chrono::steady_clock::now() + patience;
      while (std::chrono::steady_clock::now() < deadline && !ended_)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      kill(child, SIGKILL);
    });
    std::string output;
    std::array<char, 65'536> buffer;
    for (ssize_t got; (got = read(pipe_fds[0], buffer.data(), buffer.size())) > 0;)
      output.append(buffer.data(), static_cast<size_t>(got));
    close(pipe_fds[0]);
    ended_ = true;
    killer.join();
    ended_ = false;
    int status = 0;
    waitpid(child, &status, 0);
    output.resize(output.rfind('\n') == std::string::npos ? 0 : output.rfind('\n') + 1);
    std::istringstream lines(output);
    int thread;
    for (uint64_t n, seq; lines >> thread >> n >> seq;) {
      EXPECT_EQ(n, threads_[static_cast<size_t>(thread)].last_n + 1) << "acknowledged in order";
      threads_[static_cast<size_t>(thread)].last_n = n;
      threads_[static_cast<size_t>(thread)].seqs[n] = seq;
      ++acknowledged_;
    }
    return status;
  }

  void Look(bool replay) {
    const auto begin = std::chrono::steady_clock::now();
    Options options = KillOptions(dir_);
    auto ledger = Ledger::Open(options);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    Counters machine;
    (*ledger)->Register(&machine);
    auto keyring = Keyring::Open(ledger->get(), dir_);
    ASSERT_TRUE(keyring.ok()) << keyring.status();
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(took, std::chrono::seconds(10));
    slowest_open_ = std::max(slowest_open_, std::chrono::duration_cast<std::chrono::milliseconds>(took));
    for (uint32_t p = 0; p < 4; ++p) {
      const PartitionId id{"im", p};
      const uint64_t head = (*ledger)->Info(id)->head;
      ASSERT_GE(head, looked_at_[p]) << "committed records are gone";
      for (uint64_t next = looked_at_[p] + 1; next <= head;) {
        auto records = (*ledger)->Read(id, next, 4 << 20);
        ASSERT_TRUE(records.ok()) << records.status();
        for (const Record& record : *records) {
          ASSERT_EQ(record.seq(), next++);
          const auto tab = record.payload().find('\t');
          int thread = -1;
          uint64_t n = 0;
          ASSERT_TRUE(absl::SimpleAtoi(record.payload().substr(7, tab - 7), &thread) &&
                      absl::SimpleAtoi(record.payload().substr(tab + 1), &n));
          ASSERT_EQ(n, ++found_[thread]) << "thread " << thread << " twice, missing or out of order at seq "
                                         << record.seq();
          auto said = threads_[static_cast<size_t>(thread)].seqs.find(n);
          if (said != threads_[static_cast<size_t>(thread)].seqs.end()) {
            ASSERT_EQ(said->second, record.seq());
            threads_[static_cast<size_t>(thread)].seqs.erase(said);
          }
        }
      }
      looked_at_[p] = head;
      auto copied = (*ledger)->ProjectionGet(kProjection, id.ToString());
      ASSERT_TRUE(copied.ok()) << copied.status();
      uint64_t cursor = 0;
      if (*copied) {
        ASSERT_TRUE(absl::SimpleAtoi(**copied, &cursor));
      }
      ASSERT_LE(cursor, head) << "a projection ahead of its source";
    }
    for (int t = 0; t < kThreads; ++t) {
      const Acknowledged& thread = threads_[static_cast<size_t>(t)];
      ASSERT_LE(thread.last_n, found_[t]) << "acknowledged and lost";
      // What is left was acknowledged with a seq that had been looked at before: a retry of what the last process did
      // and could not say.
      for (const auto& [n, seq] : thread.seqs) {
        auto records = (*ledger)->Read(PartitionOfThread(t), seq, 1);
        if (absl::IsOutOfRange(records.status())) continue;
        ASSERT_TRUE(records.ok()) << records.status();
        ASSERT_EQ(records->front().payload(), absl::StrCat(KeyOfThread(t), "\t", n))
            << "a retry was answered with another record's seq";
      }
      threads_[static_cast<size_t>(t)].seqs.clear();
      ASSERT_EQ(CountOf(*(*ledger)->View(PartitionOfThread(t)), KeyOfThread(t)), found_[t]);
    }
    if (replay) {
      auto replayed = (*ledger)->Replay(dir_, std::nullopt);
      ASSERT_TRUE(replayed.ok()) << replayed.status();
      Shorten(**ledger);
    }
  }

  // Keeps the folder small, or each kill would cost more than the one before: the processes seldom live long enough for
  // a snapshot of their own.
  void Shorten(Ledger& ledger) {
    for (uint32_t p = 0; p < 4; ++p) {
      const PartitionId id{"im", p};
      auto seq = ledger.WriteSnapshot(id, SnapshotPath(dir_, id));
      ASSERT_TRUE(seq.ok()) << seq.status();
      if (*seq > 4 * 1'024) {
        ASSERT_TRUE(ledger.CutLog(id, *seq - 3 * 1'024).ok());
      }
    }
  }

  void SetUp() override { Begin(); }

  // An empty folder. State grows with every command, and each replay with it: the long form begins anew now and then.
  void Begin() {
    // A kill leaves what was written in the page cache, so a file system in memory shows the same and takes less time.
    const std::string base =
        std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path().string();
    dir_ = base + "/yizhan-kill-XXXXXX";
    ASSERT_NE(mkdtemp(dir_.data()), nullptr);
    threads_.assign(kThreads, {});
    looked_at_ = {};
    found_.clear();
  }
  void TearDown() override {
    if (!HasFailure())
      std::filesystem::remove_all(dir_);
    else
      std::cerr << "kept: " << dir_ << "\n";
  }

  std::string dir_;
  std::vector<Acknowledged> threads_ = std::vector<Acknowledged>(kThreads);
  std::array<uint64_t, 4> looked_at_{};
  std::map<int, uint64_t> found_;
  uint64_t acknowledged_ = 0;
  std::chrono::milliseconds slowest_open_{0};
  std::atomic<bool> ended_{false};
};

TEST_F(KillTest, NothingAcknowledgedIsLostOrDoubled) {
  if (seed == 0) seed = std::random_device()();
  std::cerr << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  for (int i = 1; i <= kills; ++i) {
    const int status = RunChild(random);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        << "the process ended by itself: " << status << ", kill " << i;
    Look(/*replay=*/i % 20 == 0 || i == kills);
    if (HasFatalFailure()) {
      std::cerr << "at kill " << i << ", seed " << seed << "\n";
      return;
    }
    if (i % kLife != 0 || i == kills) continue;
    std::cerr << i << " kills, " << acknowledged_ << " acknowledged" << std::endl;
    std::filesystem::remove_all(dir_);
    Begin();
  }
  std::cerr << kills << " kills, " << acknowledged_ << " acknowledged, slowest open " << slowest_open_.count()
            << " ms\n";
  EXPECT_GT(acknowledged_, 0u);
}

}  // namespace
}  // namespace yizhan::ledger

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--kills") yizhan::ledger::kills = std::atoi(argv[i + 1]);
    if (name == "--seed") yizhan::ledger::seed = std::strtoull(argv[i + 1], nullptr, 10);
  }
  return RUN_ALL_TESTS();
}
