// What machines tell one another of their devices: the class that ships, on real tables and in-process servers; only
// the cluster's view, and whether a machine can be reached, are the test's.
#include "cluster/sessions.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/synchronization/mutex.h"
#include "base/ids.h"
#include "base/rpc/server.h"
#include "base/status.h"
#include "yizhan/im/v1/conversation_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::cluster {
namespace {

using im::v1::SetPresenceRequest;
using im::v1::SetPresenceResponse;
using im::v1::SetTypingRequest;
using im::v1::SetTypingResponse;

constexpr char kTyping[] = "/yizhan.im.v1.MessageService/SetTyping";
constexpr char kPresence[] = "/yizhan.im.v1.ConversationService/SetPresence";

rpc::Principal Person(const std::string& id) {
  rpc::Principal person;
  person.set_kind(rpc::Principal::KIND_PERSON);
  person.set_id(id);
  return person;
}

class Town;

// A machine with one service, "im", that remembers which devices it was told of and what they said.
class Machine : public rpc::LinkHandler, public rpc::Elsewhere {
 public:
  Machine(Town* town, std::string name, uint64_t start);
  ~Machine() override {
    sessions->Stop();
    server->Stop();
    loop->Stop();
  }

  absl::StatusOr<std::vector<std::string>> OnOpen(const std::string& edge_id, uint64_t session,
                                                  const rpc::Principal& principal) override {
    absl::MutexLock lock(&mutex);
    if (strangers.contains(principal.id())) return absl::PermissionDeniedError("nobody of that name");
    EXPECT_TRUE(open.insert(absl::StrCat(principal.id(), "@", edge_id, "/", session)).second);
    return std::vector<std::string>{};
  }
  void OnClose(const std::string& edge_id, uint64_t session, const rpc::Principal& principal) override {
    absl::MutexLock lock(&mutex);
    EXPECT_EQ(open.erase(absl::StrCat(principal.id(), "@", edge_id, "/", session)), 1u);
    showing.erase(principal.id());
  }

  bool Would(const absl::Status&) const override { return false; }
  void Call(const rpc::Context&, std::string, std::string, const absl::Status& refusal, rpc::RawReply reply) override {
    reply(refusal);
  }
  void Shared(const rpc::Context& context, const std::string& method, std::string request,
              yizhan::common::v1::Sharing sharing) override {
    sessions->Called(context, method, std::move(request), sharing);
  }

  // As its own edge does.
  void Come(const std::string& person, uint64_t session) {
    ASSERT_TRUE(handler->OnOpen("edge-" + name, session, Person(person)).ok());
  }
  void Go(const std::string& person, uint64_t session) { handler->OnClose("edge-" + name, session, Person(person)); }
  template <typename Request>
  void Say(const std::string& person, uint64_t session, const char* method, const Request& request) {
    rpc::Context context;
    context.caller = Person(person);
    context.edge_id = "edge-" + name;
    context.link_session = session;
    table.Dispatch(context, method, request.SerializeAsString(),
                   [](const absl::StatusOr<std::string>& answer) { EXPECT_TRUE(answer.ok()) << answer.status(); });
  }

  std::set<std::string> Open() {
    absl::MutexLock lock(&mutex);
    return open;
  }

  const std::string name;
  std::unique_ptr<LoopThread> loop = MakeLoopThread("test");
  rpc::ServiceTable table;
  std::unique_ptr<rpc::Server> server;
  std::unique_ptr<rpc::Channel> channel;
  std::unique_ptr<Machines> machines;
  std::unique_ptr<Sessions> sessions;
  rpc::LinkHandler* handler = nullptr;

  absl::Mutex mutex;
  std::set<std::string> open;                  // "person@edge/session"
  std::map<std::string, std::string> showing;  // by person: the status that was said last
  std::vector<std::string> typed;              // "person in conversation"
  std::set<std::string> strangers;             // people that its replica does not have yet
};

// Machines that reach one another unless it is cut off.
class Town {
 public:
  Machine& Add(const std::string& name, uint64_t start = 1) {
    auto& machine = machines_[name];
    machine.reset();
    machine = std::make_unique<Machine>(this, name, start);
    absl::MutexLock lock(&mutex_);
    members_.insert(name);
    return *machine;
  }
  void Leave(const std::string& name) {
    absl::MutexLock lock(&mutex_);
    members_.erase(name);
  }
  void Cut(const std::string& name, bool cut) {
    absl::MutexLock lock(&mutex_);
    if (cut) {
      cut_.insert(name);
    } else {
      cut_.erase(name);
    }
  }
  ~Town() {
    for (auto& [name, machine] : machines_) machine->sessions->Stop();
    for (auto& [name, machine] : machines_) machine->loop->Stop();
  }

  std::shared_ptr<const View> Seen() {
    auto view = std::make_shared<View>();
    absl::MutexLock lock(&mutex_);
    for (const std::string& name : members_) {
      auto& member = view->members.emplace_back();
      member.node = name;
      member.address = name + ":1";
    }
    return view;
  }
  bool Reachable(const std::string& a, const std::string& b) {
    absl::MutexLock lock(&mutex_);
    return !cut_.contains(a) && !cut_.contains(b);
  }
  Machine* Find(const std::string& name) { return machines_.at(name).get(); }

 private:
  absl::Mutex mutex_;
  std::set<std::string> members_ ABSL_GUARDED_BY(mutex_), cut_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::unique_ptr<Machine>> machines_;
};

// To another machine's server, while it can be reached.
class Way : public rpc::Channel {
 public:
  Way(Town* town, std::string from, std::string to) : town_(town), from_(std::move(from)), to_(std::move(to)) {}
  void Call(std::string_view method, std::string request, rpc::CallOptions options, rpc::RawReply done) override {
    if (!town_->Reachable(from_, to_)) return done(absl::UnavailableError("cut off"));
    town_->Find(to_)->channel->Call(method, std::move(request), std::move(options), std::move(done));
  }
  std::unique_ptr<rpc::Link> OpenLink(std::string, std::string, std::function<void(yizhan::live::v1::LinkDown)>,
                                      std::function<void(absl::Status)>) override {
    return nullptr;
  }

 private:
  Town* const town_;
  const std::string from_, to_;
};

Machine::Machine(Town* town, std::string its_name, uint64_t start) : name(std::move(its_name)) {
  table.Unary<SetTypingRequest, SetTypingResponse>(
      kTyping,
      [this](const rpc::Context& context, const SetTypingRequest& request, rpc::Reply<SetTypingResponse> reply) {
        {
          absl::MutexLock lock(&mutex);
          typed.push_back(context.caller.id() + " in " + request.conversation_id());
        }
        reply.Ok({});
      });
  table.Unary<SetPresenceRequest, SetPresenceResponse>(kPresence, [this](const rpc::Context& context,
                                                                         const SetPresenceRequest& request,
                                                                         rpc::Reply<SetPresenceResponse> reply) {
    {
      absl::MutexLock lock(&mutex);
      EXPECT_TRUE(open.contains(absl::StrCat(context.caller.id(), "@", context.edge_id, "/", context.link_session)));
      showing[context.caller.id()] = request.presence().status();
    }
    reply.Ok({});
  });
  machines = std::make_unique<Machines>([town, from = name](const std::string& node, const std::string&) {
    return absl::StatusOr<std::unique_ptr<rpc::Channel>>(std::make_unique<Way>(town, from, node));
  });
  sessions = std::make_unique<Sessions>(
      Sessions::Parts{name, start, [town] { return town->Seen(); }, loop.get(), machines.get(), &table});
  RegisterSessions(&table, sessions.get(), [] { return true; });
  table.set_elsewhere(this);
  server = rpc::Server::Start({}, &table, nullptr).value();
  channel = server->channel();
  handler = sessions->Share("im", this);
  sessions->Start();
}

template <typename Condition>
::testing::AssertionResult Soon(Condition condition) {
  for (int i = 0; i < 1'000; ++i) {
    if (condition()) return ::testing::AssertionSuccess();
    absl::SleepFor(absl::Milliseconds(10));
  }
  return ::testing::AssertionFailure() << "not within 10 s";
}

using Names = std::set<std::string>;

TEST(SessionsTest, DevicesAndWhatTheySayAreKnownEverywhere) {
  Town town;
  Machine &a = town.Add("a"), &b = town.Add("b"), &c = town.Add("c");
  a.Come("wang", 1);
  b.Come("li", 7);
  for (Machine* machine : {&a, &b, &c})
    ASSERT_TRUE(Soon([&] { return machine->Open() == Names{"wang@edge-a/1", "li@edge-b/7"}; })) << machine->name;
  SetPresenceRequest presence;
  presence.mutable_presence()->set_status("in a meeting");
  a.Say("wang", 1, kPresence, presence);
  SetTypingRequest typing;
  typing.set_conversation_id("c1");
  b.Say("li", 7, kTyping, typing);
  for (Machine* machine : {&a, &b, &c}) {
    ASSERT_TRUE(Soon([&] {
      absl::MutexLock lock(&machine->mutex);
      return machine->showing["wang"] == "in a meeting" && machine->typed == std::vector<std::string>{"li in c1"};
    })) << machine->name;
  }
  a.Go("wang", 1);
  for (Machine* machine : {&a, &b, &c})
    ASSERT_TRUE(Soon([&] { return machine->Open() == Names{"li@edge-b/7"}; })) << machine->name;
  // Once each: what came from another machine is not told again.
  absl::SleepFor(absl::Milliseconds(600));
  for (Machine* machine : {&a, &b, &c}) {
    absl::MutexLock lock(&machine->mutex);
    EXPECT_EQ(machine->typed.size(), 1u) << machine->name;
  }
  EXPECT_EQ(a.sessions->others(), 1u);
  EXPECT_EQ(b.sessions->others(), 0u);
}

TEST(SessionsTest, OneThatComesLaterHearsEverything) {
  Town town;
  Machine& a = town.Add("a");
  a.Come("wang", 1);
  a.Come("zhao", 2);
  SetPresenceRequest presence;
  presence.mutable_presence()->set_status("away");
  a.Say("zhao", 2, kPresence, presence);
  SetTypingRequest typing;
  a.Say("zhao", 2, kTyping, typing);
  Machine& b = town.Add("b");
  ASSERT_TRUE(Soon([&] { return b.Open() == Names{"wang@edge-a/1", "zhao@edge-a/2"}; }));
  ASSERT_TRUE(Soon([&] {
    absl::MutexLock lock(&b.mutex);
    return b.showing["zhao"] == "away";
  }));
  absl::MutexLock lock(&b.mutex);
  EXPECT_TRUE(b.typed.empty());  // a moment that has passed
}

TEST(SessionsTest, WhatHappenedWhileCutOffIsMadeUpFor) {
  Town town;
  Machine &a = town.Add("a"), &b = town.Add("b");
  a.Come("wang", 1);
  a.Come("li", 2);
  ASSERT_TRUE(Soon([&] { return b.Open().size() == 2; }));
  town.Cut("b", true);
  a.Go("wang", 1);
  a.Come("zhao", 3);
  absl::SleepFor(absl::Milliseconds(300));
  EXPECT_EQ(b.Open(), (Names{"wang@edge-a/1", "li@edge-a/2"}));
  town.Cut("b", false);
  ASSERT_TRUE(Soon([&] { return b.Open() == Names{"li@edge-a/2", "zhao@edge-a/3"}; }));
}

TEST(SessionsTest, TheDevicesOfOneThatIsGoneAreGone) {
  Town town;
  Machine &a = town.Add("a"), &b = town.Add("b");
  a.Come("wang", 1);
  b.Come("li", 2);
  ASSERT_TRUE(Soon([&] { return b.Open().size() == 2 && a.Open().size() == 2; }));
  town.Cut("a", true);
  town.Leave("a");
  ASSERT_TRUE(Soon([&] { return b.Open() == Names{"li@edge-b/2"}; }));
}

TEST(SessionsTest, OneThatStartsAnewBeforeItsLeaseEndsIsHeardAnew) {
  Town town;
  town.Add("a", 1).Come("wang", 1);
  Machine& b = town.Add("b");
  ASSERT_TRUE(Soon([&] { return b.Open() == Names{"wang@edge-a/1"}; }));
  town.Cut("a", true);
  absl::SleepFor(absl::Milliseconds(100));  // what is under way arrives
  Machine& again = town.Add("a", 2);
  again.Come("zhao", 5);
  town.Cut("a", false);
  ASSERT_TRUE(Soon([&] { return b.Open() == Names{"zhao@edge-a/5"}; }));
  // And it hears of the others', though they have nothing new to say.
  b.Come("li", 9);
  ASSERT_TRUE(Soon([&] { return again.Open() == Names{"zhao@edge-a/5", "li@edge-b/9"}; }));
}

TEST(SessionsTest, APersonWhoIsNotKnownYetIsTriedAgain) {
  Town town;
  Machine &a = town.Add("a"), &b = town.Add("b");
  {
    absl::MutexLock lock(&b.mutex);
    b.strangers.insert("wang");
  }
  a.Come("wang", 1);
  a.Come("li", 2);
  ASSERT_TRUE(Soon([&] { return b.Open() == Names{"li@edge-a/2"}; }));
  {
    absl::MutexLock lock(&b.mutex);
    b.strangers.clear();
  }
  ASSERT_TRUE(Soon([&] { return b.Open() == Names{"li@edge-a/2", "wang@edge-a/1"}; }));
  a.Go("wang", 1);
  ASSERT_TRUE(Soon([&] { return b.Open() == Names{"li@edge-a/2"}; }));
}

TEST(SessionsTest, ABatchThatDoesNotFollowIsRefusedAndChangesNothing) {
  Town town;
  Machine& a = town.Add("a");
  v1::ShareSessionsRequest request;
  request.set_node("b");
  request.set_start(3);
  request.set_seq(2);
  auto* open = request.add_steps()->mutable_open();
  open->mutable_device()->set_service("im");
  open->mutable_device()->set_edge_id("e");
  open->mutable_device()->set_session(1);
  *open->mutable_principal() = Person("wang");
  EXPECT_EQ(ReasonOf(a.sessions->Take(request)), "SESSIONS_UNKNOWN");
  EXPECT_TRUE(a.Open().empty());
}

}  // namespace
}  // namespace yizhan::cluster
