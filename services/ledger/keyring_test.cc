#include "ledger/keyring.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <set>

#include "absl/strings/escaping.h"
#include "base/status.h"
#include "ledger/seal.h"
#include "ledger/testing/counters.h"
#include "ledger/testing/replicas.h"

namespace yizhan::ledger {
namespace {
using testing::Counters;
using testing::OptionsFor;
using testing::TempDir;

constexpr int64_t kDay = 86'400'000'000;
constexpr int64_t kNoon = 1'767'225'600'000'000 + kDay / 2;  // 2026-01-01 12:00 UTC

class KeyringTest : public ::testing::Test {
 protected:
  absl::Status Open() {
    keyring_.reset();
    ledger_.reset();
    YZ_ASSIGN_OR_RETURN(ledger_, Ledger::Open(OptionsFor(dir_)));
    ledger_->Register(&machine_);
    YZ_ASSIGN_OR_RETURN(keyring_, Keyring::Open(ledger_.get(), dir_.path()));
    return ledger_->Start();
  }
  absl::StatusOr<DataKeyPtr> Ensure(std::string_view scope, int64_t time_us) {
    std::promise<absl::StatusOr<DataKeyPtr>> promise;
    keyring_->Ensure(scope, time_us, [&](absl::StatusOr<DataKeyPtr> key) { promise.set_value(std::move(key)); });
    return promise.get_future().get();
  }
  absl::Status Destroy(std::string_view key_id) {
    std::promise<absl::Status> promise;
    keyring_->Destroy(key_id, [&](absl::Status status) { promise.set_value(std::move(status)); });
    return promise.get_future().get();
  }
  std::string path() const { return dir_.path() + "/keys/installation.key"; }

  TempDir dir_;
  Counters machine_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Keyring> keyring_;
};

TEST_F(KeyringTest, SealsAndOpensAcrossARestart) {
  ASSERT_TRUE(Open().ok());
  auto key = Ensure("conv-1", kNoon);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ((*key)->key_id, "conv-1@20260101");
  EXPECT_EQ(*Ensure("conv-1", kNoon + kDay / 2 - 1), *key) << "the same day";
  EXPECT_EQ((*Ensure("conv-1", kNoon + kDay / 2))->key_id, "conv-1@20260102");
  EXPECT_NE((*Ensure("conv-2", kNoon))->key, (*key)->key);
  EXPECT_EQ((*Ensure("conv-1", -1))->key_id, "conv-1@19691231");
  EXPECT_EQ((*Ensure("conv-1", 1'709'164'800'000'000))->key_id, "conv-1@20240229");

  const auto sealed = Seal(**key, "你好");
  EXPECT_EQ(sealed.ciphertext().find("你好"), std::string::npos);
  EXPECT_EQ(sealed.ciphertext().size(), 16 + 6 + 16u);
  EXPECT_EQ(*keyring_->Open(sealed), "你好");
  std::string salt;
  EXPECT_EQ(*OpenWith(**key, sealed, &salt), "你好");
  const auto commitment = Sha256({std::string("\x03") + salt + "你好"});
  EXPECT_EQ(sealed.commitment(), std::string(commitment.begin(), commitment.end()));
  EXPECT_NE(Seal(**key, "你好").ciphertext(), sealed.ciphertext());

  const auto derived = keyring_->Derive("archive-salt");
  EXPECT_NE(derived, keyring_->Derive("search-index"));
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(*keyring_->Open(sealed), "你好");
  EXPECT_EQ(keyring_->Derive("archive-salt"), derived);
  EXPECT_EQ((*keyring_->Find("conv-1@20260101"))->key_id, "conv-1@20260101");
  EXPECT_EQ(keyring_->Find("conv-1@20260103").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Ensure("", kNoon).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(KeyringTest, EveryChangedBitIsNoticed) {
  ASSERT_TRUE(Open().ok());
  DataKeyPtr key = *Ensure("c", kNoon);
  const auto sealed = Seal(*key, "content");
  for (auto field : {&yizhan::common::v1::Sealed::mutable_nonce, &yizhan::common::v1::Sealed::mutable_ciphertext,
                     &yizhan::common::v1::Sealed::mutable_commitment}) {
    auto probe = sealed;
    const size_t size = (probe.*field)()->size();
    for (size_t i = 0; i < size; ++i) {
      auto changed = sealed;
      (*(changed.*field)())[i] ^= 1;
      EXPECT_EQ(keyring_->Open(changed).status().code(), absl::StatusCode::kDataLoss);
    }
  }
  auto shorter = sealed;
  shorter.mutable_ciphertext()->resize(8);
  EXPECT_EQ(keyring_->Open(shorter).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(OpenWith(**Ensure("d", kNoon), sealed).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(KeyringTest, ManyAskersOfANewKeyGetOne) {
  ASSERT_TRUE(Open().ok());
  std::promise<void> all;
  std::atomic<int> left{100};
  std::mutex mutex;
  std::set<Key256> keys;
  for (int i = 0; i < 100; ++i) {
    keyring_->Ensure("c", kNoon, [&](absl::StatusOr<DataKeyPtr> key) {
      std::lock_guard lock(mutex);
      keys.insert((*key)->key);
      if (--left == 0) all.set_value();
    });
  }
  all.get_future().wait();
  EXPECT_EQ(keys.size(), 1u);
  EXPECT_EQ(ledger_->Info({"keyring", 0})->head, 1u);
}

TEST_F(KeyringTest, ADestroyedKeyIsGone) {
  ASSERT_TRUE(Open().ok());
  const auto sealed = Seal(**Ensure("c", kNoon), "content");
  EXPECT_EQ(Destroy("c@20260109").code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(Destroy("c@20260101").ok());
  ASSERT_TRUE(Destroy("c@20260101").ok());
  EXPECT_EQ(keyring_->Open(sealed).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(Ensure("c", kNoon).status()), "KEY_DESTROYED");
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(keyring_->Open(sealed).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(KeyringTest, RefusesALostOrWrongOrOpenInstallationKey) {
  ASSERT_TRUE(Open().ok());
  struct stat info;
  ASSERT_EQ(stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_TRUE(Ensure("c", kNoon).ok());
  ASSERT_EQ(chmod(path().c_str(), 0640), 0);
  EXPECT_EQ(Open().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_EQ(chmod(path().c_str(), 0600), 0);
  ASSERT_TRUE(Open().ok());
  std::filesystem::rename(path(), path() + ".away");
  EXPECT_EQ(ReasonOf(Open()), "KEY_LOST");
  EXPECT_FALSE(std::filesystem::exists(path())) << "never a fresh key over an old ledger";
  std::ofstream(path()) << std::string(32, 'k');
  ASSERT_EQ(chmod(path().c_str(), 0600), 0);
  EXPECT_EQ(ReasonOf(Open()), "KEY_LOST");
  std::ofstream(path()) << "short";
  EXPECT_EQ(Open().code(), absl::StatusCode::kFailedPrecondition);
  std::filesystem::rename(path() + ".away", path());
  EXPECT_TRUE(Open().ok());
}

const PartitionId kKeyring{"keyring", 0};

// Two machines with one installation key; the first owns the keyring.
class ReplicatedKeyringTest : public ::testing::Test {
 protected:
  struct Machine : testing::Node {
    absl::Status Start() {
      absl::Status status = Open();
      if (!status.ok()) return status;
      auto opened = Keyring::Open(ledger.get(), dir.path());
      if (!opened.ok()) return opened.status();
      keyring = *std::move(opened);
      return ledger->Start();
    }
    void InstallKey(std::string bytes) const {
      std::filesystem::create_directory(dir.path() + "/keys");
      const std::string path = dir.path() + "/keys/installation.key";
      std::ofstream(path) << bytes;
      ASSERT_EQ(chmod(path.c_str(), 0600), 0);
    }
    absl::StatusOr<DataKeyPtr> Ensure(std::string_view scope) const {
      std::promise<absl::StatusOr<DataKeyPtr>> promise;
      keyring->Ensure(scope, kNoon, [&](absl::StatusOr<DataKeyPtr> key) { promise.set_value(std::move(key)); });
      return promise.get_future().get();
    }
    absl::Status EnsureById(std::string_view key_id) const {
      return testing::Wait([&](auto done) { keyring->EnsureById(key_id, std::move(done)); });
    }
    std::unique_ptr<Keyring> keyring;
  };
  void Start() {
    for (Machine* machine : {&a_, &b_}) {
      machine->InstallKey(std::string(32, 'k'));
      ASSERT_TRUE(machine->Start().ok());
    }
    a_.committer.followers = {b_.ledger.get()};
    ASSERT_TRUE(testing::Own(*a_.ledger, kKeyring, true).ok());
  }
  void TearDown() override {
    if (a_.ledger) a_.ledger->Stop();
  }
  // As a cluster does: the owner makes it, then it arrives.
  void AskTheOther() {
    b_.keyring->SetRemote([this](std::string key_id, absl::AnyInvocable<void(absl::Status)> done) {
      ++asked_;
      a_.keyring->EnsureById(key_id, [this, done = std::move(done)](absl::Status made) mutable {
        b_.ledger->Ingest({}, [made, done = std::move(done)](absl::Status) mutable { done(made); });
      });
    });
  }
  Machine a_, b_;
  std::atomic<int> asked_{0};
};

TEST_F(ReplicatedKeyringTest, AReplicaNeverMakesAnInstallationKey) {
  const absl::Status refused = a_.Start();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(refused), "KEY_LOST");
  EXPECT_NE(refused.message().find("copy keys/installation.key from another machine"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(a_.dir.path() + "/keys/installation.key"));
}

TEST_F(ReplicatedKeyringTest, AsksTheOwnerForAKeyAndAnswersFromHere) {
  Start();
  EXPECT_EQ(NotOwnedPartition(b_.Ensure("c").status()), kKeyring) << "nobody to ask";
  EXPECT_EQ(NotOwnedPartition(b_.EnsureById("c@20260101")), kKeyring);
  AskTheOther();
  auto key = b_.Ensure("c");
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ((*key)->key_id, "c@20260101");
  EXPECT_EQ((*key)->key, (*a_.Ensure("c"))->key);
  EXPECT_EQ(*b_.Ensure("c"), *key) << "kept";
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(a_.ledger->Info(kKeyring)->head, 1u);
  EXPECT_TRUE(a_.EnsureById("c@20260101").ok()) << "there already";
  EXPECT_TRUE(b_.Ensure("made-there").ok());
  EXPECT_EQ(*a_.keyring->Open(Seal(**b_.Ensure("made-there"), "content")), "content");
  for (std::string_view wrong : {"", "c", "@20260101", "c@2026010", "c@2026010x"})
    EXPECT_EQ(a_.EnsureById(wrong).code(), absl::StatusCode::kInvalidArgument) << wrong;
  EXPECT_EQ(a_.EnsureById(std::string(201, 'c') + "@20260101").code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ReplicatedKeyringTest, WhatTheOwnerCannotSayIsNotAnswered) {
  Start();
  b_.keyring->SetRemote(
      [](std::string, absl::AnyInvocable<void(absl::Status)> done) { done(absl::DeadlineExceededError("no answer")); });
  EXPECT_EQ(b_.Ensure("c").status().code(), absl::StatusCode::kDeadlineExceeded);
  b_.keyring->SetRemote([](std::string, absl::AnyInvocable<void(absl::Status)> done) { done(absl::OkStatus()); });
  EXPECT_EQ(ReasonOf(b_.Ensure("c").status()), "NOT_HERE_YET");
  AskTheOther();
  EXPECT_TRUE(b_.Ensure("c").ok()) << "asked again each time";
}

TEST_F(ReplicatedKeyringTest, AKeyThatIsDestroyedElsewhereIsLetGoHere) {
  Start();
  AskTheOther();
  const auto sealed = Seal(**b_.Ensure("c"), "content");
  EXPECT_EQ(*b_.keyring->Open(sealed), "content");
  ASSERT_TRUE(testing::Wait([&](auto done) { a_.keyring->Destroy("c@20260101", std::move(done)); }).ok());
  ASSERT_TRUE(testing::Ingest(*b_.ledger).ok());
  EXPECT_EQ(b_.keyring->Open(sealed).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(b_.Ensure("c").status()), "KEY_DESTROYED");
  // It takes the keyring over, and knows.
  ASSERT_TRUE(testing::Own(*a_.ledger, kKeyring, false).ok());
  ASSERT_TRUE(testing::Own(*b_.ledger, kKeyring, true).ok());
  EXPECT_EQ(ReasonOf(b_.Ensure("c").status()), "KEY_DESTROYED");
  EXPECT_TRUE(b_.Ensure("d").ok());
}

TEST(Seal, MatchesPublishedVectors) {
  // McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16.
  Key256 key;
  const std::string bytes = absl::HexStringToBytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  std::copy(bytes.begin(), bytes.end(), key.begin());
  const std::string nonce = absl::HexStringToBytes("cafebabefacedbaddecaf888");
  const std::string additional = absl::HexStringToBytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const std::string plain = absl::HexStringToBytes(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
      "ba637b39");
  const std::string sealed = AesGcmSeal(key, nonce, additional, plain);
  EXPECT_EQ(absl::BytesToHexString(sealed),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393"
            "ba7a0abcc9f662"
            "76fc6ece0f4e1768cddf8853bb2d551b");
  EXPECT_EQ(*AesGcmOpen(key, nonce, additional, sealed), plain);
}

TEST(Hkdf, IsHkdf) {
  // The first 32 bytes of RFC 5869's test case 1 need a 22-byte key; this value was made with openssl kdf (HKDF,
  // SHA256).
  Key256 key;
  key.fill(0x0b);
  const auto out = Hkdf(key, "salt", "info");
  EXPECT_EQ(absl::BytesToHexString(std::string(out.begin(), out.end())),
            "20818451610896c07e77bc9ea5f06a4db922b2c726adda1af6c0a779dfe0446a");
}

}  // namespace
}  // namespace yizhan::ledger
