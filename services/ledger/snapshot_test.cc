// Snapshots, cut logs and replays: the state at a seq is the same whichever way it was come by.
#include "ledger/snapshot.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ledger/snapshot_file.h"
#include "ledger/testing/counters.h"

namespace yizhan::ledger {
namespace {
using testing::Add;
using testing::Counters;
using testing::CountOf;
using testing::Do;
using testing::OptionsFor;
using testing::TempDir;

const PartitionId kIm1{"im", 1};

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class SnapshotTest : public ::testing::Test {
 protected:
  SnapshotTest() { options_.hooks.idempotence_window = 1'024; }
  absl::Status Open(bool start = true) {
    ledger_.reset();
    YZ_ASSIGN_OR_RETURN(ledger_, Ledger::Open(options_));
    ledger_->Register(&machine_);
    return start ? ledger_->Start() : absl::OkStatus();
  }
  void Fill(int commands) {
    for (int i = 0; i < commands; ++i, ++filled_) {
      std::vector<std::string> values(100, absl::StrCat("value ", filled_));
      ASSERT_TRUE(Do(*ledger_, Add(kIm1, absl::StrCat("key ", filled_ % 7), values, absl::StrCat("r", filled_))).ok());
    }
  }
  std::string Digest() { return ledger_->StateDigest(kIm1)->hex; }
  std::string path() const { return dir_.path() + "/im-1.snapshot"; }

  TempDir dir_, other_dir_;
  Counters machine_;
  Options options_ = OptionsFor(dir_);
  std::unique_ptr<Ledger> ledger_;
  int filled_ = 0;
};

TEST_F(SnapshotTest, ReplayGivesTheLiveState) {
  ASSERT_TRUE(Open().ok());
  Fill(3);
  auto replayed = ledger_->Replay(other_dir_.path(), std::nullopt);
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  ASSERT_EQ(replayed->size(), 4u) << "keyring/0 is empty and has no machine here";
  EXPECT_EQ((*replayed)[1].records, 300u);
  EXPECT_EQ((*replayed)[1].seq, 300u);
  EXPECT_EQ((*replayed)[1].digest, Digest());
  EXPECT_EQ(ledger_->Replay(other_dir_.path(), kIm1)->size(), 1u);
  EXPECT_TRUE(std::filesystem::is_empty(other_dir_.path())) << "the scratch store is removed";
}

TEST_F(SnapshotTest, ReplayNoticesAStateThatDoesNotFollow) {
  // A machine that counts differently the second time.
  class Forgetful : public Counters {
   public:
    absl::Status Apply(const Record& record, StateWriter& state) override {
      if (record.seq() == 2 && replaying) return absl::OkStatus();
      return Counters::Apply(record, state);
    }
    bool replaying = false;
  } forgetful;
  auto ledger = testing::OpenAndStart(options_, &forgetful);
  ASSERT_TRUE(ledger.ok());
  ASSERT_TRUE(Do(**ledger, Add(kIm1, "a", {"x", "y"})).ok());
  EXPECT_TRUE((*ledger)->Replay(other_dir_.path(), kIm1).ok());
  forgetful.replaying = true;
  auto replayed = (*ledger)->Replay(other_dir_.path(), kIm1);
  EXPECT_EQ(ReasonOf(replayed.status()), "REPLAY_DIFFERS") << replayed.status();
  EXPECT_NE(std::string(replayed.status().message()).find("im/1"), std::string::npos);
}

TEST_F(SnapshotTest, GoesOnBehindASnapshotAndACutLog) {
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(ledger_->CutLog(kIm1, 10).code(), absl::StatusCode::kFailedPrecondition) << "no snapshot";
  Fill(30);
  ASSERT_EQ(*ledger_->WriteSnapshot(kIm1, path()), 3'000u);
  const std::string at_snapshot = Digest();
  Fill(10);
  EXPECT_EQ(ledger_->CutLog(kIm1, 3'001).code(), absl::StatusCode::kFailedPrecondition) << "beyond the snapshot";
  EXPECT_EQ(ledger_->CutLog(kIm1, 2'977).code(), absl::StatusCode::kFailedPrecondition)
      << "within what idempotence needs";
  ASSERT_TRUE(ledger_->CutLog(kIm1, 2'500).ok());
  EXPECT_EQ(ledger_->Info(kIm1)->first, 2'501u);
  EXPECT_EQ(ledger_->Read(kIm1, 2'500, 1).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ((*ledger_->Read(kIm1, 2'501, 1))[0].seq(), 2'501u);
  for (int round = 0; round < 2; ++round) {
    auto replayed = ledger_->Replay(other_dir_.path(), kIm1);
    ASSERT_TRUE(replayed.ok()) << replayed.status();
    EXPECT_EQ((*replayed)[0].records, 1'000u);
    EXPECT_EQ((*replayed)[0].digest, Digest());
    ASSERT_TRUE(Open().ok());
    EXPECT_EQ(ledger_->Info(kIm1)->first, 2'501u);
    EXPECT_EQ(ledger_->Info(kIm1)->head, 4'000u);
  }
  EXPECT_TRUE(Do(*ledger_, Add(kIm1, "key 5", {"x"}, "r35"))->repeated);
  std::filesystem::remove(path());
  EXPECT_FALSE(ledger_->Replay(other_dir_.path(), kIm1).ok());
  EXPECT_EQ(ledger_->CutLog(kIm1, 2'600).code(), absl::StatusCode::kFailedPrecondition)
      << "the snapshot's file is gone";
  EXPECT_NE(at_snapshot, Digest());
}

// Found by kill_test: the replay took the mark's seq for the file's, and applied the records between the two twice.
TEST_F(SnapshotTest, AProcessThatDiesBetweenASnapshotAndItsMark) {
  ASSERT_TRUE(Open().ok());
  Fill(30);
  ASSERT_TRUE(ledger_->WriteSnapshot(kIm1, path()).ok());
  ASSERT_TRUE(ledger_->CutLog(kIm1, 1'500).ok());
  Fill(5);
  ASSERT_TRUE(ledger_->WriteSnapshot(kIm1, path() + "2").ok());
  ASSERT_TRUE(ledger_->WriteSnapshot(kIm1, path() + "3").ok());
  ledger_.reset();
  {
    auto store = Store::Open(dir_.path() + "/ledger", Store::Mode::kReadWrite);
    std::string mark = SnapshotMark{3'000, std::string(32, 'd'), path()}.Encode();
    ASSERT_TRUE((*store)->Put(Table::kMeta, meta::MarkKey(1), mark).ok());
  }
  std::filesystem::rename(path() + "2", path());
  ASSERT_TRUE(Open().ok());
  Fill(1);
  auto replayed = ledger_->Replay(other_dir_.path(), kIm1);
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_EQ((*replayed)[0].records, 100u);
}

TEST_F(SnapshotTest, HasTheBytesOfTheFormatsDocument) {
  options_.hooks.now_us = [] { return 1'767'268'800'000'000; };
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Do(*ledger_, Add(kIm1, "a", {"x"}, "r1")).ok());
  ASSERT_TRUE(ledger_->WriteSnapshot(kIm1, path()).ok());
  const std::string hex = absl::BytesToHexString(ReadAll(path()));
  EXPECT_EQ(hex.substr(0, hex.size() - 64),
            "595a534e41505348"
            "00000001"
            "00000004"
            "696d2f31"
            "0000000000000001"
            "00064752550bf000"
            "0000000000000001"
            "01"
            "00000002"
            "6e61"
            "00000001"
            "31"
            "01"
            "0000000b"
            "7661000000000000000001"
            "00000001"
            "78"
            "02"
            "00000031"
            "0a04696d2f31"
            "1001"
            "1880e0afa8a5ea9103"
            "2208706572736f6e3a61"
            "2a027231"
            "3208746573742e416464"
            "3a03610978"
            "420131"
            "00"
            "e098043d75fb8825a6cff3ee33ffd92f72c64f61ee26217592f68d8b4edb8a15");
}

TEST_F(SnapshotTest, FillsAnEmptyPartitionElsewhere) {
  ASSERT_TRUE(Open().ok());
  Fill(30);
  ASSERT_TRUE(ledger_->WriteSnapshot(kIm1, path()).ok());
  const std::string digest = Digest();
  EXPECT_FALSE(ledger_->LoadSnapshot(kIm1, path()).ok()) << "it is running";
  TempDir fresh;
  options_.data_dir = fresh.path();
  ASSERT_TRUE(Open(false).ok());
  EXPECT_EQ(ledger_->LoadSnapshot({"im", 2}, path()).code(), absl::StatusCode::kFailedPrecondition)
      << "another partition's";
  ASSERT_TRUE(Open(false).ok()) << "a refused load leaves nothing";
  ASSERT_TRUE(ledger_->LoadSnapshot(kIm1, path()).ok());
  EXPECT_EQ(ledger_->LoadSnapshot(kIm1, path()).code(), absl::StatusCode::kFailedPrecondition) << "not empty any more";
  ASSERT_TRUE(ledger_->Start().ok());
  EXPECT_EQ(Digest(), digest);
  EXPECT_EQ(ledger_->Info(kIm1)->head, 3'000u);
  EXPECT_EQ(ledger_->Info(kIm1)->first, 1'025u) << "whole blocks of the idempotence window";
  auto again = Do(*ledger_, Add(kIm1, "key 1", {"x"}, "r29"));
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->first_seq, 2'901u);
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(Do(*ledger_, Add(kIm1, "key 1", {"x"}, "r15"))->repeated);
  Fill(3);
  auto replayed = ledger_->Replay(other_dir_.path(), kIm1);
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_EQ((*replayed)[0].records, 300u);
}

TEST_F(SnapshotTest, AHalfLoadedPartitionIsEmpty) {
  ASSERT_TRUE(Open().ok());
  Fill(30);
  ASSERT_TRUE(ledger_->WriteSnapshot(kIm1, path()).ok());
  const std::string digest = Digest();
  TempDir fresh;
  options_.data_dir = fresh.path();
  ASSERT_TRUE(Open(false).ok());
  ledger_.reset();
  {
    // What a process that dies in the middle of a load leaves behind.
    auto store = Store::Open(fresh.path() + "/ledger", Store::Mode::kReadWrite);
    auto folder = OpenFolder(TempDir().path(), Store::Mode::kReadWrite, {{"im", 4}}, {});
    auto writer = SnapshotWriter::Create(path() + ".broken");
    (*writer)->Bytes(kSnapshotMagic);
    (*writer)->U32(kSnapshotVersion);
    (*writer)->Text("im/1");
    for (uint64_t value : {7, 1'000'000, 8}) (*writer)->U64(value);
    (*writer)->U8(1);
    (*writer)->Text("key");
    (*writer)->Text(
        std::string(5 << 20, 'v'));  // beyond what one write takes: it is in the store when the end is missed
    ASSERT_TRUE((*writer)->Finish().ok());
    EXPECT_EQ(ReasonOf(LoadPartition(**store, *(*folder)->partitions[1], path() + ".broken", Loading::kWhole).status()),
              "DAMAGED_SNAPSHOT");
    EXPECT_TRUE(*(*store)->Get(Table::kState, StateKey(1, "key")));
  }
  ASSERT_TRUE(Open(false).ok());
  EXPECT_EQ(ledger_->Info(kIm1)->head, 0u);
  ASSERT_TRUE(ledger_->LoadSnapshot(kIm1, path()).ok());
  ASSERT_TRUE(ledger_->Start().ok());
  EXPECT_EQ(Digest(), digest);
}

TEST_F(SnapshotTest, EveryFlippedBitAndEveryMissingByteIsNoticed) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Do(*ledger_, Add(kIm1, "a", {"x", "y"})).ok());
  ASSERT_TRUE(ledger_->WriteSnapshot(kIm1, path()).ok());
  const std::string whole = ReadAll(path());
  TempDir fresh;
  options_.data_dir = fresh.path();
  ASSERT_TRUE(Open(false).ok());
  auto load = [&](const std::string& bytes) {
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << bytes;
    return ledger_->LoadSnapshot(kIm1, path());
  };
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1 << (i % 8));
    absl::Status status = load(changed);
    EXPECT_EQ(ReasonOf(status), "DAMAGED_SNAPSHOT") << i;
    EXPECT_NE(std::string(status.message()).find(path()), std::string::npos);
    EXPECT_EQ(ReasonOf(load(whole.substr(0, i))), "DAMAGED_SNAPSHOT") << i;
  }
  EXPECT_EQ(ledger_->LoadSnapshot(kIm1, path() + ".none").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(load(whole).ok());
}

}  // namespace
}  // namespace yizhan::ledger
