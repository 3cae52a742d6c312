// Disks that are full or broken, folders that are held, newer, or other.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ledger/commit.h"
#include "ledger/core.h"
#include "ledger/testing/counters.h"
#include "rocksdb/db.h"

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

bool IsWal(std::string_view path) { return path.ends_with(".log"); }

class FaultTest : public ::testing::Test {
 protected:
  FaultTest() {
    options_.hooks.now_us = [this] { return now_us_.load(); };
    options_.hooks.fault = [this](std::string_view operation, std::string_view path) {
      return IsWal(path) && operation == failing_.load() ? error_.load() : 0;
    };
    options_.hooks.free_bytes = [this] { return error_ == ENOSPC ? 0 : 1ull << 30; };
  }
  absl::Status Open() {
    ledger_.reset();
    YZ_ASSIGN_OR_RETURN(ledger_, OpenAndStart(options_, &machine_));
    return absl::OkStatus();
  }
  void Pass(int64_t seconds) { now_us_ += seconds * 1'000'000; }

  TempDir dir_;
  Counters machine_;
  Options options_ = OptionsFor(dir_);
  std::atomic<int64_t> now_us_{1'000'000'000};
  std::atomic<const char*> failing_{""};
  std::atomic<int> error_{0};
  std::unique_ptr<Ledger> ledger_;
};

// "append": the log cannot grow. "sync": delayed allocation finds out late. Both at the first write of a fresh log and
// later.
class FullDiskTest : public FaultTest, public ::testing::WithParamInterface<std::pair<const char*, int>> {};

TEST_P(FullDiskTest, RefusesClearlyReadsOnAndResumesByItself) {
  const auto [operation, written_before] = GetParam();
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"x"}, "r1")).ok());
  ASSERT_TRUE(Open().ok());  // behind this the memory tables are empty
  for (int i = 0; i < written_before; ++i) ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"x"})).ok());
  const uint64_t head = ledger_->Info(kIm0)->head;
  const std::string digest = ledger_->StateDigest(kIm0)->hex;
  for (int round = 0; round < 2; ++round) {
    error_ = ENOSPC;
    failing_ = operation;
    for (int i = 0; i < 3; ++i) {
      auto refused = Do(*ledger_, Add(kIm0, "a", {"lost"}, "r2"));
      EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted) << refused.status();
      EXPECT_EQ(ReasonOf(refused.status()), "DISK_FULL");
      EXPECT_GT(RetryAfterMs(refused.status()), 0);
      Pass(i);
    }
    EXPECT_EQ(ledger_->Info(kIm0)->head, head);
    EXPECT_EQ(ledger_->StateDigest(kIm0)->hex, digest) << "reading goes on, over the state of before";
    EXPECT_EQ(ledger_->Read(kIm0, 1, 1 << 20)->size(), head);
    if (round == 1) break;
    // A process that ends now starts again with what was acknowledged.
    error_ = 0;
    ASSERT_TRUE(Open().ok());
    EXPECT_GE(ledger_->Info(kIm0)->head, head);
    if (ledger_->Info(kIm0)->head != head)
      return;  // what was refused had reached the log all the same: a retry finds it
  }
  error_ = 0;
  Pass(2);
  auto resumed = Do(*ledger_, Add(kIm0, "a", {"y"}, "r2"));
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_FALSE(resumed->repeated);
  EXPECT_EQ(resumed->first_seq, head + 1);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"z"})).ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(ledger_->Info(kIm0)->head, head + 4);
  EXPECT_EQ(CountOf(*ledger_->View(kIm0), "a"), head + 4);
  EXPECT_TRUE(Do(*ledger_, Add(kIm0, "a", {"y"}, "r2"))->repeated);
  auto replayed = ledger_->Replay(dir_.path(), std::nullopt);
  EXPECT_TRUE(replayed.ok()) << replayed.status();
}

INSTANTIATE_TEST_SUITE_P(All, FullDiskTest,
                         ::testing::Values(std::pair("append", 0), std::pair("append", 5), std::pair("sync", 0),
                                           std::pair("sync", 5)));

TEST_F(FaultTest, RefusesBelowTheFreeSpaceItNeeds) {
  std::atomic<uint64_t> free_bytes{1ull << 30};
  options_.min_free_bytes = 256 << 20;
  options_.hooks.free_bytes = [&] { return free_bytes.load(); };
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"x"})).ok());
  free_bytes = 100 << 20;
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"x"})).ok()) << "looked at about once a second";
  Pass(2);
  auto refused = Do(*ledger_, Add(kIm0, "a", {"x"}));
  EXPECT_EQ(ReasonOf(refused.status()), "DISK_FULL");
  EXPECT_TRUE(absl::StrContains(refused.status().message(), "100 MiB free and needs 256 MiB")) << refused.status();
  EXPECT_EQ(ledger_->Read(kIm0, 1, 1 << 20)->size(), 2u);
  free_bytes = 1ull << 30;
  Pass(2);
  EXPECT_TRUE(Do(*ledger_, Add(kIm0, "a", {"x"})).ok());
}

TEST_F(FaultTest, WhatNeedsNoWriteIsAnsweredOnAFullDisk) {
  std::atomic<uint64_t> free_bytes{1ull << 30};
  options_.min_free_bytes = 256 << 20;
  options_.hooks.free_bytes = [&] { return free_bytes.load(); };
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"x"}, "r1")).ok());
  free_bytes = 100 << 20;
  ASSERT_TRUE(Open().ok()) << "it starts on a full disk";
  auto repeated = Do(*ledger_, Add(kIm0, "a", {"x"}, "r1"));
  ASSERT_TRUE(repeated.ok()) << repeated.status();
  EXPECT_TRUE(repeated->repeated);
  Command nothing = Add(kIm0, "a", {});
  nothing.decide = [](const DecideContext&, const StateReader&) -> absl::StatusOr<Proposal> {
    return Proposal{{}, "known"};
  };
  EXPECT_EQ(Do(*ledger_, std::move(nothing))->result, "known");
  EXPECT_EQ(ReasonOf(Do(*ledger_, Add(kIm0, "a", {"x"}, "r2")).status()), "DISK_FULL");
  EXPECT_EQ(ledger_->Info(kIm0)->head, 1u);
}

// Where another status than 74 or another ledger than that of before would be an answer over a disk that nobody knows.
class BrokenDiskTest : public FaultTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(BrokenDiskTest, TheProcessThatSawAFailedSyncStops) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"x"})).ok());
  ledger_.reset();
  int errors[2], answers[2];
  ASSERT_EQ(pipe(errors), 0);
  ASSERT_EQ(pipe(answers), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(errors[1], STDERR_FILENO);
    if (!Open().ok() || !Do(*ledger_, Add(kIm0, "a", {"y"})).ok()) _exit(1);
    error_ = EIO;
    failing_ = GetParam();
    (void)!write(answers[1], Do(*ledger_, Add(kIm0, "a", {"z"})).ok() ? "+" : "-", 1);
    _exit(2);
  }
  close(errors[1]);
  close(answers[1]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), kDiedExitCode);
  std::string said(4'096, '\0');
  said.resize(static_cast<size_t>(std::max<ssize_t>(0, read(errors[0], said.data(), said.size()))));
  EXPECT_TRUE(absl::StrContains(said, "yizhan: fatal: committing: IO error") && absl::StrContains(said, ".log"))
      << said;
  char answer;
  EXPECT_EQ(read(answers[0], &answer, 1), 0) << "nobody was answered";
  close(errors[0]);
  close(answers[0]);
  ASSERT_TRUE(Open().ok());
  EXPECT_GE(ledger_->Info(kIm0)->head, 2u);
  EXPECT_TRUE(Do(*ledger_, Add(kIm0, "a", {"z"})).ok());
  EXPECT_TRUE(ledger_->Replay(dir_.path(), std::nullopt).ok());
}

INSTANTIATE_TEST_SUITE_P(All, BrokenDiskTest, ::testing::Values("append", "sync"));

TEST_F(FaultTest, RefusesAFolderThatAnotherHolds) {
  ASSERT_TRUE(Open().ok());
  auto second = Ledger::Open(options_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(second.status()), "FOLDER_IN_USE") << second.status();
  EXPECT_TRUE(absl::StrContains(second.status().message(), dir_.path()));
  EXPECT_EQ(ReasonOf(Store::Open(dir_.path() + "/ledger", Store::Mode::kReadOnly).status()), "FOLDER_IN_USE");
}

TEST_F(FaultTest, RefusesANewerFolder) {
  ASSERT_TRUE(Open().ok());
  ledger_.reset();
  {
    auto store = Store::Open(dir_.path() + "/ledger", Store::Mode::kReadWrite);
    std::string version;
    AppendU32(version, kFormatVersion + 1);
    ASSERT_TRUE((*store)->Put(Table::kMeta, meta::FormatKey(), version).ok());
  }
  absl::Status refused = Open();
  EXPECT_EQ(ReasonOf(refused), "NEWER_FORMAT") << refused;
  EXPECT_TRUE(absl::StrContains(refused.message(), absl::StrCat("format ", kFormatVersion + 1)));
  EXPECT_TRUE(absl::StrContains(refused.message(), "restore a backup"));
}

TEST_F(FaultTest, RefusesATableThatItDoesNotKnow) {
  ASSERT_TRUE(Open().ok());
  ledger_.reset();
  {
    auto store = Store::Open(dir_.path() + "/ledger", Store::Mode::kReadWrite);
    rocksdb::ColumnFamilyHandle* handle;
    ASSERT_TRUE((*store)->db()->CreateColumnFamily({}, "holograms", &handle).ok());
    (*store)->db()->DestroyColumnFamilyHandle(handle);
  }
  absl::Status refused = Open();
  EXPECT_EQ(ReasonOf(refused), "NEWER_FORMAT") << refused;
  EXPECT_TRUE(absl::StrContains(refused.message(), "holograms"));
}

TEST_F(FaultTest, PartitionsAreFixedForTheLifeOfTheFolder) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"x"})).ok());
  options_.partitions = {{"im", 8}};
  absl::Status refused = Open();
  EXPECT_EQ(ReasonOf(refused), "PARTITIONS_DIFFER") << refused;
  options_.partitions = {{"im", 4}, {"desk", 2}};
  ASSERT_TRUE(Open().ok()) << "a new service gets its own";
  EXPECT_EQ(ledger_->PartitionCount("desk"), 2u);
  EXPECT_EQ(ledger_->Info(kIm0)->head, 1u);
  options_.partitions = {{"desk", 2}};
  ASSERT_TRUE(Open().ok()) << "what the folder has is kept";
  EXPECT_EQ(ledger_->Info(kIm0)->head, 1u);
  for (auto wrong : {std::pair<std::string, uint32_t>{"im", 0}, {"Im", 1}, {"im/x", 1}, {"bot", 5'000}, {"", 1}}) {
    options_.partitions = {wrong};
    EXPECT_EQ(Open().code(), absl::StatusCode::kInvalidArgument) << wrong.first;
  }
  Counters other("desk");
  auto ledger = Ledger::Open(OptionsFor(dir_));
  (*ledger)->Register(&other);
  EXPECT_EQ((*ledger)->Start().code(), absl::StatusCode::kFailedPrecondition) << "im has records and no machine";
}

TEST_F(FaultTest, ASyncThatFoundTheDiskFullIsNotTakenForOneThatWorked) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"x"})).ok());
  ASSERT_TRUE(ledger_->Sync().ok());
  error_ = ENOSPC;
  failing_ = "sync";
  EXPECT_EQ(ReasonOf(ledger_->Sync().status()), "DISK_FULL");
  EXPECT_EQ(ReasonOf(ledger_->Sync().status()), "DISK_FULL");
  EXPECT_EQ(ReasonOf(Do(*ledger_, Add(kIm0, "a", {"y"})).status()), "DISK_FULL");
  error_ = 0;
  // Nothing but Sync asks, and it resumes all the same; RocksDB may be trying by itself, every five seconds.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  absl::Status synced;
  do {
    Pass(2);
    synced = ledger_->Sync().status();
  } while (!synced.ok() && std::chrono::steady_clock::now() < deadline);
  ASSERT_TRUE(synced.ok()) << synced;
  EXPECT_TRUE(Do(*ledger_, Add(kIm0, "a", {"z"})).ok());
  EXPECT_TRUE(ledger_->Sync().ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(ledger_->Info(kIm0)->head, 2u);
}

// Committed elsewhere first: what the cluster's engine does.
class QuorumStandIn : public Committer {
 public:
  CommitResult Commit(absl::Span<const PartitionBatch> batches, LocalWrite& local) override {
    for (const PartitionBatch& batch : batches) {
      if (fenced == batch.partition.ToString()) return {CommitResult::Verdict::kFenced, {}, {batch.partition}};
      if (batch.first_seq != log[batch.partition].size() + 1)
        return {CommitResult::Verdict::kFenced, {}, {batch.partition}};
    }
    if (unavailable) return {CommitResult::Verdict::kUnavailable, {}, {}};
    for (const PartitionBatch& batch : batches) {
      for (std::string_view record : batch.records) log[batch.partition].emplace_back(record);
    }
    absl::Status written = local.Write(/*sync=*/false);
    return {written.ok() ? CommitResult::Verdict::kOk : CommitResult::Verdict::kUnavailable, written, {}};
  }
  std::map<PartitionId, std::vector<std::string>> log;
  std::atomic<bool> unavailable{false};
  std::string fenced;
};

// What the quorum has taken is committed: the engine must get it into the store, however long the disk is full.
class Stubborn : public Committer {
 public:
  explicit Stubborn(std::function<void()> make_room) : make_room_(std::move(make_room)) {}
  CommitResult Commit(absl::Span<const PartitionBatch>, LocalWrite& local) override {
    for (refused = 0; !local.Write(/*sync=*/false).ok(); ++refused) {
      if (refused == 2) make_room_();
      std::this_thread::yield();
    }
    return {};
  }
  std::atomic<int> refused{0};

 private:
  const std::function<void()> make_room_;
};

TEST_F(FaultTest, AnEngineMayTryItsLocalWriteAgain) {
  Stubborn stubborn([this] { error_ = 0; });
  options_.committer = &stubborn;
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"x"})).ok());
  EXPECT_EQ(stubborn.refused, 0);
  Command command = Add(kIm0, "a", {"y", "z"});
  command.decide = [this, decide = std::move(command.decide)](const DecideContext& context,
                                                              const StateReader& state) mutable {
    error_ = ENOSPC;  // behind the look whether there is room
    failing_ = "append";
    return decide(context, state);
  };
  auto done = Do(*ledger_, std::move(command));
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_GE(stubborn.refused, 3);
  EXPECT_EQ(done->last_seq, 3u);
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"x"})).ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(ledger_->Info(kIm0)->head, 4u);
  EXPECT_TRUE(ledger_->Replay(dir_.path(), std::nullopt).ok());
}

TEST_F(FaultTest, AnotherEnginesVerdictsAreHonoured) {
  QuorumStandIn quorum;
  options_.committer = &quorum;
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Do(*ledger_, Add(kIm0, "a", {"x", "y"}, "r1")).ok());
  quorum.unavailable = true;
  auto refused = Do(*ledger_, Add(kIm0, "a", {"z"}, "r2"));
  EXPECT_EQ(ReasonOf(refused.status()), "NOT_COMMITTED");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ledger_->Info(kIm0)->head, 2u);
  quorum.unavailable = false;
  auto again = Do(*ledger_, Add(kIm0, "a", {"z"}, "r2"));
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->repeated);
  EXPECT_EQ(again->first_seq, 3u);
  EXPECT_EQ(again->result, "3");
  ledger_->Stop();
  auto raw = ledger_->ReadRaw(kIm0, 1, 1 << 20);
  ASSERT_EQ(raw->size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ((*raw)[i].bytes, quorum.log[kIm0][i]) << "the very bytes";
  quorum.fenced = "im/1";
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(ReasonOf(Do(*ledger_, Add({"im", 1}, "a", {"x"})).status()), "NOT_OWNER");
  EXPECT_FALSE(ledger_->Owns({"im", 1}));
  EXPECT_TRUE(ledger_->Info({"im", 1})->status.ok()) << "it follows now";
  EXPECT_EQ(ReasonOf(Do(*ledger_, Add({"im", 1}, "a", {"x"})).status()), "NOT_OWNER");
  EXPECT_TRUE(Do(*ledger_, Add(kIm0, "a", {"x"})).ok()) << "the others go on";
}

}  // namespace
}  // namespace yizhan::ledger
