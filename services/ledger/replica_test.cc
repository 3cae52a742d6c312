// Replicas: what one machine commits, others take in, and any of them can go on with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ledger/projection.h"
#include "ledger/testing/replicas.h"

namespace yizhan::ledger {
namespace {
using testing::Add;
using testing::CountOf;
using testing::Do;
using ::testing::Each;
using ::testing::ElementsAre;
using testing::Ingest;
using ::testing::Le;
using testing::Node;
using testing::Own;

const PartitionId kIm0{"im", 0}, kIm1{"im", 1}, kIm2{"im", 2}, kIm3{"im", 3};

class ReplicaTest : public ::testing::Test {
 protected:
  // Two machines; the first owns im/0 and im/3.
  void Start() {
    ASSERT_TRUE(a_.Start().ok());
    ASSERT_TRUE(b_.Start().ok());
    a_.committer.followers = {b_.ledger.get()};
    b_.committer.followers = {a_.ledger.get()};
    for (const PartitionId& id : {kIm0, kIm3}) ASSERT_TRUE(Own(*a_.ledger, id, true).ok());
  }
  void TearDown() override {
    // Each hands to the other: both stop before one goes.
    if (a_.ledger) a_.ledger->Stop();
    if (b_.ledger) b_.ledger->Stop();
  }
  void Move(const PartitionId& id, Node& from, Node& to) {
    ASSERT_TRUE(Own(*from.ledger, id, false).ok());
    ASSERT_TRUE(Ingest(*to.ledger).ok());
    ASSERT_TRUE(Own(*to.ledger, id, true).ok());
  }
  void ExpectTheSame(const PartitionId& id) {
    ASSERT_TRUE(Ingest(*a_.ledger).ok());
    ASSERT_TRUE(Ingest(*b_.ledger).ok());
    auto a = a_.ledger->StateDigest(id), b = b_.ledger->StateDigest(id);
    ASSERT_TRUE(a.ok() && b.ok());
    EXPECT_EQ(a->seq, b->seq);
    EXPECT_EQ(a->hex, b->hex);
    auto of_a = a_.ledger->ReadRaw(id, 1, 64 << 20), of_b = b_.ledger->ReadRaw(id, 1, 64 << 20);
    ASSERT_TRUE(of_a.ok() && of_b.ok());
    ASSERT_EQ(of_a->size(), of_b->size());
    for (size_t i = 0; i < of_a->size(); ++i) ASSERT_EQ((*of_a)[i].bytes, (*of_b)[i].bytes) << "at " << i;
    EXPECT_EQ(a_.ledger->Info(id)->head_time_us, b_.ledger->Info(id)->head_time_us);
  }
  // The records [from, upto] as the first machine has them.
  Arrived Copy(const PartitionId& id, uint64_t from, uint64_t upto) {
    Arrived arrived{id, from, {}};
    auto raw = a_.ledger->ReadRaw(id, from, 64 << 20);
    for (const auto& one : *raw) {
      if (one.seq <= upto) arrived.records.push_back(one.bytes);
    }
    return arrived;
  }

  Node a_, b_;
};

TEST_F(ReplicaTest, AFollowerHasTheSameBytesAndTheSameState) {
  Start();
  // Beyond two blocks of requests, so that the oldest is dropped.
  constexpr int kCommands = 2'200;
  for (int i = 0; i < kCommands; ++i) {
    std::promise<void> last;
    auto command = Add(kIm0, absl::StrCat("k", i % 50), {"x", absl::StrCat(i)}, absl::StrCat("r", i));
    if (i == kCommands - 1) command.done = [&](absl::StatusOr<Command::Outcome>) { last.set_value(); };
    a_.ledger->Submit(std::move(command));
    if (i == kCommands - 1) last.get_future().wait();
  }
  ASSERT_TRUE(Do(*a_.ledger, Add(kIm3, "b", {"z"})).ok());
  EXPECT_EQ(Do(*a_.ledger, Add(kIm3, "b", {"y", "!fail"})).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(a_.ledger->Info(kIm0)->head, 4'400u);
  ExpectTheSame(kIm0);
  ExpectTheSame(kIm3);
  EXPECT_TRUE(b_.ledger->Replay(b_.dir.path(), std::nullopt).ok());
  b_.ledger->Stop();
  a_.committer.followers.clear();
  ASSERT_TRUE(b_.Start().ok());
  ExpectTheSame(kIm0);
  EXPECT_TRUE(b_.ledger->Replay(b_.dir.path(), std::nullopt).ok());
  ASSERT_TRUE(Own(*b_.ledger, kIm0, true).ok());
  b_.committer.followers.clear();
  for (int i : {2'199, 1'500, 1'200}) {
    auto again = Do(*b_.ledger, Add(kIm0, "k", {"x"}, absl::StrCat("r", i)));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(again->repeated) << i;
    EXPECT_EQ(again->last_seq, 2u * static_cast<uint64_t>(i) + 2);
  }
}

TEST_F(ReplicaTest, ARetryAtTheNewOwnerGetsTheFirstAnswer) {
  Start();
  ASSERT_TRUE(Do(*a_.ledger, Add(kIm0, "k", {"0"})).ok());
  auto first = Do(*a_.ledger, Add(kIm0, "k", {"x", "y"}, "r1"));
  ASSERT_TRUE(first.ok());
  Move(kIm0, a_, b_);
  auto moved = Do(*a_.ledger, Add(kIm0, "k", {"x", "y"}, "r1"));
  EXPECT_EQ(NotOwnedPartition(moved.status()), kIm0);
  auto again = Do(*b_.ledger, Add(kIm0, "k", {"x", "y"}, "r1"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->result, first->result);
  EXPECT_EQ(again->first_seq, first->first_seq);
  EXPECT_EQ(again->last_seq, first->last_seq);
  // It goes on there, the first one follows, and takes it back.
  auto next = Do(*b_.ledger, Add(kIm0, "k", {"z"}, "r2"));
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(next->first_seq, 4u);
  EXPECT_EQ(next->result, "4");
  ExpectTheSame(kIm0);
  Move(kIm0, b_, a_);
  EXPECT_TRUE(Do(*a_.ledger, Add(kIm0, "k", {"z"}, "r2"))->repeated);
  EXPECT_EQ(Do(*a_.ledger, Add(kIm0, "k", {"z"}, "r3"))->result, "5");
  ExpectTheSame(kIm0);
}

TEST_F(ReplicaTest, WhatIsNotOwnedIsRefusedAndSaysWhere) {
  Start();
  EXPECT_TRUE(a_.ledger->replicated());
  EXPECT_TRUE(a_.ledger->Owns(kIm0));
  EXPECT_FALSE(a_.ledger->Owns(kIm1));
  EXPECT_FALSE(a_.ledger->Owns({"im", 9}));
  const absl::Status refused = Do(*a_.ledger, Add(kIm1, "k", {"x"})).status();
  EXPECT_EQ(refused, NotOwner(kIm1));
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(refused), "NOT_OWNER");
  EXPECT_EQ(RetryAfterMs(refused), 200);
  EXPECT_EQ(refused.message(), "partition im/1 is owned by another machine now; ask there");
  EXPECT_EQ(NotOwnedPartition(Annotate(refused, "sending")), kIm1);
  EXPECT_EQ(NotOwnedPartition(absl::UnavailableError("x")), std::nullopt);
  EXPECT_EQ(NotOwnedPartition(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(Own(*a_.ledger, {"im", 9}, true).code(), absl::StatusCode::kNotFound);
  // Where nothing is replicated all is owned.
  Node alone;
  alone.options.replicated = false;
  alone.options.committer = nullptr;
  ASSERT_TRUE(alone.Start().ok());
  EXPECT_FALSE(alone.ledger->replicated());
  EXPECT_TRUE(alone.ledger->Owns(kIm1));
  EXPECT_EQ(Ingest(*alone.ledger, {Copy(kIm0, 1, 1)}).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ReplicaTest, BeforeTheStartOwningIsDoneAtOnceAndNothingIsIngested) {
  ASSERT_TRUE(a_.Open().ok());
  bool owned = false;
  a_.ledger->Own(kIm2, true, [&](absl::Status status) { owned = status.ok(); });
  EXPECT_TRUE(owned);
  EXPECT_TRUE(a_.ledger->Owns(kIm2));
  EXPECT_EQ(ReasonOf(Ingest(*a_.ledger)), "NOT_RUNNING");
  ASSERT_TRUE(a_.ledger->Start().ok());
  EXPECT_TRUE(Do(*a_.ledger, Add(kIm2, "k", {"x"})).ok());
  EXPECT_TRUE(Ingest(*a_.ledger).ok()) << "an empty batch";
  a_.ledger->Stop();
  EXPECT_EQ(ReasonOf(Ingest(*a_.ledger)), "NOT_RUNNING");
  EXPECT_EQ(ReasonOf(Own(*a_.ledger, kIm2, false)), "NOT_RUNNING");
}

TEST_F(ReplicaTest, SkipsOverlapAndRefusesGaps) {
  Start();
  a_.committer.followers.clear();
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(Do(*a_.ledger, Add(kIm0, "k", {absl::StrCat(i)})).ok());
  ASSERT_TRUE(Do(*a_.ledger, Add(kIm3, "k", {"x"})).ok());
  EXPECT_TRUE(Ingest(*b_.ledger, {Copy(kIm0, 1, 3)}).ok());
  // A gap refuses its entry, and nothing else.
  EXPECT_EQ(Ingest(*b_.ledger, {Copy(kIm0, 5, 6), Copy(kIm3, 1, 1)}).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(b_.ledger->Info(kIm0)->head, 3u);
  EXPECT_EQ(b_.ledger->Info(kIm3)->head, 1u);
  EXPECT_TRUE(b_.ledger->Info(kIm0)->status.ok());
  // Old, old and new, several entries of one partition.
  EXPECT_TRUE(Ingest(*b_.ledger, {Copy(kIm0, 1, 2), Copy(kIm0, 2, 5), Copy(kIm0, 6, 6), Copy(kIm0, 1, 9)}).ok());
  EXPECT_EQ(b_.ledger->Info(kIm0)->head, 9u);
  EXPECT_TRUE(Ingest(*b_.ledger, {Copy(kIm0, 1, 9), Arrived{kIm0, 10, {}}}).ok());
  EXPECT_EQ(Ingest(*b_.ledger, {Arrived{kIm0, 0, {"x"}}}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Ingest(*b_.ledger, {Arrived{{"im", 9}, 1, {"x"}}}).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Ingest(*b_.ledger, {Arrived{{"keyring", 0}, 1, {"x"}}}).code(), absl::StatusCode::kFailedPrecondition)
      << "no machine";
  EXPECT_EQ(Ingest(*a_.ledger, {Copy(kIm0, 9, 9)}).code(), absl::StatusCode::kFailedPrecondition) << "owned";
  ExpectTheSame(kIm0);
  ExpectTheSame(kIm3);
}

TEST_F(ReplicaTest, WhatIsNotTheRecordStopsItsPartitionAlone) {
  Start();
  a_.committer.followers.clear();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Do(*a_.ledger, Add(kIm0, "k", {absl::StrCat(i)})).ok());
  ASSERT_TRUE(Do(*a_.ledger, Add(kIm3, "k", {"x"})).ok());
  Arrived refused = Copy(kIm0, 3, 3);  // a record that Apply will not have
  Record record;
  ASSERT_TRUE(record.ParseFromString(refused.records[0]));
  record.set_payload("k\t!fail");
  refused.records[0] = record.SerializeAsString();
  Arrived other_seq = Copy(kIm0, 2, 2), other_partition = Copy(kIm3, 1, 1);
  other_seq.first_seq = 3;
  other_partition.partition = kIm0;
  other_partition.first_seq = 3;
  for (const Arrived& wrong :
       {Arrived{kIm0, 3, {"garbage"}}, Arrived{kIm0, 3, {""}}, other_seq, other_partition, refused}) {
    ASSERT_TRUE(Ingest(*b_.ledger, {Copy(kIm0, 1, 1)}).ok());
    Arrived whole = Copy(kIm0, 2, 2);
    whole.records.push_back(wrong.records[0]);
    whole.records.push_back("never looked at");
    const absl::Status status = Ingest(*b_.ledger, {whole, Copy(kIm3, 1, 1), Copy(kIm0, 3, 3)});
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_TRUE(absl::StrContains(status.message(), "partition im/0 has stopped before seq 3")) << status;
    EXPECT_EQ(b_.ledger->Info(kIm0)->status, status);
    EXPECT_EQ(b_.ledger->Info(kIm0)->head, 2u) << "what stood before it is good";
    EXPECT_EQ(CountOf(*b_.ledger->View(kIm0), "k"), 2u);
    EXPECT_EQ(Ingest(*b_.ledger, {Copy(kIm0, 3, 3)}), status) << "stopped";
    EXPECT_EQ(Own(*b_.ledger, kIm0, true), status) << "it must not decide";
    EXPECT_FALSE(b_.ledger->Owns(kIm0));
    EXPECT_EQ(b_.ledger->Info(kIm3)->head, 1u) << "the others go on";
    EXPECT_TRUE(b_.ledger->Info(kIm3)->status.ok());
    ASSERT_TRUE(b_.Start().ok()) << "a start tries again";
  }
  EXPECT_TRUE(Ingest(*b_.ledger, {Copy(kIm0, 1, 3)}).ok());
  b_.committer.followers.clear();
  ExpectTheSame(kIm0);
}

TEST_F(ReplicaTest, TheFencedFollowsAndMayOwnAgain) {
  Start();
  a_.committer.Hold();
  a_.ledger->Submit(Add(kIm0, "k", {"first"}));
  a_.committer.WaitUntilHeld();
  std::promise<absl::Status> fenced, retry, other;
  auto submit = [&](PartitionId id, std::string request_id, std::promise<absl::Status>& answer) {
    auto command = Add(id, "k", {"x"}, std::move(request_id));
    command.done = [&](absl::StatusOr<Command::Outcome> outcome) { answer.set_value(outcome.status()); };
    a_.ledger->Submit(std::move(command));
  };
  submit(kIm0, "r1", fenced);
  submit(kIm0, "r1", retry);
  submit(kIm3, "r2", other);
  a_.committer.Fence({kIm0});
  a_.committer.LetGo();
  EXPECT_EQ(NotOwnedPartition(fenced.get_future().get()), kIm0);
  EXPECT_EQ(NotOwnedPartition(retry.get_future().get()), kIm0);
  EXPECT_EQ(ReasonOf(other.get_future().get()), "NOT_COMMITTED");
  EXPECT_FALSE(a_.ledger->Owns(kIm0));
  EXPECT_TRUE(a_.ledger->Owns(kIm3));
  EXPECT_TRUE(a_.ledger->Info(kIm0)->status.ok());
  EXPECT_EQ(ReasonOf(Do(*a_.ledger, Add(kIm0, "k", {"x"})).status()), "NOT_OWNER");
  EXPECT_FALSE(Do(*a_.ledger, Add(kIm3, "k", {"x"}, "r2"))->repeated);
  // The other machine owns it meanwhile; then it comes back.
  ASSERT_TRUE(Own(*b_.ledger, kIm0, true).ok());
  ASSERT_TRUE(Do(*b_.ledger, Add(kIm0, "k", {"y"}, "r3")).ok());
  a_.committer.Fence({});
  Move(kIm0, b_, a_);
  EXPECT_FALSE(Do(*a_.ledger, Add(kIm0, "k", {"x"}, "r1"))->repeated) << "it was refused";
  EXPECT_TRUE(Do(*a_.ledger, Add(kIm0, "k", {"y"}, "r3"))->repeated);
  ExpectTheSame(kIm0);
  ExpectTheSame(kIm3);
}

TEST_F(ReplicaTest, WhatWaitsInTheQueueIsRefusedOnceItIsNotOwned) {
  Start();
  a_.committer.Hold();
  a_.ledger->Submit(Add(kIm0, "k", {"x"}));
  a_.committer.WaitUntilHeld();
  std::vector<std::string> told;  // on the completion thread alone
  std::promise<void> last;
  for (const PartitionId& id : {kIm0, kIm3, kIm0}) {
    auto command = Add(id, "k", {"y"});
    command.done = [&](absl::StatusOr<Command::Outcome> outcome) {
      told.push_back(outcome.ok() ? "ok" : ReasonOf(outcome.status()));
      if (told.size() == 4) last.set_value();
    };
    a_.ledger->Submit(std::move(command));
  }
  a_.ledger->Own(kIm0, false, [&](absl::Status status) { told.push_back(status.ok() ? "followed" : "?"); });
  EXPECT_TRUE(a_.ledger->Owns(kIm0)) << "not in the middle of a batch, and nobody has waited";
  a_.committer.LetGo();
  last.get_future().wait();
  EXPECT_THAT(told, ElementsAre("followed", "NOT_OWNER", "ok", "NOT_OWNER"));
  EXPECT_EQ(a_.ledger->Info(kIm0)->head, 1u);
  EXPECT_EQ(a_.ledger->Info(kIm3)->head, 1u);
}

TEST_F(ReplicaTest, ListenersAndProjectionsWorkWhereverARecordIsApplied) {
  ASSERT_TRUE(b_.Open().ok());
  std::mutex mutex;
  std::vector<std::string> heard;
  b_.ledger->Listen("im", [&](const PartitionId& id, absl::Span<const Record> records) {
    std::lock_guard lock(mutex);
    for (const Record& record : records) heard.push_back(absl::StrCat(id.ToString(), ":", record.seq()));
  });
  ASSERT_TRUE(b_.ledger->Start().ok());
  std::promise<void> copied;
  uint64_t seen = 0;
  Projection projection(
      b_.ledger.get(), {"copy", {"im"}},
      [&](const PartitionId&,
          const std::vector<Record>& records) -> absl::StatusOr<std::vector<Ledger::ProjectionWrite>> {
        seen += records.size();
        if (seen == 4) copied.set_value();
        return std::vector<Ledger::ProjectionWrite>{};
      });
  ASSERT_TRUE(projection.Start().ok());
  ASSERT_TRUE(a_.Start().ok());
  for (const PartitionId& id : {kIm0, kIm3}) ASSERT_TRUE(Own(*a_.ledger, id, true).ok());
  ASSERT_TRUE(Do(*a_.ledger, Add(kIm0, "k", {"x", "y"})).ok());
  ASSERT_TRUE(Do(*a_.ledger, Add(kIm3, "k", {"z"})).ok());
  size_t at_done = 0;
  b_.ledger->Ingest({Copy(kIm0, 1, 2), Copy(kIm3, 1, 1)}, [&](absl::Status) {
    std::lock_guard lock(mutex);
    at_done = heard.size();
  });
  ASSERT_TRUE(Ingest(*b_.ledger, {Copy(kIm0, 1, 2)}).ok());
  ASSERT_TRUE(Own(*b_.ledger, kIm0, true).ok());
  ASSERT_TRUE(Do(*b_.ledger, Add(kIm0, "k", {"own"})).ok());
  copied.get_future().wait();
  projection.Stop();
  b_.ledger->Stop();
  EXPECT_EQ(at_done, 3u) << "before done";
  EXPECT_THAT(heard, ElementsAre("im/0:1", "im/0:2", "im/3:1", "im/0:3"));
}

TEST_F(ReplicaTest, SyncSaysWhatTheDiskHas) {
  std::atomic<int> syncs{0};
  b_.options.hooks.fault = [&](std::string_view operation, std::string_view path) {
    if (operation == "sync" && path.ends_with(".log")) ++syncs;
    return 0;
  };
  Start();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Do(*a_.ledger, Add(kIm0, "k", {"x", "y"})).ok());
  ASSERT_TRUE(Ingest(*b_.ledger).ok());
  const int before = syncs;
  auto synced = b_.ledger->Sync();
  ASSERT_TRUE(synced.ok()) << synced.status();
  EXPECT_EQ(syncs, before + 1);
  EXPECT_EQ(synced->size(), 5u);
  for (const auto& [id, head] : *synced) EXPECT_EQ(head, id == kIm0 ? 10u : 0u) << id.ToString();
  EXPECT_EQ(*b_.ledger->Sync(), *synced);
  // Opening holds it against the mark.
  b_.ledger->Stop();
  a_.committer.followers.clear();
  ASSERT_TRUE(b_.Start().ok());
  EXPECT_EQ(b_.ledger->Info(kIm0)->head, 10u);
}

TEST_F(ReplicaTest, BatchesKeepTheEnginesLimits) {
  a_.committer.limits_ = {2, 10'000};
  Start();
  for (const PartitionId& id : {kIm1, kIm2}) ASSERT_TRUE(Own(*a_.ledger, id, true).ok());
  a_.committer.Hold();
  a_.ledger->Submit(Add(kIm0, "k", {"x"}));
  a_.committer.WaitUntilHeld();
  std::atomic<int> ok{0};
  for (int i = 0; i < 40; ++i) {
    // First many partitions, then many bytes.
    const PartitionId id = i < 20 ? PartitionId{"im", static_cast<uint32_t>(i) % 4} : kIm0;
    auto command = Add(id, "k", {std::string(i < 20 ? 10 : 1'000, 'x')});
    command.done = [&](absl::StatusOr<Command::Outcome> outcome) { ok += outcome.ok(); };
    a_.ledger->Submit(std::move(command));
  }
  a_.committer.LetGo();
  const absl::Status large =
      Do(*a_.ledger, Add(kIm0, "k", {std::string(3'000, 'x'), std::string(3'000, 'x')})).status();
  EXPECT_EQ(ReasonOf(large), "COMMAND_TOO_LARGE");
  EXPECT_TRUE(absl::StrContains(large.message(), "a command 5000 at most; this one's records have 6")) << large;
  EXPECT_EQ(ok, 40);
  EXPECT_TRUE(Do(*a_.ledger, Add(kIm0, "k", {std::string(4'800, 'x')})).ok());
  EXPECT_THAT(a_.committer.partitions(), Each(Le(2u)));
  EXPECT_THAT(a_.committer.bytes(), Each(Le(10'000u)));
  EXPECT_GE(a_.committer.partitions().size(), 10u + 2u);
  for (const PartitionId& id : {kIm0, kIm1, kIm2, kIm3}) ExpectTheSame(id);
}

TEST_F(ReplicaTest, RefusesWhileTheLogDoesNotAnswerAndKeepsWhatWaits) {
  a_.options.stalled_after = absl::Nanoseconds(1);
  Start();
  a_.committer.Hold();
  std::promise<absl::Status> first, waits;
  auto command = Add(kIm0, "k", {"x"});
  command.done = [&](absl::StatusOr<Command::Outcome> outcome) { first.set_value(outcome.status()); };
  // The second gets into the queue while the first is decided: behind that, nothing does.
  command.decide = [&, decide = std::move(command.decide)](const DecideContext& context,
                                                           const StateReader& state) mutable {
    auto second = Add(kIm3, "k", {"x"});
    second.done = [&](absl::StatusOr<Command::Outcome> outcome) { waits.set_value(outcome.status()); };
    a_.ledger->Submit(std::move(second));
    return decide(context, state);
  };
  a_.ledger->Submit(std::move(command));
  a_.committer.WaitUntilHeld();
  const absl::Status refused = Do(*a_.ledger, Add(kIm3, "k", {"x"})).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(refused), "NO_QUORUM");
  EXPECT_EQ(RetryAfterMs(refused), 1'000);
  a_.committer.LetGo();
  EXPECT_TRUE(first.get_future().get().ok());
  EXPECT_TRUE(waits.get_future().get().ok());
  EXPECT_TRUE(Do(*a_.ledger, Add(kIm3, "k", {"x"})).ok());
}

TEST_F(ReplicaTest, NothingWaitsForAHeldCommitAndWhatWaitsIsBounded) {
  b_.options.stalled_after = absl::ZeroDuration();
  Start();
  ASSERT_TRUE(Own(*b_.ledger, kIm1, true).ok());
  b_.committer.Hold();
  b_.ledger->Submit(Add(kIm1, "k", {"x"}));
  b_.committer.WaitUntilHeld();
  std::promise<absl::Status> first, third, owned, command;
  b_.ledger->Ingest({Arrived{kIm2, 1, {std::string(40 << 20, 'x')}}}, [&](absl::Status s) { first.set_value(s); });
  EXPECT_EQ(ReasonOf(Ingest(*b_.ledger, {Arrived{kIm2, 1, {std::string(40 << 20, 'x')}}})), "QUEUE_FULL") << "at once";
  b_.ledger->Ingest({Arrived{kIm3, 9, {std::string(20 << 20, 'x')}}}, [&](absl::Status s) { third.set_value(s); });
  b_.ledger->Own(kIm2, true, [&](absl::Status status) { owned.set_value(status); });
  auto queued = Add(kIm1, "k", {"y"});
  queued.done = [&](absl::StatusOr<Command::Outcome> outcome) { command.set_value(outcome.status()); };
  b_.ledger->Submit(std::move(queued));  // never refused for a Commit that takes long
  b_.committer.LetGo();
  EXPECT_EQ(first.get_future().get().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(third.get_future().get().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(owned.get_future().get().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(command.get_future().get().ok());
  EXPECT_EQ(Ingest(*b_.ledger, {Arrived{kIm3, 9, {std::string(60 << 20, 'x')}}}).code(), absl::StatusCode::kOutOfRange);
}

// For ThreadSanitizer above all: a partition that moves to and fro under its clients.
TEST_F(ReplicaTest, EveryCommandIsCarriedOutOnceWhoeverOwns) {
  Start();
  constexpr int kThreads = 3, kCommands = 100;
  std::atomic<int> left{kThreads};
  std::vector<std::thread> clients;
  for (int t = 0; t < kThreads; ++t) {
    clients.emplace_back([&, t] {
      for (int i = 0; i < kCommands; ++i) {
        for (int attempt = 0;; ++attempt) {
          Node& node = attempt % 2 == 0 ? a_ : b_;
          auto done = Do(*node.ledger, Add(kIm0, absl::StrCat(t), {"x"}, absl::StrCat(i), absl::StrCat("person:", t)));
          if (done.ok()) {
            EXPECT_EQ(done->result, absl::StrCat(i + 1));
            break;
          }
          ASSERT_EQ(NotOwnedPartition(done.status()), kIm0) << done.status();
          std::this_thread::yield();
        }
      }
      --left;
    });
  }
  std::thread syncer([&] {
    for (uint64_t before = 0; left > 0;) {
      auto synced = b_.ledger->Sync();
      ASSERT_TRUE(synced.ok()) << synced.status();
      for (const auto& [id, head] : *synced) {
        if (id != kIm0) continue;
        EXPECT_GE(head, before);
        before = head;
      }
      EXPECT_TRUE(a_.ledger->Sync().ok());
      (void)b_.ledger->Owns(kIm0);
    }
  });
  while (left > 0) {
    Move(kIm0, a_, b_);
    Move(kIm0, b_, a_);
  }
  for (auto& client : clients) client.join();
  syncer.join();
  EXPECT_EQ(a_.ledger->Info(kIm0)->head, static_cast<uint64_t>(kThreads * kCommands));
  ExpectTheSame(kIm0);
  EXPECT_TRUE(b_.ledger->Replay(b_.dir.path(), std::nullopt).ok());
}

}  // namespace
}  // namespace yizhan::ledger
