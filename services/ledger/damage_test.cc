// One bit flipped, or a file cut short, anywhere in the ledger's folder: noticed and named, or without effect. Never a
// silent loss, never a crash.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/status.h"
#include "ledger/core.h"
#include "ledger/log_scan.h"
#include "ledger/padded_logs.h"
#include "ledger/testing/counters.h"
#include "rocksdb/db.h"

namespace yizhan::ledger {
namespace {
namespace fs = std::filesystem;
using testing::Add;
using testing::Counters;
using testing::Do;
using testing::OptionsFor;
using testing::TempDir;

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void WriteAll(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// Everything that a ledger holds, as one text; or why it cannot be had.
absl::StatusOr<std::string> Everything(const std::string& dir) {
  YZ_ASSIGN_OR_RETURN(auto folder, OpenFolder(dir, Store::Mode::kReadWrite, {{"im", 4}}, {}));
  YZ_RETURN_IF_ERROR(folder->store->VerifyChecksums());
  std::string all;
  for (const auto& partition : folder->partitions) {
    const uint64_t head = partition->head.load();
    YZ_ASSIGN_OR_RETURN(std::string digest, DigestState(*folder->store, partition->number, nullptr));
    absl::StrAppend(&all, partition->name, " ", head, " ", digest, "\n");
    for (uint64_t next = 1; next <= head;) {
      YZ_ASSIGN_OR_RETURN(auto records, ReadRawRecords(*folder->store, *partition, next, head, 1 << 20));
      for (const auto& record : records) absl::StrAppend(&all, record.bytes);
      next = records.back().seq + 1;
    }
  }
  return all;
}

class DamageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log::SetLevel(log::Level::kError);
    Counters machine;
    Options options = OptionsFor(whole_);
    options.hooks.write_buffer_bytes = 256 << 10;
    auto ledger = testing::OpenAndStart(options, &machine);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    // Enough for table files of several levels and a log with several blocks that is in use.
    for (int i = 0; i < 80; ++i) {
      std::vector<std::string> values(100, absl::StrCat("a value that is not very short ", i));
      ASSERT_TRUE(
          Do(**ledger, Add({"im", static_cast<uint32_t>(i) % 4}, absl::StrCat("key ", i), values, absl::StrCat("r", i)))
              .ok());
    }
    ledger->reset();
    for (const auto& file : fs::directory_iterator(folder(whole_)))
      files_[file.path().filename().string()] = ReadAll(file.path().string());
    expected_ = *Everything(Copy());
  }

  static std::string folder(const TempDir& dir) { return dir.path() + "/ledger"; }
  std::string Copy() {
    fs::remove_all(folder(trial_));
    fs::create_directories(folder(trial_));
    for (const auto& [name, bytes] : files_) WriteAll(folder(trial_) + "/" + name, bytes);
    return trial_.path();
  }
  static bool Holds(const std::string& name) {
    return name.ends_with(".sst") || name.ends_with(".log") || name.starts_with("MANIFEST-");
  }
  // The folder with this file changed so: what came of it. Counts in noticed_ and harmless_.
  void Try(const std::string& name, const std::string& bytes, const std::string& what) {
    Copy();
    WriteAll(folder(trial_) + "/" + name, bytes);
    auto all = Everything(trial_.path());
    if (all.ok()) {
      ++harmless_;
      EXPECT_EQ(*all == expected_, true) << what << " of " << name << " was not noticed";
      return;
    }
    ++noticed_;
    EXPECT_EQ(ReasonOf(all.status()), "DAMAGED_STORE") << what << " of " << name << ": " << all.status();
    if (Holds(name)) {
      EXPECT_TRUE(absl::StrContains(all.status().message(), name)) << what << " of " << name << ": " << all.status();
    }
  }

  TempDir whole_, trial_;
  std::map<std::string, std::string> files_;
  std::string expected_;
  int noticed_ = 0, harmless_ = 0;
};

TEST_F(DamageTest, EveryFlippedBitIsNoticedOrHarmless) {
  const uint64_t seed = std::random_device()();
  std::mt19937_64 random(seed);
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  int kinds[3] = {};
  for (const auto& [name, bytes] : files_) {
    if (bytes.empty()) continue;
    const int trials = Holds(name) ? 12 : 2;
    kinds[0] += name.ends_with(".sst");
    kinds[1] += name.ends_with(".log");
    kinds[2] += name.starts_with("MANIFEST-");
    for (int i = 0; i < trials; ++i) {
      // Every other one near the end, where logs forgive most.
      const size_t at = i % 2 == 0 || bytes.size() < 200 ? random() % bytes.size() : bytes.size() - 1 - random() % 200;
      std::string changed = bytes;
      const int bit = static_cast<int>(random() % 8);
      changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
      Try(name, changed, absl::StrCat("bit ", bit, " of byte ", at, " of ", bytes.size()));
    }
  }
  EXPECT_GT(kinds[0], 1);
  EXPECT_GT(kinds[1], 0);
  EXPECT_EQ(kinds[2], 1);
  EXPECT_GT(noticed_, harmless_);
}

TEST_F(DamageTest, EveryByteOfTheLastCommitsEntryIsGuarded) {
  // The end of the log that is in use: a flip in its length makes RocksDB take it for an end that was being written.
  std::string log;
  for (const auto& [name, bytes] : files_) {
    if (name.ends_with(".log") && !bytes.empty()) log = name;
  }
  ASSERT_FALSE(log.empty());
  const std::string& bytes = files_[log];
  for (size_t back = 1; back <= 40; ++back) {
    std::string changed = bytes;
    changed[bytes.size() - back * 37 % bytes.size()] ^= 0x10;
    Try(log, changed, "a bit");
  }
  EXPECT_EQ(harmless_, 0);
}

TEST_F(DamageTest, AShortenedFileIsNoticed) {
  std::mt19937_64 random(7);
  for (const auto& [name, bytes] : files_) {
    if (!Holds(name) || bytes.size() < 100) continue;
    for (int i = 0; i < 3; ++i) Try(name, bytes.substr(0, random() % bytes.size()), "the beginning");
  }
  EXPECT_GT(noticed_, 0);
}

TEST_F(DamageTest, AnEndThatWasBeingWrittenIsDropped) {
  // A batch that was not acknowledged: the mark does not know it.
  std::string log;
  for (const auto& [name, bytes] : files_) {
    if (name.ends_with(".log") && !bytes.empty()) log = name;
  }
  const std::string torn = files_[log] + std::string("\x01\x02\x03\x04\x40\x00\x01 half of an entry", 24);
  Copy();
  WriteAll(folder(trial_) + "/" + log, torn);
  auto all = Everything(trial_.path());
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(*all == expected_, true);
}

// A log as a killed process leaves it, and as a power failure may: pages written in any order.
class PaddingTest : public DamageTest {
 protected:
  void SetUp() override {
    DamageTest::SetUp();
    TempDir killed;
    Counters machine;
    auto ledger = testing::OpenAndStart(OptionsFor(killed), &machine);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    for (int i = 0; i < 40; ++i) {
      std::vector<std::string> values(100, absl::StrCat("a value that is not very short ", i));
      ASSERT_TRUE(Do(**ledger, Add({"im", static_cast<uint32_t>(i) % 4}, "key", values, absl::StrCat("r", i))).ok());
    }
    files_.clear();
    for (const auto& file : fs::directory_iterator(folder(killed)))
      files_[file.path().filename().string()] = ReadAll(file.path().string());
    for (const auto& [name, bytes] : files_) {
      if (name.ends_with(".log") && bytes.size() > files_[log_].size()) log_ = name;
    }
    const auto scan = ScanLog(folder(killed) + "/" + log_);
    ASSERT_TRUE(scan.ok() && !scan->damage) << scan.status();
    entries_ = scan->end;
    ASSERT_GT(entries_, 100'000u);
    ASSERT_GT(scan->size, entries_) << "there is no padding";
    expected_ = *Everything(Copy());
  }
  // The folder with this log.
  std::string With(const std::string& bytes) {
    Copy();
    WriteAll(folder(trial_) + "/" + log_, bytes);
    return trial_.path();
  }

  std::string log_;
  uint64_t entries_ = 0;
};

TEST_F(PaddingTest, WhatAKillLeavesBehindTheLastEntryIsNoDamage) {
  const std::string bytes = files_[log_];
  for (size_t size : {entries_, entries_ + 1, entries_ + 100, bytes.size() - 1}) {
    auto all = Everything(With(bytes.substr(0, size)));
    ASSERT_TRUE(all.ok()) << size << ": " << all.status();
    EXPECT_TRUE(*all == expected_) << size;
  }
  // Opened for reading only, and looked at while another process holds it.
  With(bytes);
  {
    auto store = Store::Open(folder(trial_), Store::Mode::kReadOnly);
    ASSERT_TRUE(store.ok()) << store.status();
    const auto size = fs::file_size(folder(trial_) + "/" + log_);
    EXPECT_EQ(size, entries_);
    WriteAll(folder(trial_) + "/" + log_, bytes);
    EXPECT_EQ(ReasonOf(Store::Open(folder(trial_), Store::Mode::kReadWrite).status()), "FOLDER_IN_USE");
    EXPECT_EQ(fs::file_size(folder(trial_) + "/" + log_), bytes.size()) << "another's log was shortened";
  }
  EXPECT_TRUE(*Everything(trial_.path()) == expected_);
}

TEST_F(PaddingTest, WhatStandsBehindAPageThatWasNotWrittenIsNotTaken) {
  constexpr size_t kPage = 4'096;
  for (size_t page : {size_t{1}, size_t{7}, size_t{12}, entries_ / kPage - 1}) {
    std::string bytes = files_[log_];
    bytes.replace(page * kPage, kPage, std::string(kPage, kLogPadding));
    // The mark says that it had been written.
    auto all = Everything(With(bytes));
    EXPECT_EQ(ReasonOf(all.status()), "DAMAGED_STORE") << page << ": " << all.status();
    EXPECT_EQ(ReadAll(folder(trial_) + "/" + log_) == bytes, true) << "it was changed";
    // It does not: what is before the page, and nothing of what is behind it.
    fs::remove(folder(trial_) + "/SYNCED");
    auto kept = Everything(trial_.path());
    ASSERT_TRUE(kept.ok()) << page << ": " << kept.status();
    const std::string whole = *std::move(kept);
    auto shorter = With(files_[log_].substr(0, page * kPage));
    fs::remove(folder(trial_) + "/SYNCED");
    EXPECT_TRUE(whole == *Everything(shorter)) << page;
    EXPECT_FALSE(whole == expected_) << page;
  }
}

TEST_F(DamageTest, AMissingFileIsNoticed) {
  for (const auto& [name, bytes] : files_) {
    if (!Holds(name) || bytes.empty()) continue;
    Copy();
    fs::remove(folder(trial_) + "/" + name);
    auto all = Everything(trial_.path());
    EXPECT_FALSE(all.ok()) << name;
  }
}

TEST(LogScan, KnowsTheChecksum) {
  EXPECT_EQ(Crc32c(0, "123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(0, std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(Crc32c(Crc32c(0, "1234"), "56789"), 0xe3069283u);
}

}  // namespace
}  // namespace yizhan::ledger
