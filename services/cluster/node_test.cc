// How a machine comes into a cluster, and which may not: founding, joining, and what is refused. On a simulated store.
#include "cluster/node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/status.h"
#include "cluster/keys.h"
#include "cluster/testing/sim_kv.h"
#include "cluster/testing/sim_replica.h"
#include "cluster/testing/sim_world.h"
#include "yizhan/cluster/v1/store.pb.h"

namespace yizhan::cluster::testing {
namespace {

using ::testing::HasSubstr;

// A machine with `records` records in each of its partitions.
struct Machine {
  Machine(SimWorld* world, SimStore* store, std::string name, int partitions, int records, bool found)
      : loop(world, life, 1.0), link(std::make_shared<SimLink>()), kv(world, store, link) {
    for (int i = 0; i < partitions; ++i) {
      auto& partition = disk.partitions[absl::StrCat("im/", i)];
      for (int r = 1; r <= records; ++r) partition.records.push_back(absl::StrCat(name, " ", i, " ", r));
    }
    SimReplica::Hooks hooks;
    hooks.on_record = [](const std::string&, uint64_t, const std::string&) {};
    hooks.on_own = [](const std::string&, bool) {};
    hooks.commit = [](std::vector<CommitEntry>, CommitLog::Done) {};
    replica = std::make_unique<SimReplica>(world, &loop, &disk, std::move(hooks));
    NodeOptions options;
    options.node = name;
    options.address = name;
    options.found = found;
    node = std::make_unique<Node>(
        options, Node::Dependencies{&loop, &kv, replica.get(), &peers, [world] { return world->Bits(); }});
  }

  void Start(std::string folder_id) {
    loop.Post([this, folder_id] {
      node->Start(folder_id, [this](absl::StatusOr<std::string> id) { joined = std::move(id); });
    });
  }
  std::string Reason() const { return joined ? ReasonOf(joined->status()) : "nothing said"; }

  struct NoPeers : Peers {
    void Fetch(const std::string&, const std::string&, uint64_t,
               absl::AnyInvocable<void(absl::StatusOr<std::vector<std::string>>)> done) override {
      done(absl::UnavailableError("nobody"));
    }
  };
  std::shared_ptr<SimProcess> life = std::make_shared<SimProcess>();
  SimLoop loop;
  std::shared_ptr<SimLink> link;
  SimKv kv;
  SimDisk disk;
  NoPeers peers;
  std::unique_ptr<SimReplica> replica;
  std::unique_ptr<Node> node;
  std::optional<absl::StatusOr<std::string>> joined;
};

class NodeTest : public ::testing::Test {
 protected:
  void SetUp() override { log::SetLevel(log::Level::kOff); }

  Machine& Make(const std::string& name, int partitions, int records, bool found) {
    return *machines_.emplace_back(std::make_unique<Machine>(&world_, &store_, name, partitions, records, found));
  }
  void Run(absl::Duration time) { world_.Run(world_.now() + time); }
  uint64_t HeadOf(const std::string& partition) {
    yizhan::cluster::v1::HeadInfo head;
    auto at = store_.all().find(keys::Head(partition));
    return at != store_.all().end() && head.ParseFromString(at->second.value) ? head.seq() : 0;
  }

  SimWorld world_{1};
  SimStore store_{&world_};
  std::vector<std::unique_ptr<Machine>> machines_;
};

TEST_F(NodeTest, FoundsFromWhatItHasUnderTheIdOfItsFolder) {
  Machine& one = Make("n1", 250, 3, true);  // more partitions than one transaction takes
  one.Start("aaaa");
  Run(absl::Seconds(2));
  ASSERT_TRUE(one.joined && one.joined->ok());
  EXPECT_EQ(**one.joined, "aaaa");
  EXPECT_EQ(HeadOf("im/0"), 3u);
  EXPECT_EQ(HeadOf("im/249"), 3u);
  EXPECT_EQ(one.node->view()->partitions.at("im/249").owner, "n1");
}

TEST_F(NodeTest, OthersWaitForIt) {
  Machine& two = Make("n2", 2, 0, false);
  two.Start("");
  Run(absl::Seconds(5));
  EXPECT_FALSE(two.joined);
  Make("n1", 2, 0, true).Start("aaaa");
  Run(absl::Seconds(5));
  ASSERT_TRUE(two.joined && two.joined->ok());
  EXPECT_EQ(**two.joined, "aaaa");
}

TEST_F(NodeTest, OneOfTwoFoundersFoundsAndTheOtherChangesNothing) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SimWorld world(seed);
    SimStore store(&world);
    Machine one(&world, &store, "n1", 250, 3, true), two(&world, &store, "n2", 250, 7, true);
    one.Start("aaaa");
    two.Start("bbbb");
    world.Run(world.now() + absl::Seconds(5));
    ASSERT_TRUE(one.joined && two.joined) << "seed " << seed;
    ASSERT_NE(one.joined->ok(), two.joined->ok()) << "seed " << seed;
    Machine& refused = one.joined->ok() ? two : one;
    EXPECT_EQ(refused.Reason(), "FOUNDED_ELSEWHERE");
    const uint64_t records = one.joined->ok() ? 3 : 7;
    for (int i = 0; i < 250; ++i) {
      yizhan::cluster::v1::HeadInfo head;
      ASSERT_TRUE(head.ParseFromString(store.all().at(keys::Head(absl::StrCat("im/", i))).value));
      EXPECT_EQ(head.seq(), records) << "im/" << i << ", seed " << seed;
    }
  }
}

TEST_F(NodeTest, AFoundingThatWasCutShortIsDoneAgain) {
  Machine& one = Make("n1", 250, 3, true);
  int heads = 0;
  store_.on_put = [&](const std::string& key, const std::string&) {
    if (key.starts_with(keys::kHeads) && ++heads == 150) one.life->dead = true;  // in the second of three pieces
  };
  one.Start("aaaa");
  Run(absl::Seconds(3));
  ASSERT_FALSE(store_.all().contains(std::string(keys::kCluster)));
  store_.on_put = nullptr;
  Machine& stranger = Make("n2", 250, 7, true);
  stranger.Start("bbbb");
  Run(absl::Seconds(3));
  EXPECT_EQ(stranger.Reason(), "FOUNDED_ELSEWHERE");
  Machine& again = Make("n1", 250, 3, true);
  again.Start("aaaa");
  Run(absl::Seconds(3));
  ASSERT_TRUE(again.joined && again.joined->ok());
  EXPECT_EQ(HeadOf("im/249"), 3u);
}

TEST_F(NodeTest, RefusesFoldersThatAreNotTheClusters) {
  Make("n1", 2, 3, true).Start("aaaa");
  Run(absl::Seconds(3));
  const std::pair<Machine*, std::string> wrong[] = {
      {&Make("with-records-of-its-own", 2, 3, false), ""},
      {&Make("of-another-cluster", 2, 3, false), "bbbb"},
  };
  for (const auto& [machine, id] : wrong) machine->Start(id);
  Machine& founder = Make("late-founder", 2, 3, true);
  founder.Start("cccc");
  Machine& shaped = Make("other-partitions", 3, 0, false);
  shaped.Start("");
  Machine& empty = Make("empty-that-was-to-found-another", 2, 0, false);
  empty.Start("dddd");
  Run(absl::Seconds(3));
  for (const auto& [machine, id] : wrong) EXPECT_EQ(machine->Reason(), "ANOTHER_CLUSTER");
  EXPECT_EQ(founder.Reason(), "FOUNDED_ELSEWHERE");
  EXPECT_EQ(shaped.Reason(), "OTHER_PARTITIONS");
  EXPECT_THAT(std::string(shaped.joined->status().message()), HasSubstr("im 2"));
  EXPECT_TRUE(empty.joined && empty.joined->ok()) << "there is nothing in it that could be another's";
  EXPECT_EQ(HeadOf("im/0"), 3u);
}

TEST_F(NodeTest, RefusesAClusterOfANewerFormat) {
  yizhan::cluster::v1::ClusterInfo info;
  info.set_format_version(kFormatVersion + 1);
  Txn txn;
  txn.then = {Op::Put(std::string(keys::kCluster), info.SerializeAsString())};
  store_.Apply(txn);
  Machine& one = Make("n1", 2, 0, false);
  one.Start("");
  Run(absl::Seconds(1));
  EXPECT_EQ(one.Reason(), "NEWER_FORMAT");
}

TEST_F(NodeTest, OfTwoWithOneNameTheLaterStays) {
  Machine& one = Make("n1", 2, 0, true);
  one.Start("aaaa");
  Run(absl::Seconds(3));
  ASSERT_TRUE(one.node->ready());
  Machine& same = Make("n1", 2, 0, false);
  same.Start("");
  Run(absl::Seconds(10));
  EXPECT_TRUE(one.node->view()->replaced);
  EXPECT_FALSE(one.node->ready());
  EXPECT_TRUE(same.node->ready());
  EXPECT_FALSE(same.node->view()->replaced);
}

}  // namespace
}  // namespace yizhan::cluster::testing
