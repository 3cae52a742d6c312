// The Kv against real etcd servers.
#include "cluster/etcd/etcd_kv.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/status.h"
#include "cluster/etcd/etcd_test_bed.h"

namespace yizhan::cluster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// One server for all that harms none; each test below a prefix of its own.
class EtcdKvTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { servers_ = MustStart({}).release(); }
  static void TearDownTestSuite() {
    delete servers_;
    servers_ = nullptr;
  }

  EtcdKvTest() {
    EtcdOptions options;
    options.endpoints = servers_->endpoints();
    options.prefix = absl::StrCat(::testing::UnitTest::GetInstance()->current_test_info()->name(), "/");
    kv_ = MustConnect(std::move(options));
  }

  static EtcdServers* servers_;
  std::unique_ptr<EtcdKv> kv_;
};

EtcdServers* EtcdKvTest::servers_ = nullptr;

TEST_F(EtcdKvTest, TransactionTakesTheBranchOfItsCompares) {
  Txn create;
  create.compares = {{Compare::Kind::kModRevision, "a", 0}};
  create.then = {Op::Put("a", "1"), Op::Get("a"), Op::Put("b", "2")};
  create.otherwise = {Op::Get("a"), Op::Get("", std::string(1, '\0'))};
  auto first = Transact(*kv_, create);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(first->succeeded);
  ASSERT_EQ(first->gets.size(), 1u);
  ASSERT_EQ(first->gets[0].size(), 1u);
  EXPECT_EQ(first->gets[0][0].key, "a");
  EXPECT_EQ(first->gets[0][0].value, "1");
  EXPECT_EQ(first->gets[0][0].mod_revision, first->revision);
  EXPECT_EQ(first->gets[0][0].create_revision, first->revision);

  auto second = Transact(*kv_, create);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE(second->succeeded);
  EXPECT_EQ(second->revision, first->revision);
  ASSERT_EQ(second->gets.size(), 2u);
  EXPECT_THAT(Keys(second->gets[0]), ElementsAre("a"));
  EXPECT_THAT(Keys(second->gets[1]), ElementsAre("a", "b"));

  Txn change;
  change.compares = {{Compare::Kind::kModRevision, "a", first->revision}, {Compare::Kind::kExists, "b", 0}};
  change.then = {Op::Put("a", "3"), Op::Delete("b", PrefixEnd("b")), Op::Get("b")};
  auto third = Transact(*kv_, change);
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_TRUE(third->succeeded);
  EXPECT_GT(third->revision, first->revision);
  EXPECT_THAT(third->gets, ElementsAre(IsEmpty()));

  // "b" is gone, so the same does nothing.
  change.compares = {{Compare::Kind::kExists, "b", 0}};
  auto fourth = Transact(*kv_, change);
  ASSERT_TRUE(fourth.ok()) << fourth.status();
  EXPECT_FALSE(fourth->succeeded);
  EXPECT_THAT(fourth->gets, IsEmpty());
}

TEST_F(EtcdKvTest, GetsRangesAndLimits) {
  for (const char* key : {"k/1", "k/2", "k/3", "l"}) ASSERT_TRUE(Put(*kv_, key, "v").ok());
  auto all = Get(*kv_, {"k/", PrefixEnd("k/"), 0});
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_THAT(Keys(all->kvs), ElementsAre("k/1", "k/2", "k/3"));
  EXPECT_FALSE(all->more);
  auto two = Get(*kv_, {"k/", PrefixEnd("k/"), 2});
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_THAT(Keys(two->kvs), ElementsAre("k/1", "k/2"));
  EXPECT_TRUE(two->more);
  EXPECT_GE(two->revision, two->kvs[1].mod_revision);
  auto none = Get(*kv_, {"k", "", 0});
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_THAT(none->kvs, IsEmpty());
}

TEST_F(EtcdKvTest, PrefixesDoNotSeeEachOther) {
  EtcdOptions options;
  options.endpoints = servers_->endpoints();
  options.prefix = "PrefixesDoNotSeeEachOther0";  // directly behind the other one, "...Other/"
  auto neighbour = MustConnect(options);
  options.prefix.clear();
  auto whole = MustConnect(options);
  Events seen, seen_by_neighbour;
  auto watch = kv_->StartWatch("", std::string(1, '\0'), 1, seen.Callbacks());
  auto neighbours_watch = neighbour->StartWatch("", std::string(1, '\0'), 1, seen_by_neighbour.Callbacks());
  ASSERT_TRUE(Put(*kv_, "a", "mine").ok());
  ASSERT_TRUE(Put(*neighbour, "a", "theirs").ok());
  ASSERT_TRUE(Put(*kv_, "\xff", "mine").ok());
  const Range everything = {"", std::string(1, '\0'), 0};
  EXPECT_THAT(Keys(Get(*kv_, everything)->kvs), ElementsAre("a", "\xff"));
  EXPECT_THAT(Keys(Get(*neighbour, everything)->kvs), ElementsAre("a"));
  EXPECT_EQ(Get(*neighbour, {"a", "", 0})->kvs[0].value, "theirs");
  EXPECT_EQ(Get(*whole, {"PrefixesDoNotSeeEachOther/a", "", 0})->kvs[0].value, "mine");
  EXPECT_GE(Get(*whole, everything)->kvs.size(), 3u);
  ASSERT_TRUE(seen.WaitFor(2));
  ASSERT_TRUE(seen_by_neighbour.WaitFor(1));
  EXPECT_THAT(seen.keys(), ElementsAre("a", "\xff"));
  EXPECT_THAT(seen_by_neighbour.keys(), ElementsAre("a"));

  Txn wipe;
  wipe.then = {Op::Delete("", std::string(1, '\0'))};
  ASSERT_TRUE(Transact(*kv_, wipe).ok());
  EXPECT_THAT(Get(*kv_, everything)->kvs, IsEmpty());
  EXPECT_THAT(Keys(Get(*neighbour, everything)->kvs), ElementsAre("a"));
}

TEST_F(EtcdKvTest, LeaseTakesItsKeysWithIt) {
  auto lease = GrantLease(*kv_, absl::Seconds(1));
  ASSERT_TRUE(lease.ok()) << lease.status();
  auto put = Put(*kv_, "leased", "v", *lease);
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_EQ(Get(*kv_, {"leased", "", 0})->kvs[0].lease, *lease);
  auto left = RenewLease(*kv_, *lease);
  ASSERT_TRUE(left.ok()) << left.status();
  EXPECT_GE(*left, absl::Seconds(1));
  Events events;
  auto watch = kv_->StartWatch("leased", "", *put, events.Callbacks());
  ASSERT_TRUE(events.WaitFor(2));
  const auto seen = events.all();
  EXPECT_EQ(seen[0].kind, Event::Kind::kPut);
  EXPECT_EQ(seen[0].kv.lease, *lease);
  EXPECT_EQ(seen[1].kind, Event::Kind::kDelete);
  EXPECT_EQ(seen[1].kv.key, "leased");
  EXPECT_GT(seen[1].kv.mod_revision, *put);

  const absl::Status renewed = RenewLease(*kv_, *lease).status();
  EXPECT_TRUE(absl::IsNotFound(renewed)) << renewed;
  EXPECT_EQ(ReasonOf(renewed), "ETCD_LEASE_ENDED");
  const absl::Status late = Put(*kv_, "leased", "v", *lease).status();
  EXPECT_TRUE(absl::IsNotFound(late)) << late;
  EXPECT_TRUE(RevokeLease(*kv_, *lease).ok());
}

TEST_F(EtcdKvTest, RevokedLeaseIsGoneAtOnce) {
  auto lease = GrantLease(*kv_, absl::Seconds(60));
  ASSERT_TRUE(lease.ok()) << lease.status();
  ASSERT_TRUE(Put(*kv_, "leased", "v", *lease).ok());
  ASSERT_TRUE(RevokeLease(*kv_, *lease).ok());
  EXPECT_THAT(Get(*kv_, {"leased", "", 0})->kvs, IsEmpty());
}

TEST_F(EtcdKvTest, WatchBringsWholeRevisionsFromWhereItWasAsked) {
  auto before = Put(*kv_, "w/0", "before");
  ASSERT_TRUE(before.ok());
  Txn both;
  both.then = {Op::Put("w/1", "1"), Op::Put("w/2", "2"), Op::Put("x", "of nobody's interest"), Op::Delete("w/0")};
  auto written = Transact(*kv_, both);
  ASSERT_TRUE(written.ok());
  Events events, now;
  auto watch = kv_->StartWatch("w/", PrefixEnd("w/"), *before + 1, events.Callbacks());
  ASSERT_TRUE(events.WaitFor(3));
  EXPECT_THAT(events.batches(), ElementsAre(3));
  EXPECT_THAT(events.revisions(), ElementsAre(written->revision));
  EXPECT_THAT(events.keys(), ElementsAre("w/1", "w/2", "w/0"));

  // From revision 0: what comes from now on.
  auto from_now = kv_->StartWatch("w/", PrefixEnd("w/"), 0, now.Callbacks());
  while (!now.WaitFor(1, absl::Milliseconds(50))) ASSERT_TRUE(Put(*kv_, "w/3", "3").ok());
  EXPECT_EQ(now.keys()[0], "w/3");

  watch.reset();
  const size_t seen = events.all().size();
  ASSERT_TRUE(Put(*kv_, "w/4", "4").ok());
  ASSERT_TRUE(now.WaitUntil([&] { return now.keys().back() == "w/4"; }));
  EXPECT_EQ(events.all().size(), seen);
}

// A catch-up of more than a message may hold comes in fragments, which cut revisions in two.
TEST_F(EtcdKvTest, WatchCatchesUpOverMoreThanAMessage) {
  const std::string mebi(1 << 20, 'm');
  std::vector<int64_t> revisions;
  for (int i = 0; i < 24; ++i) {
    Txn txn;
    for (int j = 0; j < 5; ++j) txn.then.push_back(Op::Put(absl::StrCat("big/", j), mebi));
    auto written = Transact(*kv_, txn);
    ASSERT_TRUE(written.ok()) << written.status();
    revisions.push_back(written->revision);
  }
  Events events;
  auto watch = kv_->StartWatch("big/", PrefixEnd("big/"), revisions[0], events.Callbacks());
  ASSERT_TRUE(events.WaitFor(24 * 5));
  std::vector<int64_t> seen;
  for (const Event& event : events.all()) seen.push_back(event.kv.mod_revision);
  std::vector<int64_t> expected;
  for (int64_t revision : revisions) expected.insert(expected.end(), 5, revision);
  EXPECT_EQ(seen, expected);
  for (int batch : events.batches()) EXPECT_EQ(batch % 5, 0);
  EXPECT_TRUE(events.ended().ok());
}

TEST_F(EtcdKvTest, WatchOfWhatIsCompactedEnds) {
  auto first = Put(*kv_, "c", "1");
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(Put(*kv_, "c", "2").ok());
  auto last = Put(*kv_, "c", "3");
  ASSERT_TRUE(last.ok());
  ASSERT_TRUE(Compact(*kv_, *last).ok());
  EXPECT_TRUE(Compact(*kv_, *last).ok());
  EXPECT_FALSE(Compact(*kv_, *last + 1000).ok());
  Events compacted, fine;
  auto watch = kv_->StartWatch("c", "", *first, compacted.Callbacks());
  auto good = kv_->StartWatch("c", "", *last, fine.Callbacks());
  ASSERT_TRUE(compacted.WaitUntil([&] { return !compacted.ended().ok(); }));
  EXPECT_TRUE(absl::IsOutOfRange(compacted.ended())) << compacted.ended();
  EXPECT_EQ(ReasonOf(compacted.ended()), "ETCD_COMPACTED");
  EXPECT_THAT(compacted.all(), IsEmpty());
  ASSERT_TRUE(fine.WaitFor(1));
  EXPECT_EQ(fine.all()[0].kv.value, "3");
}

TEST_F(EtcdKvTest, RefusesWhatIsTooLargeOrWrong) {
  absl::Status large = Put(*kv_, "a", std::string(9 << 20, 'x')).status();
  EXPECT_EQ(ReasonOf(large), "ETCD_TOO_LARGE") << large;
  Txn twice;
  twice.then = {Op::Put("a", "1"), Op::Put("a", "2")};
  absl::Status wrong = Transact(*kv_, twice).status();
  EXPECT_EQ(ReasonOf(wrong), "ETCD_INVALID") << wrong;
  EXPECT_THAT(std::string(wrong.message()), HasSubstr(servers_->endpoints()[0]));
  Txn many;
  for (int i = 0; i < 1025; ++i) many.then.push_back(Op::Put(absl::StrCat("k", i), "v"));
  absl::Status too_many = Transact(*kv_, many).status();
  EXPECT_EQ(ReasonOf(too_many), "ETCD_TOO_LARGE") << too_many;
}

TEST_F(EtcdKvTest, BoundsWhatIsInFlight) {
  EtcdOptions options;
  options.endpoints = servers_->endpoints();
  options.max_calls = 2;
  auto kv = MustConnect(options);
  servers_->Stop(0);
  std::atomic<int> busy = 0, unknown = 0;
  absl::Notification all[4];
  for (auto& one : all) {
    Txn txn;
    txn.then = {Op::Put("bound", "v")};
    kv->Transact(txn, absl::Milliseconds(500), [&](absl::StatusOr<TxnResult> result) {
      if (ReasonOf(result.status()) == "ETCD_BUSY") ++busy;
      if (absl::IsUnavailable(result.status())) ++unknown;
      one.Notify();
    });
  }
  for (auto& one : all) one.WaitForNotification();
  servers_->Cont(0);
  EXPECT_EQ(busy, 2);
  EXPECT_EQ(unknown, 2);
  ASSERT_TRUE(Eventually([&] { return Put(*kv, "bound", "v").ok(); }));
}

TEST_F(EtcdKvTest, DestroyingEndsCallsAndSilencesWatches) {
  EtcdOptions options;
  options.endpoints = servers_->endpoints();
  auto kv = MustConnect(options);
  ASSERT_TRUE(Put(*kv, "d", "1").ok());
  Events events;
  auto watch = kv->StartWatch("d", "", 1, events.Callbacks());
  servers_->Stop(0);
  std::atomic<int> ended = 0;
  for (int i = 0; i < 10; ++i) {
    kv->Get({"d", "", 0}, absl::Seconds(30), [&](absl::StatusOr<RangeResult> result) {
      if (absl::IsCancelled(result.status())) ++ended;
    });
  }
  kv.reset();
  EXPECT_EQ(ended, 10);
  servers_->Cont(0);
  EXPECT_TRUE(events.ended().ok());
}

TEST_F(EtcdKvTest, ReportsHealth) {
  ASSERT_TRUE(Eventually([&] { return !kv_->Health()[0].version.empty(); }));
  const EndpointHealth health = kv_->Health()[0];
  EXPECT_EQ(health.address, servers_->endpoints()[0]);
  EXPECT_TRUE(health.ok);
  EXPECT_TRUE(health.preferred);
  EXPECT_TRUE(health.leader);
  EXPECT_GT(health.db_size, 0);
  EXPECT_GT(health.round_trip, absl::ZeroDuration());
}

TEST(EtcdOptionsTest, WrongOnesAreNamed) {
  EtcdOptions options;
  EXPECT_EQ(ReasonOf(ConnectEtcd(options).status()), "ETCD_OPTIONS");
  options.endpoints = {"http://127.0.0.1:2379"};
  EXPECT_THAT(std::string(ConnectEtcd(options).status().message()), HasSubstr("`http://127.0.0.1:2379`"));
  options.endpoints = {"127.0.0.1:2379"};
  options.ca_file = "/nowhere/ca.pem";
  EXPECT_THAT(std::string(ConnectEtcd(options).status().message()), HasSubstr("/nowhere/ca.pem"));
  options.ca_file.clear();
  options.user = "root";
  EXPECT_THAT(std::string(ConnectEtcd(options).status().message()), HasSubstr("password"));
}

}  // namespace
}  // namespace yizhan::cluster
