#include "admin/backup/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "admin/backup/restore.h"
#include "admin/backup/schedule.h"
#include "base/objects/object_store.h"
#include "base/status.h"
#include "ledger/testing/counters.h"

namespace yizhan::admin {
namespace {

namespace fs = std::filesystem;
using ledger::Ledger;
using ledger::PartitionId;
using ledger::testing::Add;
using ledger::testing::Counters;
using ledger::testing::Do;
using ledger::testing::TempDir;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const PartitionId kIm0{"im", 0}, kIm1{"im", 1}, kAudit{"audit", 0};

// A ledger with two services, as this library sees an installation.
struct Installation {
  explicit Installation(const std::string& dir, bool replicated = false) : data_dir(dir) {
    ledger::Options options;
    options.data_dir = dir;
    options.partitions = {{"im", 2}, {"audit", 1}};
    options.replicated = replicated;
    auto opened = Ledger::Open(options);
    EXPECT_TRUE(opened.ok()) << opened.status();
    ledger = *std::move(opened);
    ledger->Register(&im);
    ledger->Register(&audit);
    EXPECT_TRUE(ledger->Start().ok());
  }
  ~Installation() { ledger->Stop(); }

  void Write(const PartitionId& partition, int count, size_t bytes = 20) {
    for (int i = 0; i < count; ++i) {
      auto outcome = Do(*ledger, Add(partition, "k", {std::string(bytes, 'x')}));
      ASSERT_TRUE(outcome.ok()) << outcome.status();
    }
  }

  std::string data_dir;
  Counters im{"im"}, audit{"audit"};
  std::unique_ptr<Ledger> ledger;
};

class BackupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    data_ = dir_.path() + "/data";
    fs::create_directories(data_ + "/keys");
    std::ofstream(data_ + "/keys/installation.key") << "the installation's key";
    std::ofstream(data_ + "/keys/archive.key") << "the archive's key";
    here_ = std::make_unique<Installation>(data_);
    records_ = Open("records");
    keys_ = Open("keys");
  }

  std::unique_ptr<objects::ObjectStore> Open(const std::string& name) {
    objects::StoreOptions options;
    options.place = absl::StrCat(dir_.path(), "/", name);
    auto store = objects::OpenObjectStore(options);
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }

  BackupStores stores() const { return {records_.get(), keys_.get()}; }

  absl::StatusOr<BackupManifest> Back(Installation& installation, BackupProgress progress = {}) {
    BackupSource source{installation.ledger.get(),
                        installation.data_dir,
                        "1.0",
                        [this] { return archive_key_; },
                        [] { return std::string("a note"); },
                        [](const PartitionId&) -> uint64_t { return 0; },
                        catch_up_};
    return RunBackup(source, stores(), {identity_.recipient()}, progress);
  }

  // Into a fresh ledger in `name`.
  absl::StatusOr<Heads> Restore(const BackupManifest& manifest, Installation& into, RestorePoint until = {}) {
    const std::vector<age::Identity> identities{identity_};
    Restoration restoration{stores(), identities, &manifest, until, {}, {}};
    YZ_RETURN_IF_ERROR(RestoreKeys(restoration, into.data_dir));
    return RestoreRecords(restoration, *into.ledger);
  }
  std::unique_ptr<Installation> Fresh(const std::string& name) {
    fs::create_directories(dir_.path() + "/" + name);
    return std::make_unique<Installation>(dir_.path() + "/" + name, true);
  }

  void ExpectSame(Installation& a, Installation& b) {
    for (const PartitionId& id : {kIm0, kIm1, kAudit}) {
      auto of_a = a.ledger->ReadRaw(id, 1, 256 << 20), of_b = b.ledger->ReadRaw(id, 1, 256 << 20);
      ASSERT_TRUE(of_a.ok() && of_b.ok());
      ASSERT_EQ(of_a->size(), of_b->size()) << id.ToString();
      for (size_t i = 0; i < of_a->size(); ++i) ASSERT_EQ((*of_a)[i].bytes, (*of_b)[i].bytes);
      EXPECT_EQ(a.ledger->StateDigest(id)->hex, b.ledger->StateDigest(id)->hex) << id.ToString();
    }
  }

  static const BackupPartition& Partition(const BackupManifest& manifest, const std::string& name) {
    for (const auto& partition : manifest.partitions())
      if (partition.partition() == name) return partition;
    ADD_FAILURE() << "no " << name;
    return manifest.partitions(0);
  }

  static std::string Read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  TempDir dir_;
  std::string data_, archive_key_ = "bank.example/archive+1+key";
  age::Identity identity_ = age::Identity::Generate();
  absl::Duration catch_up_ = absl::Milliseconds(50);
  std::unique_ptr<Installation> here_;
  std::unique_ptr<objects::ObjectStore> records_, keys_;
};

TEST_F(BackupTest, EverythingComesBackByteForByte) {
  here_->Write(kIm0, 300);
  here_->Write(kIm1, 5);
  here_->Write(kAudit, 20);
  auto manifest = Back(*here_);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->number(), 1u);
  EXPECT_EQ(manifest->checkpoint(), "a note");
  EXPECT_EQ(RecordsIn(*manifest), 325u);

  auto there = Fresh("there");
  auto heads = Restore(*manifest, *there);
  ASSERT_TRUE(heads.ok()) << heads.status();
  EXPECT_EQ(heads->at(kIm0), 300u);
  ExpectSame(*here_, *there);
  EXPECT_EQ(Read(there->data_dir + "/keys/installation.key"), "the installation's key");
  EXPECT_EQ(Read(there->data_dir + "/keys/archive.key"), "the archive's key");
}

TEST_F(BackupTest, NothingReadableLiesThere) {
  auto outcome = Do(*here_->ledger, Add(kIm0, "secretword", {"secretword"}));
  ASSERT_TRUE(outcome.ok());
  ASSERT_TRUE(Back(*here_).ok());
  for (const auto& file : fs::recursive_directory_iterator(dir_.path())) {
    if (!file.is_regular_file() || file.path().string().find(data_) == 0) continue;
    EXPECT_EQ(Read(file.path()).find("secretword"), std::string::npos) << file.path();
    EXPECT_EQ(Read(file.path()).find("installation's"), std::string::npos) << file.path();
  }
}

TEST_F(BackupTest, KeysLieApartFromWhatTheyOpen) {
  here_->Write(kIm0, 1);
  auto manifest = Back(*here_);
  ASSERT_TRUE(manifest.ok());
  EXPECT_TRUE(keys_->Get(manifest->keys().name()).ok());
  EXPECT_TRUE(absl::IsNotFound(records_->Get(manifest->keys().name()).status()));
  EXPECT_EQ(&stores().For("keyring/0"), keys_.get());
  EXPECT_EQ(&stores().For("im/0"), records_.get());
}

TEST_F(BackupTest, ARunPutsWhatIsNew) {
  here_->Write(kIm0, 100, 50'000);
  ASSERT_TRUE(Back(*here_).ok());
  here_->Write(kIm0, 2);
  auto manifest = Back(*here_);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->number(), 2u);
  const auto& partition = Partition(*manifest, "im/0");
  ASSERT_THAT(partition.segments(), SizeIs(2));  // 5 MB are left alone for two small records
  EXPECT_EQ(partition.segments(1).first_seq(), 101u);
  EXPECT_EQ(partition.segments(1).last_seq(), 102u);
  auto nothing = Back(*here_);
  ASSERT_TRUE(nothing.ok());
  EXPECT_EQ(Partition(*nothing, "im/0").SerializeAsString(), partition.SerializeAsString());

  auto there = Fresh("there");
  ASSERT_TRUE(Restore(*nothing, *there).ok());
  ExpectSame(*here_, *there);
}

TEST_F(BackupTest, ManySmallRunsLeaveFewSegments) {
  absl::StatusOr<BackupManifest> manifest;
  for (int run = 0; run < 40; ++run) {
    here_->Write(kIm0, 3);
    manifest = Back(*here_);
    ASSERT_TRUE(manifest.ok()) << manifest.status();
  }
  EXPECT_LE(Partition(*manifest, "im/0").segments_size(), 8);
  // The last ten manifests, and nothing that only older ones named.
  EXPECT_THAT(*ListManifests(*records_), SizeIs(10));
  EXPECT_LE(records_->List("records/")->size(), 80u);
  EXPECT_THAT(*keys_->List("keys/"), SizeIs(10));
  const std::vector<uint64_t> numbers = *ListManifests(*records_);
  for (const uint64_t number : numbers) {
    auto old = ReadManifest(*records_, number);
    ASSERT_TRUE(old.ok());
    auto there = Fresh(absl::StrCat("there", number));
    auto heads = Restore(*old, *there);
    ASSERT_TRUE(heads.ok()) << heads.status();
    EXPECT_EQ(heads->at(kIm0), 3 * number);
  }
}

TEST_F(BackupTest, LargePartitionsAreCutIntoSegments) {
  here_->Write(kIm0, 90, 500'000);  // 45 MB
  auto manifest = Back(*here_);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_GE(Partition(*manifest, "im/0").segments_size(), 3);
  auto there = Fresh("there");
  ASSERT_TRUE(Restore(*manifest, *there).ok());
  ExpectSame(*here_, *there);
}

TEST_F(BackupTest, RestoresUpToARecord) {
  here_->Write(kIm0, 10);
  here_->Write(kIm1, 10);
  here_->Write(kIm0, 10);
  here_->Write(kAudit, 10);
  auto manifest = Back(*here_);
  ASSERT_TRUE(manifest.ok());
  auto point = RestorePoint::Parse("im/1@4");
  ASSERT_TRUE(point.ok());
  auto there = Fresh("there");
  auto heads = Restore(*manifest, *there, *point);
  ASSERT_TRUE(heads.ok()) << heads.status();
  EXPECT_EQ(heads->at(kIm1), 4u);
  EXPECT_EQ(heads->at(kIm0), 10u);  // what was decided before it
  EXPECT_EQ(heads->at(kAudit), 0u);

  auto beyond = Fresh("beyond");
  auto status = Restore(*manifest, *beyond, *RestorePoint::Parse("im/1@11")).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("up to record 10, and not 11"));
}

TEST_F(BackupTest, RestoresUpToATime) {
  here_->Write(kIm0, 10);
  const int64_t then = here_->ledger->Info(kIm0)->head_time_us;
  here_->Write(kIm0, 10);
  here_->Write(kIm1, 1);
  auto manifest = Back(*here_);
  ASSERT_TRUE(manifest.ok());
  auto there = Fresh("there");
  RestorePoint point;
  point.time_us = then;
  auto heads = Restore(*manifest, *there, point);
  ASSERT_TRUE(heads.ok()) << heads.status();
  EXPECT_EQ(heads->at(kIm0), 10u);
  EXPECT_EQ(heads->at(kIm1), 0u);
}

TEST_F(BackupTest, PointsThatAreNone) {
  for (const char* text : {"", "im/1", "im/1@", "im/1@0", "im@4", "yesterday", "2026-11-30"})
    EXPECT_TRUE(absl::IsInvalidArgument(RestorePoint::Parse(text).status())) << text;
  EXPECT_EQ(RestorePoint::Parse("1970-01-01T08:00:01+08:00")->time_us, 1'000'000);
}

TEST_F(BackupTest, DamageIsFoundAndNamed) {
  here_->Write(kIm0, 10);
  auto manifest = Back(*here_);
  ASSERT_TRUE(manifest.ok());
  const std::string name = Partition(*manifest, "im/0").segments(0).object().name();
  std::string bytes = *records_->Get(name);
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(records_->Put(name, bytes).ok());
  auto there = Fresh("there");
  auto status = Restore(*manifest, *there).status();
  EXPECT_EQ(ReasonOf(status), "DAMAGED_BACKUP") << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(name));
  ASSERT_TRUE(records_->Delete(name).ok());
  auto again = Fresh("again");
  status = Restore(*manifest, *again).status();
  EXPECT_EQ(ReasonOf(status), "DAMAGED_BACKUP") << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("is gone"));
}

TEST_F(BackupTest, WhatIsGoneIsPutAgain) {
  here_->Write(kIm0, 100, 50'000);
  ASSERT_TRUE(Back(*here_).ok());
  here_->Write(kIm0, 2);
  auto manifest = Back(*here_);
  ASSERT_TRUE(manifest.ok());
  ASSERT_TRUE(records_->Delete(Partition(*manifest, "im/0").segments(0).object().name()).ok());
  manifest = Back(*here_);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  auto there = Fresh("there");
  ASSERT_TRUE(Restore(*manifest, *there).ok());
  ExpectSame(*here_, *there);
}

TEST_F(BackupTest, OnlyItsOwnersOpenIt) {
  here_->Write(kIm0, 1);
  auto manifest = Back(*here_);
  ASSERT_TRUE(manifest.ok());
  identity_ = age::Identity::Generate();
  auto there = Fresh("there");
  EXPECT_TRUE(absl::IsPermissionDenied(Restore(*manifest, *there).status()));
}

TEST_F(BackupTest, AKeyThatIsThereStays) {
  here_->Write(kIm0, 1);
  auto manifest = Back(*here_);
  ASSERT_TRUE(manifest.ok());
  auto there = Fresh("there");
  fs::create_directories(there->data_dir + "/keys");
  std::ofstream(there->data_dir + "/keys/installation.key") << "another";
  EXPECT_TRUE(absl::IsAlreadyExists(Restore(*manifest, *there).status()));
  EXPECT_EQ(Read(there->data_dir + "/keys/installation.key"), "another");
}

TEST_F(BackupTest, OnePlaceIsForOneInstallation) {
  here_->Write(kIm0, 2);
  ASSERT_TRUE(Back(*here_).ok());
  archive_key_ = "other.example/archive+1+key";
  EXPECT_EQ(ReasonOf(Back(*here_).status()), "BACKUP_OF_ANOTHER");
}

TEST_F(BackupTest, ALedgerThatIsBehindItsBackupIsRefused) {
  here_->Write(kIm0, 5);
  auto early = Back(*here_);
  ASSERT_TRUE(early.ok());
  here_->Write(kIm0, 5);
  auto late = Back(*here_);
  ASSERT_TRUE(late.ok());
  auto there = Fresh("there");
  ASSERT_TRUE(Restore(*early, *there).ok());
  auto status = Back(*there).status();
  EXPECT_EQ(ReasonOf(status), "BACKUP_AHEAD") << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("has only 5"));
}

// A machine whose turn has come may not yet have all that the one before it had.
TEST_F(BackupTest, AFollowerCatchesUpWithItsBackupFirst) {
  here_->Write(kIm0, 5);
  auto early = Back(*here_);
  ASSERT_TRUE(early.ok());
  here_->Write(kIm0, 5);
  ASSERT_TRUE(Back(*here_).ok());
  auto there = Fresh("there");
  ASSERT_TRUE(Restore(*early, *there).ok());
  catch_up_ = absl::Seconds(20);
  std::thread follows([&] {
    absl::SleepFor(absl::Milliseconds(100));
    ledger::Arrived rest{kIm0, 6, {}};
    auto records = here_->ledger->ReadRaw(kIm0, 6, 1 << 20);
    ASSERT_TRUE(records.ok());
    for (auto& record : *records) rest.records.push_back(std::move(record.bytes));
    there->ledger->Ingest({std::move(rest)}, [](absl::Status status) { EXPECT_TRUE(status.ok()) << status; });
  });
  auto manifest = Back(*there);
  follows.join();
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(Partition(*manifest, "im/0").head(), 10u);
}

TEST_F(BackupTest, AStoppedRunLeavesNoManifestAndTheNextGoesOn) {
  here_->Write(kIm0, 50);
  BackupProgress progress;
  progress.stop = [] { return true; };
  EXPECT_TRUE(absl::IsCancelled(Back(*here_, progress).status()));
  EXPECT_EQ(ReasonOf(ReadLatestManifest(*records_).status()), "NO_BACKUP");
  uint64_t left = 1;
  progress.stop = nullptr;
  progress.on_progress = [&](uint64_t records) { left = records; };
  ASSERT_TRUE(Back(*here_, progress).ok());
  EXPECT_EQ(left, 0u);
}

TEST_F(BackupTest, ManifestsThatDoNotAddUp) {
  here_->Write(kIm0, 2);
  auto manifest = Back(*here_);
  ASSERT_TRUE(manifest.ok());
  manifest->set_number(2);
  manifest->set_format_version(kBackupFormat + 1);
  ASSERT_TRUE(WriteManifest(*records_, *manifest).ok());
  EXPECT_EQ(ReasonOf(ReadManifest(*records_, 2).status()), "NEWER_FORMAT");
  manifest->set_format_version(kBackupFormat);
  for (auto& partition : *manifest->mutable_partitions())
    if (partition.partition() == "im/0") partition.mutable_segments(0)->set_first_seq(2);
  ASSERT_TRUE(WriteManifest(*records_, *manifest).ok());
  EXPECT_EQ(ReasonOf(ReadManifest(*records_, 2).status()), "DAMAGED_BACKUP");
  ASSERT_TRUE(records_->Put(ManifestName(2), "{").ok());
  EXPECT_EQ(ReasonOf(ReadManifest(*records_, 2).status()), "DAMAGED_BACKUP");
  EXPECT_TRUE(absl::IsNotFound(ReadManifest(*records_, 3).status()));
}

TEST_F(BackupTest, SegmentNames) {
  EXPECT_EQ(SegmentName("im/3", 1, 940), "records/im-3/0000000000000001-00000000000003ac.age");
}

TEST_F(BackupTest, TheScheduleBacksUpAtOnceAndWhenAsked) {
  here_->Write(kIm0, 2);
  BackupOptions options;
  options.to.place = dir_.path() + "/scheduled";
  options.recipients = {identity_.recipient().ToString()};
  bool turn = true;
  auto schedule = BackupSchedule::Make(options,
                                       {here_->ledger.get(), data_, "1.0", [this] { return archive_key_; },
                                        [] { return std::string(); }, [](const PartitionId&) -> uint64_t { return 0; }},
                                       [&turn] { return turn; });
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  (*schedule)->Start();
  const auto wait = [&](uint64_t number) {
    for (int i = 0; i < 1'000 && (*schedule)->state().last_number() < number; ++i)
      absl::SleepFor(absl::Milliseconds(10));
    return (*schedule)->state();
  };
  EXPECT_EQ(wait(1).records(), 2u);
  here_->Write(kIm0, 3);
  ASSERT_TRUE((*schedule)->RunNow().ok());
  EXPECT_EQ(wait(2).records(), 5u);
  EXPECT_EQ((*schedule)->health().state(), yizhan::admin::v1::ComponentHealth::STATE_OK);

  archive_key_ = "other.example/archive+1+key";
  ASSERT_TRUE((*schedule)->RunNow().ok());
  for (int i = 0; i < 1'000 && (*schedule)->state().problem().empty(); ++i) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_EQ((*schedule)->health().state(), yizhan::admin::v1::ComponentHealth::STATE_DEGRADED);
  EXPECT_THAT((*schedule)->health().message(), HasSubstr("another installation"));
  (*schedule)->Stop();
}

}  // namespace
}  // namespace yizhan::admin
