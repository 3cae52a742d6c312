// Customer service over a real ledger, through its calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/status.h"
#include "desk/service.h"
#include "ledger/testing/counters.h"

namespace yizhan::desk {
namespace {

using namespace yizhan::desk::v1;  // NOLINT
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DeskTest : public testing::Test {
 protected:
  DeskTest() { Open(); }
  ~DeskTest() override { Close(); }

  void Open() {
    ledger::Options options;
    options.data_dir = dir_.path();
    options.partitions = {{"desk", 1}};
    options.min_free_bytes = 0;
    options.replicated = replica_;
    ledger_ = *ledger::Ledger::Open(options);
    keyring_ = *ledger::Keyring::Open(ledger_.get(), dir_.path());
    desk_ = std::make_unique<DeskService>(ledger_.get(), keyring_.get(), patience_);
    ASSERT_TRUE(ledger_->Start().ok());
    table_ = std::make_unique<rpc::ServiceTable>();
    desk_->Register(*table_);
  }
  void Close() {
    if (desk_) desk_->Stop();
    if (ledger_) ledger_->Stop();
    table_.reset();
    desk_.reset();
    keyring_.reset();
    ledger_.reset();
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const rpc::Principal& caller, const std::string& method, const Request& request) {
    rpc::Context context;
    context.caller = caller;
    absl::Notification done;
    absl::StatusOr<std::string> bytes;
    table_->Dispatch(context, "/yizhan.desk.v1." + method, request.SerializeAsString(), [&](absl::StatusOr<std::string> answer) {
      bytes = std::move(answer);
      done.Notify();
    });
    done.WaitForNotification();
    if (!bytes.ok()) return bytes.status();
    Response response;
    EXPECT_TRUE(response.ParseFromString(*bytes));
    return response;
  }

  static rpc::Principal Person(const std::string& name, int role) {
    rpc::Principal person;
    person.set_kind(rpc::Principal::KIND_PERSON);
    person.set_id("p" + name + std::string(12 - name.size(), '0'));
    person.add_roles(static_cast<common::v1::Role>(role));
    return person;
  }
  static rpc::Principal AgentNamed(const std::string& name) { return Person(name, common::v1::ROLE_AGENT); }
  static rpc::Principal System() {
    rpc::Principal system;
    system.set_kind(rpc::Principal::KIND_SERVICE);
    system.set_id("edge");
    return system;
  }

  // A group of these agents with a channel.
  void SetUpGroup(const std::vector<std::string>& agents) {
    PutServiceGroupRequest group;
    group.mutable_group()->set_name("Cards");
    for (const auto& name : agents) group.mutable_group()->add_agent_ids(AgentNamed(name).id());
    group_id_ = Call<PutServiceGroupResponse>(System(), "AgentService/PutServiceGroup", group)->group().group_id();
    PutChannelRequest channel;
    channel.mutable_channel()->set_name("Web");
    channel.mutable_channel()->set_group_id(group_id_);
    channel.mutable_channel()->add_allowed_origins("https://bank.example");
    channel_id_ = Call<PutChannelResponse>(System(), "AgentService/PutChannel", channel)->channel().channel_id();
  }

  struct Visitor {
    rpc::Principal principal;
    std::string token;
  };
  Visitor Visit(const std::string& token = "") {
    StartVisitRequest request;
    request.set_channel_id(channel_id_);
    request.set_token(token);
    auto started = Call<StartVisitResponse>({}, "VisitorService/StartVisit", request);
    EXPECT_TRUE(started.ok()) << started.status();
    Visitor visitor;
    visitor.token = started->token();
    visitor.principal.set_kind(rpc::Principal::KIND_VISITOR);
    visitor.principal.set_id(started->customer().customer_id());
    return visitor;
  }
  absl::StatusOr<SendLineResponse> Write(const Visitor& visitor, const std::string& text, const std::string& client_id) {
    SendLineRequest request;
    request.set_text(text);
    request.set_client_id(client_id);
    return Call<SendLineResponse>(visitor.principal, "VisitorService/SendLine", request);
  }
  absl::Status Go(const rpc::Principal& agent, Agent::State state, uint32_t capacity = 0) {
    SetStateRequest request;
    request.set_state(state);
    request.set_capacity(capacity);
    return Call<SetStateResponse>(agent, "AgentService/SetState", request).status();
  }
  GetWorkbenchResponse Bench(const rpc::Principal& agent) {
    auto response = Call<GetWorkbenchResponse>(agent, "AgentService/GetWorkbench", GetWorkbenchRequest());
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *response : GetWorkbenchResponse();
  }
  absl::StatusOr<SendReplyResponse> Answer(const rpc::Principal& agent, const std::string& id, const std::string& text, bool internal = false, const std::string& client_id = "") {
    SendReplyRequest request;
    request.set_conversation_id(id);
    request.set_text(text);
    request.set_internal(internal);
    request.set_client_id(client_id.empty() ? text : client_id);
    return Call<SendReplyResponse>(agent, "AgentService/SendReply", request);
  }
  absl::Status Close(const rpc::Principal& agent, const std::string& id) {
    CloseRequest request;
    request.set_conversation_id(id);
    return Call<CloseResponse>(agent, "AgentService/Close", request).status();
  }
  std::vector<std::string> VisitorSees(const Visitor& visitor) {
    std::vector<std::string> texts;
    auto lines = Call<ListLinesResponse>(visitor.principal, "VisitorService/ListLines", ListLinesRequest());
    EXPECT_TRUE(lines.ok()) << lines.status();
    for (const auto& line : lines->lines()) {
      if (!line.text().empty()) texts.push_back(line.text());
    }
    return texts;
  }

  ledger::testing::TempDir dir_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<ledger::Keyring> keyring_;
  std::unique_ptr<DeskService> desk_;
  std::unique_ptr<rpc::ServiceTable> table_;
  std::string group_id_, channel_id_;
  Attendance::Patience patience_;
  bool replica_ = false;
};

TEST_F(DeskTest, AVisitorIsAnsweredByAFreeAgent) {
  SetUpGroup({"amy"});
  ASSERT_TRUE(Go(AgentNamed("amy"), Agent::STATE_ONLINE).ok());
  const Visitor visitor = Visit();
  auto sent = Write(visitor, "我的卡丢了", "1");
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->reception().owner(), OWNER_AGENT);
  auto bench = Bench(AgentNamed("amy"));
  ASSERT_EQ(bench.mine_size(), 1);
  EXPECT_EQ(bench.mine(0).last_line().text(), "我的卡丢了");
  EXPECT_GT(bench.mine(0).unanswered_since_us(), 0);
  ASSERT_TRUE(Answer(AgentNamed("amy"), bench.mine(0).conversation_id(), "马上为您挂失").ok());
  EXPECT_THAT(VisitorSees(visitor), ElementsAre("我的卡丢了", "马上为您挂失"));
  EXPECT_EQ(Bench(AgentNamed("amy")).mine(0).unanswered_since_us(), 0);
}

TEST_F(DeskTest, TheOldestWaitingIsNextAndKnowsItsPlace) {
  SetUpGroup({"amy"});
  const Visitor first = Visit(), second = Visit();
  ASSERT_TRUE(Write(first, "a", "1").ok());
  ASSERT_TRUE(Write(second, "b", "1").ok());
  EXPECT_EQ(Call<ListLinesResponse>(second.principal, "VisitorService/ListLines", ListLinesRequest())->position(), 2u);
  ASSERT_TRUE(Go(AgentNamed("amy"), Agent::STATE_ONLINE, 1).ok());
  auto bench = Bench(AgentNamed("amy"));
  ASSERT_EQ(bench.mine_size(), 1);
  EXPECT_EQ(bench.mine(0).customer_id(), first.principal.id());
  EXPECT_EQ(Call<ListLinesResponse>(second.principal, "VisitorService/ListLines", ListLinesRequest())->position(), 1u);
  ASSERT_TRUE(Close(AgentNamed("amy"), bench.mine(0).conversation_id()).ok());
  EXPECT_EQ(Bench(AgentNamed("amy")).mine(0).customer_id(), second.principal.id());
  EXPECT_EQ(Bench(AgentNamed("amy")).closed_today(), 1u);
}

TEST_F(DeskTest, ARetryMakesNoSecondCopy) {
  SetUpGroup({"amy"});
  const Visitor visitor = Visit();
  auto first = Write(visitor, "hello", "same");
  auto again = Write(visitor, "hello", "same");
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->line().seq(), again->line().seq());
  EXPECT_EQ(again->line().text(), "hello");
  EXPECT_THAT(VisitorSees(visitor), ElementsAre("hello"));
}

TEST_F(DeskTest, AReconnectKeepsTheConversation) {
  SetUpGroup({"amy"});
  const Visitor visitor = Visit();
  ASSERT_TRUE(Write(visitor, "hello", "1").ok());
  Close();
  Open();
  StartVisitRequest request;
  request.set_channel_id(channel_id_);
  request.set_token(visitor.token);
  auto again = Call<StartVisitResponse>({}, "VisitorService/StartVisit", request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->customer().customer_id(), visitor.principal.id());
  EXPECT_EQ(again->position(), 1u);
  EXPECT_FALSE(again->reception().conversation_id().empty());
}

TEST_F(DeskTest, AnInternalNoteNeverReachesTheVisitor) {
  SetUpGroup({"amy"});
  ASSERT_TRUE(Go(AgentNamed("amy"), Agent::STATE_ONLINE).ok());
  const Visitor visitor = Visit();
  const std::string id = Write(visitor, "hello", "1")->reception().conversation_id();
  ASSERT_TRUE(Answer(AgentNamed("amy"), id, "客户情绪激动", true).ok());
  EXPECT_THAT(VisitorSees(visitor), ElementsAre("hello"));
  auto reception = Call<ListLinesResponse>(visitor.principal, "VisitorService/ListLines", ListLinesRequest())->reception();
  EXPECT_EQ(reception.last_line().text(), "hello");
}

TEST_F(DeskTest, TransfersToAColleagueWithRoomOrToAGroupsHead) {
  SetUpGroup({"amy", "bob"});
  ASSERT_TRUE(Go(AgentNamed("amy"), Agent::STATE_ONLINE, 1).ok());
  const Visitor visitor = Visit();
  const std::string id = Write(visitor, "hello", "1")->reception().conversation_id();
  TransferRequest request;
  request.set_conversation_id(id);
  request.set_to_agent_id(AgentNamed("bob").id());
  EXPECT_EQ(ReasonOf(Call<TransferResponse>(AgentNamed("amy"), "AgentService/Transfer", request).status()), "AGENT_UNAVAILABLE");
  ASSERT_TRUE(Go(AgentNamed("bob"), Agent::STATE_ONLINE, 1).ok());
  request.set_note("VIP");
  auto moved = Call<TransferResponse>(AgentNamed("amy"), "AgentService/Transfer", request);
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->reception().agent_id(), AgentNamed("bob").id());
  EXPECT_EQ(Bench(AgentNamed("amy")).mine_size(), 0);
  EXPECT_EQ(ReasonOf(Answer(AgentNamed("amy"), id, "too late").status()), "NOT_YOURS");
  EXPECT_THAT(VisitorSees(visitor), ElementsAre("hello"));
}

TEST_F(DeskTest, GoingOfflineHandsReceptionsBackToTheQueuesHead) {
  SetUpGroup({"amy", "bob"});
  ASSERT_TRUE(Go(AgentNamed("amy"), Agent::STATE_ONLINE, 1).ok());
  const Visitor first = Visit(), second = Visit();
  ASSERT_TRUE(Write(first, "a", "1").ok());
  ASSERT_TRUE(Write(second, "b", "1").ok());
  ASSERT_TRUE(Go(AgentNamed("amy"), Agent::STATE_OFFLINE).ok());
  ASSERT_TRUE(Go(AgentNamed("bob"), Agent::STATE_ONLINE, 1).ok());
  EXPECT_EQ(Bench(AgentNamed("bob")).mine(0).customer_id(), first.principal.id());
}

TEST_F(DeskTest, WhoIsGoneIsTakenFromWorkAndTheirCustomersGoToAColleague) {
  Close();
  patience_ = {absl::Milliseconds(50), absl::Milliseconds(100)};
  Open();
  SetUpGroup({"amy", "bob"});
  ASSERT_TRUE(Go(AgentNamed("amy"), Agent::STATE_ONLINE).ok());
  const Visitor visitor = Visit();
  ASSERT_TRUE(Write(visitor, "a", "1").ok());
  ASSERT_EQ(Bench(AgentNamed("amy")).mine_size(), 1);
  ASSERT_TRUE(Go(AgentNamed("bob"), Agent::STATE_ONLINE).ok());
  rpc::LinkHandler& link = *desk_->link_handler();
  ASSERT_TRUE(link.OnOpen("e1", 1, AgentNamed("bob")).ok());
  ASSERT_TRUE(link.OnOpen("e1", 2, AgentNamed("amy")).ok());
  ASSERT_TRUE(link.OnOpen("e2", 2, AgentNamed("amy")).ok());
  ASSERT_TRUE(desk_->Start().ok());
  link.OnClose("e1", 2, AgentNamed("amy"));
  absl::SleepFor(absl::Milliseconds(200));
  EXPECT_EQ(Bench(AgentNamed("amy")).me().state(), Agent::STATE_ONLINE) << "one of her devices is there";
  link.OnClose("e2", 2, AgentNamed("amy"));
  for (int i = 0; i < 1'000 && Bench(AgentNamed("amy")).me().state() != Agent::STATE_OFFLINE; ++i) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_EQ(Bench(AgentNamed("amy")).me().state(), Agent::STATE_OFFLINE);
  EXPECT_EQ(Bench(AgentNamed("amy")).mine_size(), 0);
  EXPECT_EQ(Bench(AgentNamed("bob")).me().state(), Agent::STATE_ONLINE);
  EXPECT_EQ(Bench(AgentNamed("bob")).mine_size(), 1);
}

TEST_F(DeskTest, WhoDoesNotComeBackAfterARestartIsTakenFromWork) {
  SetUpGroup({"amy"});
  ASSERT_TRUE(Go(AgentNamed("amy"), Agent::STATE_ONLINE).ok());
  Close();
  patience_ = {absl::Milliseconds(20), absl::Minutes(5)};
  Open();
  ASSERT_TRUE(desk_->Start().ok());
  for (int i = 0; i < 1'000 && Bench(AgentNamed("amy")).me().state() == Agent::STATE_ONLINE; ++i) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_EQ(Bench(AgentNamed("amy")).me().state(), Agent::STATE_PAUSED);
}

TEST_F(DeskTest, AMachineThatComesToDecideTakesFromWorkWhoHasBeenGone) {
  SetUpGroup({"amy"});
  ASSERT_TRUE(Go(AgentNamed("amy"), Agent::STATE_ONLINE).ok());
  Close();
  patience_ = {absl::Milliseconds(20), absl::Milliseconds(40)};
  replica_ = true;
  Open();
  ASSERT_TRUE(desk_->Start().ok());
  absl::SleepFor(absl::Milliseconds(300));
  EXPECT_EQ(Bench(AgentNamed("amy")).me().state(), Agent::STATE_ONLINE) << "another machine decides";
  absl::Notification owned;
  ledger_->Own({"desk", 0}, true, [&](absl::Status status) {
    EXPECT_TRUE(status.ok()) << status;
    owned.Notify();
  });
  owned.WaitForNotification();
  for (int i = 0; i < 1'000 && Bench(AgentNamed("amy")).me().state() != Agent::STATE_OFFLINE; ++i) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_EQ(Bench(AgentNamed("amy")).me().state(), Agent::STATE_OFFLINE);
}

TEST_F(DeskTest, StrangersSeeNothing) {
  SetUpGroup({"amy"});
  ASSERT_TRUE(Go(AgentNamed("amy"), Agent::STATE_ONLINE).ok());
  const Visitor visitor = Visit();
  const std::string id = Write(visitor, "hello", "1")->reception().conversation_id();
  ListReceptionLinesRequest lines;
  lines.set_conversation_id(id);
  EXPECT_EQ(Call<ListReceptionLinesResponse>(AgentNamed("eve"), "AgentService/ListReceptionLines", lines).status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(Answer(AgentNamed("eve"), id, "hi").ok());
  EXPECT_FALSE(Answer(AgentNamed("eve"), id, "note", true).ok());
  EXPECT_FALSE(Close(AgentNamed("eve"), id).ok());
  RateRequest rate;
  rate.set_conversation_id(id);
  rate.set_rating(1);
  EXPECT_EQ(Call<RateResponse>(Visit().principal, "VisitorService/Rate", rate).status().code(), absl::StatusCode::kNotFound);
  // A supervisor does.
  EXPECT_TRUE(Call<ListReceptionLinesResponse>(Person("sue", common::v1::ROLE_SUPERVISOR), "AgentService/ListReceptionLines", lines).ok());
}

TEST_F(DeskTest, RatesOnceAfterTheEnd) {
  SetUpGroup({"amy"});
  ASSERT_TRUE(Go(AgentNamed("amy"), Agent::STATE_ONLINE).ok());
  const Visitor visitor = Visit();
  RateRequest rate;
  rate.set_conversation_id(Write(visitor, "hello", "1")->reception().conversation_id());
  rate.set_rating(5);
  rate.set_comment("很好");
  EXPECT_EQ(ReasonOf(Call<RateResponse>(visitor.principal, "VisitorService/Rate", rate).status()), "NOT_CLOSED");
  ASSERT_TRUE(Close(AgentNamed("amy"), rate.conversation_id()).ok());
  const auto rated = Call<RateResponse>(visitor.principal, "VisitorService/Rate", rate);
  ASSERT_TRUE(rated.ok()) << rated.status();
  EXPECT_EQ(rated->reception().rating(), 5u);
  EXPECT_EQ(rated->reception().rating_comment(), "很好");
  // The agent sees the customer's words too.
  ListReceptionLinesRequest lines;
  lines.set_conversation_id(rate.conversation_id());
  const auto seen = Call<ListReceptionLinesResponse>(AgentNamed("amy"), "AgentService/ListReceptionLines", lines);
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_EQ(seen->reception().rating_comment(), "很好");
  // Writing again begins a new one.
  EXPECT_NE(Write(visitor, "one more", "2")->reception().conversation_id(), rate.conversation_id());
}

TEST_F(DeskTest, AChannelRefusesPagesOfOtherOrigins) {
  SetUpGroup({"amy"});
  StartVisitRequest request;
  request.set_channel_id(channel_id_);
  request.set_origin("https://evil.example");
  EXPECT_EQ(ReasonOf(Call<StartVisitResponse>({}, "VisitorService/StartVisit", request).status()), "ORIGIN_NOT_ALLOWED");
  request.set_origin("https://bank.example");
  EXPECT_TRUE(Call<StartVisitResponse>({}, "VisitorService/StartVisit", request).ok());
  request.set_channel_id("wnothing00000");
  EXPECT_EQ(ReasonOf(Call<StartVisitResponse>({}, "VisitorService/StartVisit", request).status()), "NO_SUCH_CHANNEL");
}

TEST_F(DeskTest, TellsWhichSitesMayEmbedAChannel) {
  SetUpGroup({"amy"});
  ListEmbeddingSitesRequest request;
  request.set_channel_id(channel_id_);
  auto sites = Call<ListEmbeddingSitesResponse>(System(), "VisitorService/ListEmbeddingSites", request);
  ASSERT_TRUE(sites.ok()) << sites.status();
  EXPECT_THAT(sites->origins(), ::testing::ElementsAre("https://bank.example"));
  request.set_channel_id("wnothing00000");
  EXPECT_EQ(Call<ListEmbeddingSitesResponse>(System(), "VisitorService/ListEmbeddingSites", request)->origins_size(), 0);
}

TEST_F(DeskTest, AChannelTakesOriginsAsBrowsersWriteThem) {
  SetUpGroup({"amy"});
  PutChannelRequest request;
  request.mutable_channel()->set_name("Web");
  request.mutable_channel()->set_group_id(group_id_);
  request.mutable_channel()->add_allowed_origins("");
  for (const char* origin : {"", "bank.example", "https://", "https://Bank.example", "https://bank.example/", "https://bank.example/loan",
                             "https://bank.example:", "https://bank.example:123456", "https://a; script-src *", "https://*.bank.example",
                             "https://a b", "'self'", "data:", "ftp://bank.example", "https://.example", "https://a..b", "https://u@bank.example"}) {
    request.mutable_channel()->set_allowed_origins(0, origin);
    EXPECT_EQ(ReasonOf(Call<PutChannelResponse>(System(), "AgentService/PutChannel", request).status()), "ORIGIN_INVALID") << origin;
  }
  for (const char* origin : {"*", "https://bank.example", "http://10.0.0.7:8080", "https://xn--fiq228c.example:8443"}) {
    request.mutable_channel()->set_allowed_origins(0, origin);
    EXPECT_TRUE(Call<PutChannelResponse>(System(), "AgentService/PutChannel", request).ok()) << origin;
  }
}

// RC's and CW's known failure: a limit that breaks under races.
TEST_F(DeskTest, ACapacityIsNeverExceededUnderRacesAndNobodyWaitsWhileAnAgentIsFree) {
  const std::vector<std::string> names = {"amy", "bob", "cat", "dan"};
  SetUpGroup(names);
  constexpr uint32_t kCapacity = 3;
  for (const auto& name : names) ASSERT_TRUE(Go(AgentNamed(name), Agent::STATE_ONLINE, kCapacity).ok());
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 30; ++i) {
        if (!Write(Visit(), "x", absl::StrCat(t, ".", i)).ok()) over = true;
        const auto agent = AgentNamed(names[random() % names.size()]);
        AcceptRequest accept;
        (void)Call<AcceptResponse>(agent, "AgentService/Accept", accept);
        auto bench = Bench(agent);
        if (bench.mine_size() > static_cast<int>(kCapacity) || bench.me().load() > kCapacity) over = true;
        if (bench.mine_size() > 0 && random() % 2) (void)Close(agent, bench.mine(0).conversation_id());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(over);
  uint32_t room = 0, waiting = 0;
  for (const auto& name : names) {
    auto bench = Bench(AgentNamed(name));
    EXPECT_EQ(static_cast<int>(bench.me().load()), bench.mine_size());
    room += kCapacity - bench.me().load();
    waiting = static_cast<uint32_t>(bench.waiting_size());
  }
  EXPECT_TRUE(room == 0 || waiting == 0) << room << " free, " << waiting << " waiting";
}

TEST_F(DeskTest, TwoRacingForOneReceptionOneWins) {
  SetUpGroup({"amy", "bob"});
  ASSERT_TRUE(Go(AgentNamed("amy"), Agent::STATE_PAUSED).ok());
  ASSERT_TRUE(Go(AgentNamed("bob"), Agent::STATE_PAUSED).ok());
  for (int round = 0; round < 20; ++round) {
    AcceptRequest request;
    request.set_conversation_id(Write(Visit(), "x", "1")->reception().conversation_id());
    absl::Status amy, bob;
    std::thread other([&] { bob = Call<AcceptResponse>(AgentNamed("bob"), "AgentService/Accept", request).status(); });
    amy = Call<AcceptResponse>(AgentNamed("amy"), "AgentService/Accept", request).status();
    other.join();
    EXPECT_NE(amy.ok(), bob.ok());
    EXPECT_EQ(ReasonOf(amy.ok() ? bob : amy), "ALREADY_TAKEN");
    ASSERT_TRUE(Close(amy.ok() ? AgentNamed("amy") : AgentNamed("bob"), request.conversation_id()).ok());
  }
}

TEST_F(DeskTest, BadTextIsRefusedAndChangesNothing) {
  SetUpGroup({"amy"});
  const Visitor visitor = Visit();
  EXPECT_EQ(ReasonOf(Write(visitor, "", "1").status()), "EMPTY_TEXT");
  EXPECT_EQ(ReasonOf(Write(visitor, std::string(10'001, 'x'), "1").status()), "TEXT_TOO_LONG");
  EXPECT_EQ(ReasonOf(Write(visitor, "a\x01", "1").status()), "CONTROL_CHARACTER");
  EXPECT_EQ(ReasonOf(Write(visitor, "a", "").status()), "BAD_CLIENT_ID");
  EXPECT_THAT(VisitorSees(visitor), testing::IsEmpty());
}

}  // namespace
}  // namespace yizhan::desk
