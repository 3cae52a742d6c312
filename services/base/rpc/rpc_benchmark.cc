// Calls in one process: unary, and over a link.
#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/rpc/link_hub.h"
#include "base/rpc/server.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::rpc {
namespace {

using yizhan::im::v1::SendMessageRequest;
using yizhan::im::v1::SendMessageResponse;
using yizhan::live::v1::LinkDown;
using yizhan::live::v1::UpFrame;

constexpr char kSend[] = "/yizhan.im.v1.MessageService/SendMessage";

class Handler : public LinkHandler {
 public:
  absl::StatusOr<std::vector<std::string>> OnOpen(const std::string&, uint64_t, const Principal&) override {
    return std::vector<std::string>{"topic"};
  }
  void OnClose(const std::string&, uint64_t, const Principal&) override {}
};

struct Station {
  Station() {
    table.Unary<SendMessageRequest, SendMessageResponse>(
        kSend, [](const Context&, const SendMessageRequest&, Reply<SendMessageResponse> reply) {
          SendMessageResponse response;
          response.set_seq(1);
          reply.Ok(response);
        });
    server = Server::Start({}, &table, nullptr).value();
    hub = server->ServeLink("im", &handler);
    channel = server->channel();
    person.set_kind(Principal::KIND_PERSON);
    person.set_id("p0123456789ab");
  }
  ServiceTable table;
  Handler handler;
  std::unique_ptr<Server> server;
  Hub* hub;
  std::unique_ptr<Channel> channel;
  Principal person;
};

std::string Request() {
  SendMessageRequest request;
  request.set_conversation_id("d:p0123456789ab:p0123456789ac");
  request.set_client_id("0123456789abcdef");
  request.mutable_content()->set_text(std::string(100, 'x'));
  return request.SerializeAsString();
}

// What the table itself costs.
void Dispatch(benchmark::State& state) {
  Station station;
  Context context;
  context.caller = station.person;
  std::string request = Request();
  for (auto _ : state) {
    station.table.Dispatch(context, kSend, request,
                           [](absl::StatusOr<std::string> result) { benchmark::DoNotOptimize(result); });
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Dispatch);

// `range` unary calls in flight.
void Unary(benchmark::State& state) {
  Station station;
  CallOptions options;
  options.on_behalf_of = station.person;
  std::string request = Request();
  for (auto _ : state) {
    std::atomic<int64_t> left{state.range(0)};
    absl::Notification done;
    for (int64_t i = 0; i < state.range(0); ++i) {
      station.channel->Call(kSend, request, options, [&](absl::StatusOr<std::string>) {
        if (left.fetch_sub(1) == 1) done.Notify();
      });
    }
    done.WaitForNotification();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Unary)->Arg(1)->Arg(64)->UseRealTime();

// `range` calls on a link in flight.
void LinkCalls(benchmark::State& state) {
  Station station;
  struct Answers {
    absl::Mutex mutex;
    int64_t count = 0, wanted = 0;
  };
  auto answers = std::make_shared<Answers>();
  auto link = station.channel->OpenLink(
      "im", "e1",
      [answers](LinkDown down) {
        absl::MutexLock lock(&answers->mutex);
        for (const auto& frame : down.frames()) answers->count += frame.has_reply();
      },
      [](absl::Status) {});
  UpFrame open;
  open.mutable_open()->set_session(1);
  *open.mutable_open()->mutable_principal() = station.person;
  (void)link->Send(open);
  UpFrame frame;
  frame.mutable_call()->set_session(1);
  frame.mutable_call()->set_method(kSend);
  frame.mutable_call()->set_request(Request());
  uint64_t id = 0;
  for (auto _ : state) {
    {
      absl::MutexLock lock(&answers->mutex);
      answers->wanted += state.range(0);
    }
    for (int64_t i = 0; i < state.range(0); ++i) {
      frame.mutable_call()->set_call_id(++id);
      (void)link->Send(frame);
    }
    absl::MutexLock lock(&answers->mutex);
    answers->mutex.Await(absl::Condition(
        +[](Answers* a) { return a->count >= a->wanted; }, answers.get()));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(LinkCalls)->Arg(1)->Arg(64)->Arg(1024)->UseRealTime();

// Events from a hub to an edge, `range` published at a time.
void Events(benchmark::State& state) {
  Station station;
  auto got = std::make_shared<std::atomic<int64_t>>(0);
  auto link = station.channel->OpenLink(
      "im", "e1", [got](LinkDown down) { got->fetch_add(down.frames_size()); }, [](absl::Status) {});
  UpFrame open;
  open.mutable_open()->set_session(1);
  *open.mutable_open()->mutable_principal() = station.person;
  (void)link->Send(open);
  while (got->load() == 0) absl::SleepFor(absl::Milliseconds(1));
  int64_t wanted = got->load();
  std::string frame(200, 'f');
  for (auto _ : state) {
    wanted += state.range(0);
    for (int64_t i = 0; i < state.range(0); ++i) station.hub->Publish("topic", frame);
    while (got->load() < wanted) std::this_thread::yield();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Events)->Arg(1)->Arg(256)->UseRealTime();

// 1,000 sessions of one edge, `range` topics each.
class Crowd : public LinkHandler {
 public:
  static constexpr uint64_t kSessions = 1'000;
  explicit Crowd(int64_t topics) {
    for (int64_t i = 0; i < topics; ++i) topics_.push_back("presence:p0123456789" + std::to_string(100'000 + i));
    link = std::make_shared<LinkHub::EdgeLink>(
        "e1", size_t{1} << 30, [this](std::string) { (void)link->queue.Written(); }, [] {});
    hub.Attach(link);
  }
  absl::StatusOr<std::vector<std::string>> OnOpen(const std::string&, uint64_t, const Principal&) override {
    return topics_;
  }
  void OnClose(const std::string&, uint64_t, const Principal&) override {}
  void Open(uint64_t session) {
    auto principal = std::make_shared<Principal>();
    principal->set_id("p" + std::to_string(session));
    (void)hub.Open(link, session, std::move(principal));
  }

  LinkHub hub{"im", this};
  std::shared_ptr<LinkHub::EdgeLink> link;
  std::vector<std::string> topics_;
};

// A session comes and goes while the others are there.
void HubSession(benchmark::State& state) {
  Crowd crowd(state.range(0));
  for (uint64_t i = 0; i < Crowd::kSessions; ++i) crowd.Open(i);
  for (auto _ : state) {
    crowd.Open(Crowd::kSessions);
    crowd.hub.Close(crowd.link, Crowd::kSessions);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(HubSession)->Arg(10)->Arg(1000);

// What a page does that looks at other people: each topic begun and ended for one principal.
void HubSubscribe(benchmark::State& state) {
  Crowd crowd(state.range(0));
  for (uint64_t i = 0; i < Crowd::kSessions; ++i) crowd.Open(i);
  std::vector<std::string> others;
  for (int64_t i = 0; i < state.range(0); ++i) others.push_back("watched:p0123456789" + std::to_string(100'000 + i));
  for (auto _ : state) {
    for (const std::string& topic : others) crowd.hub.Subscribe("p1", topic, true);
    for (const std::string& topic : others) crowd.hub.Subscribe("p1", topic, false);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * 2);
}
BENCHMARK(HubSubscribe)->Arg(10)->Arg(1000);

}  // namespace
}  // namespace yizhan::rpc
