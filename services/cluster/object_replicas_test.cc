// Files on several machines: the class that ships, on real folders and in-process servers; only the cluster's view, and
// whether a machine can be reached, are the test's.
#include "cluster/object_replicas.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/objects/folder_store.h"
#include "base/rpc/server.h"
#include "base/status.h"

namespace yizhan::cluster {
namespace {

class ObjectReplicasTest : public ::testing::Test {
 protected:
  struct Machine {
    std::string folder;
    rpc::ServiceTable table;
    std::unique_ptr<rpc::Server> server;
    std::unique_ptr<rpc::Channel> channel;
    std::unique_ptr<Machines> machines;
    std::unique_ptr<ObjectReplicas> store;
  };

  // To another machine's server, while it is there.
  class Way : public rpc::Channel {
   public:
    Way(ObjectReplicasTest* test, std::string to) : test_(test), to_(std::move(to)) {}
    void Call(std::string_view method, std::string request, rpc::CallOptions options, rpc::RawReply done) override {
      if (test_->away_.contains(to_)) return done(absl::UnavailableError("cut off"));
      test_->machines_.at(to_)->channel->Call(method, std::move(request), std::move(options), std::move(done));
    }
    std::unique_ptr<rpc::Link> OpenLink(std::string, std::string, std::function<void(yizhan::live::v1::LinkDown)>,
                                        std::function<void(absl::Status)>) override {
      return nullptr;
    }

   private:
    ObjectReplicasTest* const test_;
    const std::string to_;
  };

  void SetUp() override {
    root_ = ::testing::TempDir() + "/yizhan-replicas-XXXXXX";
    ASSERT_NE(mkdtemp(root_.data()), nullptr);
    for (const char* name : {"n1", "n2", "n3"}) Add(name);
  }
  void TearDown() override {
    for (auto& [name, machine] : machines_) machine->store->Stop();
    for (auto& [name, machine] : machines_) machine->server->Stop();
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  void Add(const std::string& name) {
    auto& machine = machines_[name] = std::make_unique<Machine>();
    machine->folder = absl::StrCat(root_, "/", name);
    auto local = objects::OpenFolderStore(machine->folder);
    ASSERT_TRUE(local.ok()) << local.status();
    machine->machines = std::make_unique<Machines>([this](const std::string& node, const std::string&) {
      return absl::StatusOr<std::unique_ptr<rpc::Channel>>(std::make_unique<Way>(this, node));
    });
    machine->store = std::make_unique<ObjectReplicas>(
        ObjectReplicas::Parts{name, *std::move(local), machine->machines.get(), [this] { return Seen(); }});
    machine->store->Register(&machine->table);
    machine->server = rpc::Server::Start({}, &machine->table, nullptr).value();
    machine->channel = machine->server->channel();
    members_.insert(name);
  }
  std::shared_ptr<const View> Seen() const {
    auto view = std::make_shared<View>();
    for (const std::string& name : members_) {
      auto& member = view->members.emplace_back();
      member.node = name;
      member.address = name + ":1";
    }
    return view;
  }
  ObjectReplicas& At(const std::string& name) { return *machines_.at(name)->store; }
  bool Has(const std::string& name, const std::string& object) {
    return std::filesystem::exists(absl::StrCat(machines_.at(name)->folder, "/", object));
  }

  std::string root_;
  std::map<std::string, std::unique_ptr<Machine>> machines_;
  std::set<std::string> members_, away_;
};

TEST_F(ObjectReplicasTest, WhatOnePutsIsOnAllAndReadAtAll) {
  const std::string bytes(100'000, 'x');
  ASSERT_TRUE(At("n1").Put("exports/a/000000", bytes).ok());
  for (const char* name : {"n1", "n2", "n3"}) {
    EXPECT_TRUE(Has(name, "exports/a/000000")) << name;
    auto got = At(name).Get("exports/a/000000");
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_TRUE(*got == bytes);
  }
  ASSERT_TRUE(At("n2").Delete("exports/a/000000").ok());
  for (const char* name : {"n1", "n2", "n3"}) EXPECT_FALSE(Has(name, "exports/a/000000")) << name;
  EXPECT_EQ(ReasonOf(At("n3").Get("exports/a/000000").status()), "NO_SUCH_OBJECT");
}

TEST_F(ObjectReplicasTest, OneThatWasAwayFetchesWhatItLacksAndKeepsIt) {
  away_ = {"n3"};
  ASSERT_TRUE(At("n1").Put("a", "one").ok());
  EXPECT_FALSE(Has("n3", "a"));
  away_ = {"n1"};  // the writer dies
  auto got = At("n3").Get("a");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(*got, "one");
  EXPECT_TRUE(Has("n3", "a"));
}

TEST_F(ObjectReplicasTest, OneMachinesDiskIsNotEnoughWhereOthersShouldBe) {
  away_ = {"n2", "n3"};
  absl::Status put = At("n1").Put("a", "one");
  EXPECT_EQ(ReasonOf(put), "REPLICAS_AWAY") << put;
  EXPECT_NE(put.message().find("n2: cut off"), put.message().npos) << put;
  // It cannot be said either that there is no such object.
  EXPECT_EQ(ReasonOf(At("n1").Get("b").status()), "REPLICAS_AWAY");
  // Alone in the cluster it is enough.
  members_ = {"n1"};
  EXPECT_TRUE(At("n1").Put("a", "one").ok());
  EXPECT_EQ(ReasonOf(At("n1").Get("b").status()), "NO_SUCH_OBJECT");
}

TEST_F(ObjectReplicasTest, BadNamesAndSizesAreRefusedAndNothingIsStored) {
  for (const char* name : {"", "../etc/passwd", "a//b", "/a", "a/../../b"}) {
    EXPECT_EQ(ReasonOf(At("n1").Put(name, "x")), "OBJECT_NAME") << name;
    EXPECT_EQ(ReasonOf(At("n1").Get(name).status()), "OBJECT_NAME") << name;
  }
  EXPECT_EQ(ReasonOf(At("n1").Put("a", std::string(ObjectReplicas::kMaxBytes + 1, 'x'))), "OBJECT_SIZE");
  for (const char* name : {"n1", "n2", "n3"}) EXPECT_TRUE(std::filesystem::is_empty(machines_.at(name)->folder));
}

}  // namespace
}  // namespace yizhan::cluster
