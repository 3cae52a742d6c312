// What another process decides, followed over real calls: FollowServer, Tail, and data keys made elsewhere.
#include "ledger/tail.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "absl/synchronization/notification.h"
#include "base/rpc/server.h"
#include "base/status.h"
#include "ledger/keyring.h"
#include "ledger/ledger_rpc.h"
#include "ledger/testing/counters.h"
#include "yizhan/ledger/v1/ledger_service.pb.h"

namespace yizhan::ledger {
namespace {

namespace v1 = yizhan::ledger::v1;
using testing::Add;
using testing::CountOf;
using testing::Do;

constexpr char kFollow[] = "/yizhan.ledger.v1.LedgerService/Follow";

bool Soon(absl::FunctionRef<bool()> what) {
  for (int i = 0; i < 1'000; ++i) {
    if (what()) return true;
    absl::SleepFor(absl::Milliseconds(10));
  }
  return false;
}

// The process that decides, with a face that others call.
struct Owner {
  explicit Owner(const std::string& dir) {
    Options options;
    options.data_dir = dir;
    options.partitions = {{"im", 4}};
    ledger = *Ledger::Open(options);
    keyring = *Keyring::Open(ledger.get(), dir);
    ledger->Register(&machine);
    EXPECT_TRUE(ledger->Start().ok());
    follow = FollowServer::Make(ledger.get());
    ServeLedger(ledger.get(), keyring.get(), follow.get(), &table);
  }
  void Listen(const std::string& socket) {
    rpc::ServerOptions inner;
    inner.inner_address = "unix:" + socket;
    server = *rpc::Server::Start(inner, &table, nullptr);
  }
  void StopListening() {
    follow->Stop();
    server.reset();
  }

  testing::Counters machine;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<Keyring> keyring;
  std::unique_ptr<FollowServer> follow;
  rpc::ServiceTable table;
  std::unique_ptr<rpc::Server> server;
};

// The process that follows.
struct Follower {
  Follower(const std::string& dir, const std::string& socket, const std::string& as) {
    Options options;
    options.data_dir = dir;
    options.partitions = {{"im", 4}};
    options.replicated = true;
    ledger = *Ledger::Open(options);
    keyring = *Keyring::Open(ledger.get(), dir);
    ledger->Register(&machine);
    arrivals = std::make_unique<Arrivals>(ledger.get());
    EXPECT_TRUE(ledger->Start().ok());
    channel = *rpc::ConnectInside("unix:" + socket, as);
    std::vector<PartitionId> partitions = {{"keyring", 0}};
    for (uint32_t i = 0; as == "audit" && i < 4; ++i) partitions.push_back({"im", i});
    tail = Tail::Make(ledger.get(), channel.get(), "im", partitions);
    tail->Start();
  }
  ~Follower() {
    tail->Stop();
    arrivals->Sweep(/*all=*/true);
    ledger->Stop();
  }

  testing::Counters machine;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<Keyring> keyring;
  std::unique_ptr<Arrivals> arrivals;
  std::unique_ptr<rpc::Channel> channel;
  std::unique_ptr<Tail> tail;
};

class TailTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // As an installation's services have it: one key for all.
    ASSERT_TRUE(MakeInstallationKey(theirs_.path()).ok());
    std::filesystem::create_directories(ours_.path() + "/keys");
    std::filesystem::copy_file(theirs_.path() + "/keys/installation.key", ours_.path() + "/keys/installation.key");
  }

  static bool Same(const Ledger& a, const Ledger& b) {
    for (uint32_t i = 0; i < 4; ++i) {
      const PartitionId id{"im", i};
      if (a.StateDigest(id)->hex != b.StateDigest(id)->hex || a.Info(id)->head != b.Info(id)->head) return false;
    }
    return true;
  }

  testing::TempDir theirs_, ours_;
  const std::string socket_ = theirs_.path() + "/socket";
};

TEST_F(TailTest, FollowsWhatWasThereAndWhatComes) {
  Owner owner(theirs_.path());
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(Do(*owner.ledger, Add({"im", static_cast<uint32_t>(i % 4)}, "a", {"x"})).ok());
  owner.Listen(socket_);
  Follower follower(ours_.path(), socket_, "audit");
  ASSERT_TRUE(Soon([&] { return follower.tail->caught_up(); })) << follower.tail->problem();
  EXPECT_TRUE(Same(*owner.ledger, *follower.ledger));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Do(*owner.ledger, Add({"im", 1}, "b", {"y"})).ok());
  EXPECT_TRUE(Soon([&] { return Same(*owner.ledger, *follower.ledger); }));
  EXPECT_EQ(CountOf(*follower.ledger->View({"im", 1}), "b"), 50u);
  // Byte for byte: what the archive commits to.
  EXPECT_EQ(owner.ledger->ReadRaw({"im", 1}, 20, 1)->at(0).bytes,
            follower.ledger->ReadRaw({"im", 1}, 20, 1)->at(0).bytes);
  EXPECT_EQ(Do(*follower.ledger, Add({"im", 1}, "b", {"z"})).status().code(), absl::StatusCode::kUnavailable)
      << "one decides, and it is not this one";
}

TEST_F(TailTest, GoesOnWhenTheOwnerComesBack) {
  Owner owner(theirs_.path());
  owner.Listen(socket_);
  Follower follower(ours_.path(), socket_, "audit");
  ASSERT_TRUE(Do(*owner.ledger, Add({"im", 0}, "a", {"x"})).ok());
  ASSERT_TRUE(Soon([&] { return Same(*owner.ledger, *follower.ledger); })) << follower.tail->problem();
  owner.StopListening();
  ASSERT_TRUE(Do(*owner.ledger, Add({"im", 0}, "a", {"y"})).ok());
  EXPECT_TRUE(Soon([&] { return !follower.tail->problem().ok(); })) << "and says so";
  EXPECT_EQ(follower.ledger->Info({"im", 0})->head, 1u);
  owner.follow = FollowServer::Make(owner.ledger.get());
  rpc::ServiceTable again;
  ServeLedger(owner.ledger.get(), owner.keyring.get(), owner.follow.get(), &again);
  rpc::ServerOptions inner;
  inner.inner_address = "unix:" + socket_;
  owner.server = *rpc::Server::Start(inner, &again, nullptr);
  EXPECT_TRUE(Soon([&] { return Same(*owner.ledger, *follower.ledger); }));
  EXPECT_TRUE(Soon([&] { return follower.tail->problem().ok(); }));
  owner.StopListening();
}

TEST_F(TailTest, ADataKeyIsMadeWhereKeysAreDecided) {
  Owner owner(theirs_.path());
  owner.Listen(socket_);
  Follower follower(ours_.path(), socket_, "im");
  follower.keyring->SetRemote([&](std::string key_id, absl::AnyInvocable<void(absl::Status)> done) {
    EnsureRemoteDataKey(follower.channel.get(), follower.arrivals.get(), std::move(key_id), std::move(done));
  });
  absl::Notification made;
  absl::StatusOr<DataKeyPtr> key;
  follower.keyring->Ensure("conversation", 0, [&](absl::StatusOr<DataKeyPtr> result) {
    key = std::move(result);
    made.Notify();
  });
  ASSERT_TRUE(made.WaitForNotificationWithTimeout(absl::Seconds(10)));
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ((*owner.keyring->Find("conversation@19700101"))->key, (*key)->key) << "the same one, unwrapped at each";
}

TEST_F(TailTest, ANobodysBusinessIsRefused) {
  Owner owner(theirs_.path());
  owner.Listen(socket_);
  auto ask = [&](const std::string& as, std::vector<std::pair<std::string, uint64_t>> positions) {
    auto channel = rpc::ConnectInside("unix:" + socket_, as);
    v1::FollowRequest request;
    for (const auto& [partition, from] : positions) {
      auto* position = request.add_positions();
      position->set_partition(partition);
      position->set_from_seq(from);
    }
    return (*channel)->Wait<v1::FollowResponse>(kFollow, request).status();
  };
  EXPECT_TRUE(ask("audit", {{"im/0", 1}}).ok());
  EXPECT_EQ(ReasonOf(ask("desk", {{"im/0", 1}})), "NOT_YOURS_TO_FOLLOW");
  EXPECT_TRUE(ask("desk", {{"keyring/0", 1}}).ok());
  EXPECT_EQ(ReasonOf(ask("edge", {{"im/0", 1}})), "NOT_FOR_THIS_SERVICE");
  EXPECT_EQ(ask("audit", {}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ask("audit", {{"im/0", 0}}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ask("audit", {{"../im", 1}}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ask("audit", {{"im/9", 1}}).code(), absl::StatusCode::kNotFound);
  std::vector<std::pair<std::string, uint64_t>> many(1'025, {"im/0", 1});
  EXPECT_EQ(ask("audit", many).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TailTest, AnAnswerHasABound) {
  Owner owner(theirs_.path());
  for (uint32_t i = 0; i < 3; ++i)
    ASSERT_TRUE(Do(*owner.ledger, Add({"im", i}, "a", {std::string(100'000, 'x'), std::string(100'000, 'y')})).ok());
  owner.Listen(socket_);
  auto channel = rpc::ConnectInside("unix:" + socket_, "audit");
  v1::FollowRequest request;
  request.set_max_bytes(250'000);
  for (uint32_t i = 0; i < 3; ++i) {
    auto* position = request.add_positions();
    position->set_partition(PartitionId{"im", i}.ToString());
    position->set_from_seq(1);
  }
  auto response = (*channel)->Wait<v1::FollowResponse>(kFollow, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->partitions_size(), 1) << "the second one's first record is more than was left";
  EXPECT_EQ(response->partitions(0).records_size(), 2);
  EXPECT_EQ(response->heads_size(), 3);
  request.set_max_bytes(1);
  response = (*channel)->Wait<v1::FollowResponse>(kFollow, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->partitions(0).records_size(), 1) << "one at least";
}

}  // namespace
}  // namespace yizhan::ledger
