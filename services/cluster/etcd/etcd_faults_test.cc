// What becomes of calls and watches when etcd's members die, stand still or lose each other.
#include <atomic>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/status.h"
#include "cluster/etcd/etcd_kv.h"
#include "cluster/etcd/etcd_test_bed.h"

namespace yizhan::cluster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kTimeout = absl::Seconds(2);

std::unique_ptr<EtcdKv> ConnectTo(std::vector<std::string> endpoints) {
  EtcdOptions options;
  options.endpoints = std::move(endpoints);
  return MustConnect(std::move(options));
}

std::vector<std::string> Ascending(int from, int to) {
  std::vector<std::string> numbers;
  for (int i = from; i < to; ++i) numbers.push_back(absl::StrCat(i));
  return numbers;
}

// Counts in one key the way the ledger commits: compare with what is there. After an error the same transaction is sent
// again until there is an answer: should the first one have happened, or happen even now, the comparison fails.
class Counter {
 public:
  Counter(Kv& kv, std::string key) : kv_(kv), key_(std::move(key)) {}

  void Next() {
    const std::string value = absl::StrCat(count_);
    for (bool failed = false;;) {
      Txn txn;
      txn.compares = {{Compare::Kind::kModRevision, key_, revision_}};
      txn.then = {Op::Put(key_, value)};
      txn.otherwise = {Op::Get(key_)};
      auto result = Transact(kv_, txn, kTimeout);
      if (!result.ok()) {
        EXPECT_TRUE(absl::IsUnavailable(result.status())) << result.status();
        last_error_ = result.status();
        failed |= ReasonOf(result.status()) == "ETCD_UNKNOWN";
        continue;
      }
      revision_ = result->revision;
      if (!result->succeeded) {
        EXPECT_TRUE(failed) << "it was sent twice, or somebody else counts";
        ASSERT_EQ(result->gets[0].size(), 1u);
        EXPECT_EQ(result->gets[0][0].value, value);
        revision_ = result->gets[0][0].mod_revision;
      }
      ++count_;
      return;
    }
  }

  int count() const { return count_; }
  const absl::Status& last_error() const { return last_error_; }

 private:
  Kv& kv_;
  const std::string key_;
  int count_ = 0;
  int64_t revision_ = 0;
  absl::Status last_error_;
};

class EtcdFaultsTest : public ::testing::Test {
 protected:
  EtcdFaultsTest() : servers_(MustStart({.size = 3})) {
    // The member under test comes first.
    leader_ = servers_->Leader();
    follower_ = (leader_ + 1) % 3;
    other_ = (leader_ + 2) % 3;
  }

  std::unique_ptr<EtcdKv> Preferring(int server) const {
    const std::vector<std::string> all = servers_->endpoints();
    return ConnectTo({all[server], all[(server + 1) % 3], all[(server + 2) % 3]});
  }

  // How long the counter stands still when `fault` happens.
  absl::Duration GapOf(Counter& counter, const std::function<void()>& fault) {
    for (int i = 0; i < 20; ++i) counter.Next();
    fault();
    const absl::Time begin = absl::Now();
    counter.Next();
    const absl::Duration gap = absl::Now() - begin;
    std::cerr << "gap: " << gap << "; last error: " << counter.last_error() << "\n";
    for (int i = 0; i < 20; ++i) counter.Next();
    return gap;
  }

  const std::unique_ptr<EtcdServers> servers_;
  int leader_, follower_, other_;
};

TEST_F(EtcdFaultsTest, CommitsGoOnWhenTheFollowerInUseIsKilled) {
  auto kv = Preferring(follower_);
  Counter counter(*kv, "n");
  EXPECT_LT(GapOf(counter, [&] { servers_->Kill(follower_); }), absl::Seconds(2));
}

TEST_F(EtcdFaultsTest, CommitsGoOnWhenTheLeaderInUseIsKilled) {
  auto kv = Preferring(leader_);
  Counter counter(*kv, "n");
  EXPECT_LT(GapOf(counter, [&] { servers_->Kill(leader_); }), absl::Seconds(6));
}

TEST_F(EtcdFaultsTest, CommitsGoOnWhenTheFollowerInUseStandsStill) {
  auto kv = Preferring(follower_);
  Counter counter(*kv, "n");
  EXPECT_LT(GapOf(counter, [&] { servers_->Stop(follower_); }), absl::Seconds(4));
  // It had left, though gRPC knows no peer of it: not "nothing happened".
  EXPECT_EQ(ReasonOf(counter.last_error()), "ETCD_UNKNOWN") << counter.last_error();
}

TEST_F(EtcdFaultsTest, CommitsGoOnWhenTheLeaderStandsStill) {
  auto kv = Preferring(leader_);
  Counter counter(*kv, "n");
  EXPECT_LT(GapOf(counter, [&] { servers_->Stop(leader_); }), absl::Seconds(6));
  EXPECT_EQ(ReasonOf(counter.last_error()), "ETCD_UNKNOWN") << counter.last_error();
  // And when it wakes up, what it still held does no harm.
  servers_->Cont(leader_);
  ASSERT_TRUE(Eventually([&] { return kv->Health()[0].ok; }));
  for (int i = 0; i < 20; ++i) counter.Next();
}

TEST_F(EtcdFaultsTest, WatchLosesNothingAndDoublesNothingWhileMembersDie) {
  auto kv = Preferring(0);
  auto writer = Preferring(1);
  Events events;
  auto watch = kv->StartWatch("n", "", 1, events.Callbacks());
  std::atomic<bool> stop = false;
  int counted = 0;
  std::thread writing([&] {
    Counter counter(*writer, "n");
    while (!stop) {
      counter.Next();
      absl::SleepFor(absl::Milliseconds(1));
    }
    counted = counter.count();
  });
  for (int victim : {0, 1, 0}) {
    ASSERT_TRUE(events.WaitFor(events.all().size() + 50));
    servers_->Kill(victim);
    ASSERT_TRUE(events.WaitFor(events.all().size() + 50));
    ASSERT_TRUE(servers_->Restart(victim).ok());
    ASSERT_TRUE(servers_->WaitHealthy(victim).ok());
  }
  // One that stands still breaks no connection: the watch has to leave by itself.
  ASSERT_TRUE(Eventually([&] { return kv->Health()[0].preferred; }));
  ASSERT_TRUE(events.WaitFor(events.all().size() + 50));
  servers_->Stop(0);
  ASSERT_TRUE(events.WaitFor(events.all().size() + 50));
  servers_->Cont(0);
  ASSERT_TRUE(events.WaitFor(events.all().size() + 50));
  stop = true;
  writing.join();
  ASSERT_TRUE(events.WaitFor(counted));
  EXPECT_EQ(events.values(), Ascending(0, counted));
  EXPECT_TRUE(events.ended().ok()) << events.ended();
}

TEST_F(EtcdFaultsTest, WithoutQuorumCallsFailInTimeAndGoOnByThemselves) {
  auto kv = Preferring(leader_);
  auto first = Put(*kv, "q", "1");
  ASSERT_TRUE(first.ok()) << first.status();
  auto lease = GrantLease(*kv, absl::Seconds(60));
  ASSERT_TRUE(lease.ok()) << lease.status();
  Events events;
  auto watch = kv->StartWatch("q", "", *first, events.Callbacks());
  ASSERT_TRUE(events.WaitFor(1));
  servers_->Kill(follower_);
  servers_->Kill(other_);
  // The first may have been taken by a leader that does not know yet; soon all are refused outright.
  absl::Status refused;
  ASSERT_TRUE(Eventually([&] {
    const absl::Time begin = absl::Now();
    refused = Put(*kv, "q", "lost?", 0, absl::Seconds(1)).status();
    EXPECT_LT(absl::Now() - begin, absl::Milliseconds(1500));
    EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
    return ReasonOf(refused) == "ETCD_UNAVAILABLE";
  }));
  EXPECT_GT(RetryAfterMs(refused), 0);
  EXPECT_TRUE(absl::IsUnavailable(Get(*kv, {"q", "", 0}, absl::Seconds(1)).status()));
  EXPECT_TRUE(absl::IsUnavailable(RenewLease(*kv, *lease, absl::Seconds(1)).status()));
  EXPECT_TRUE(absl::IsUnavailable(GrantLease(*kv, absl::Seconds(60), absl::Seconds(1)).status()));
  EXPECT_FALSE(kv->Health()[0].ok);
  EXPECT_FALSE(kv->Health()[0].last_error.ok());

  ASSERT_TRUE(servers_->Restart(follower_).ok());
  ASSERT_TRUE(servers_->Restart(other_).ok());
  ASSERT_TRUE(Eventually([&] { return Put(*kv, "q", "2", 0, absl::Seconds(1)).ok(); }));
  EXPECT_TRUE(RenewLease(*kv, *lease).ok());
  ASSERT_TRUE(events.WaitUntil([&] { return events.values().back() == "2"; }));
  EXPECT_TRUE(events.ended().ok()) << events.ended();
}

TEST_F(EtcdFaultsTest, LeaseIsRenewedThroughAnotherMember) {
  auto kv = Preferring(follower_);
  auto lease = GrantLease(*kv, absl::Seconds(30));
  ASSERT_TRUE(lease.ok()) << lease.status();
  servers_->Stop(follower_);
  const absl::Time begin = absl::Now();
  auto left = RenewLease(*kv, *lease, absl::Seconds(5));
  EXPECT_TRUE(left.ok()) << left.status();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3));
  servers_->Kill(follower_);
  EXPECT_TRUE(RenewLease(*kv, *lease, absl::Seconds(5)).ok());
}

// The client cannot tell a member that has lost its peers from one whose peers are dead, so another cluster stands for
// the rest of the healthy one.
TEST_F(EtcdFaultsTest, MemberWithoutPeersIsLeft) {
  auto rest = MustStart({});
  auto kv = ConnectTo({servers_->endpoints()[leader_], rest->endpoints()[0]});
  auto rest_kv = ConnectTo(rest->endpoints());
  ASSERT_TRUE(Put(*kv, "a", "there").ok());
  ASSERT_THAT(Get(*rest_kv, {"a", "", 0})->kvs, IsEmpty());
  Events events;
  auto watch = kv->StartWatch("w", "", 1, events.Callbacks());
  servers_->Kill(follower_);
  servers_->Kill(other_);
  const absl::Time begin = absl::Now();
  ASSERT_TRUE(Eventually([&] { return Put(*kv, "a", "here", 0, kTimeout).ok(); }));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
  EXPECT_EQ(Get(*rest_kv, {"a", "", 0})->kvs[0].value, "here");
  // The watch has followed.
  ASSERT_TRUE(Put(*rest_kv, "w", "here").ok());
  EXPECT_TRUE(events.WaitFor(1, absl::Seconds(5)));
  // Who comes later finds it leaderless, and is not held up at all.
  auto late = ConnectTo({servers_->endpoints()[leader_], rest->endpoints()[0]});
  const absl::Time late_begin = absl::Now();
  absl::Status put = Put(*late, "a", "late", 0, kTimeout).status();
  EXPECT_TRUE(put.ok()) << put;
  EXPECT_LT(absl::Now() - late_begin, absl::Seconds(1));
}

TEST(EtcdEndpointsTest, WhatNeverLeftIsSentElsewhereAtOnce) {
  auto servers = MustStart({});
  auto gone = MustStart({});
  const std::string nobody = gone->endpoints()[0];
  gone.reset();
  auto kv = ConnectTo({nobody, servers->endpoints()[0]});
  const absl::Time begin = absl::Now();
  auto put = Put(*kv, "a", "1", 0, kTimeout);
  EXPECT_TRUE(put.ok()) << put.status();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(1));
  EXPECT_THAT(std::string(kv->Health()[0].last_error.message()), HasSubstr(nobody));
  EXPECT_EQ(ReasonOf(kv->Health()[0].last_error), "ETCD_UNAVAILABLE");

  auto lonely = ConnectTo({nobody});
  absl::Status refused = Put(*lonely, "a", "1", 0, absl::Milliseconds(300)).status();
  EXPECT_EQ(ReasonOf(refused), "ETCD_UNAVAILABLE") << refused;
}

// The connection breaks while a transaction is under way: nobody may send it again.
TEST(EtcdEndpointsTest, WhatHadLeftIsNotSentAgain) {
  auto servers = MustStart({});
  auto other = MustStart({});
  auto kv = ConnectTo({servers->endpoints()[0], other->endpoints()[0]});
  ASSERT_TRUE(Put(*kv, "a", "1").ok());
  servers->Stop(0);
  absl::Notification ended;
  absl::Status why;
  Txn txn;
  txn.then = {Op::Put("a", "2")};
  kv->Transact(txn, absl::Seconds(10), [&](absl::StatusOr<TxnResult> result) {
    why = result.status();
    ended.Notify();
  });
  servers->Kill(0);
  ended.WaitForNotification();
  EXPECT_EQ(ReasonOf(why), "ETCD_UNKNOWN") << why;
  EXPECT_THAT(std::string(why.message()), HasSubstr("may or may not"));
  EXPECT_THAT(Get(*kv, {"a", "", 0})->kvs, IsEmpty());  // of the other one
}

TEST(EtcdEndpointsTest, SilentMemberIsLeftWithoutAnybodyAsking) {
  auto servers = MustStart({});
  auto other = MustStart({});
  auto kv = ConnectTo({servers->endpoints()[0], other->endpoints()[0]});
  auto other_kv = ConnectTo(other->endpoints());
  Events events;
  auto watch = kv->StartWatch("w", "", 1, events.Callbacks());
  ASSERT_TRUE(Put(*kv, "w", "1").ok());
  ASSERT_TRUE(events.WaitFor(1));
  servers->Stop(0);
  // Revisions of the other one have to get beyond what the watch has seen.
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Put(*other_kv, "w", "2").ok());
  EXPECT_TRUE(events.WaitFor(2, absl::Seconds(5)));
  servers->Cont(0);
  EXPECT_TRUE(Eventually([&] { return kv->Health()[0].ok; }));
}

}  // namespace
}  // namespace yizhan::cluster
