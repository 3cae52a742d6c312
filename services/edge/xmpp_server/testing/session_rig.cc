#include "edge/xmpp_server/testing/session_rig.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <utility>

#include "edge/xmpp_server/event_stanza.h"
#include "yizhan/directory/v1/directory_service.pb.h"
#include "yizhan/im/v1/conversation_service.pb.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::edge::xmpp {

std::string FakeSink::Take() {
  std::string all;
  for (std::string& one : written) all += one;
  written.clear();
  return all;
}

class FakeEdge::FakeSession final : public Session {
 public:
  FakeSession(FakeEdge* edge, rpc::Principal principal) : edge_(edge), principal_(std::move(principal)) {
    ++edge_->open;
  }
  ~FakeSession() override {
    --edge_->open;
    edge_->calls.clear();  // answers outstanding are dropped
  }
  void Call(std::string_view method, std::string request, absl::AnyInvocable<void(absl::StatusOr<std::string>)> done,
            absl::Duration, std::string) override {
    edge_->calls.push_back({std::string(method), std::move(request), std::move(done)});
  }
  const rpc::Principal& principal() const override { return principal_; }
  uint64_t id() const override { return 1; }
  bool ready() const override { return true; }
  bool Hears(std::string_view topic) const override { return edge_->topics.contains(std::string(topic)); }

 private:
  FakeEdge* const edge_;
  const rpc::Principal principal_;
};

absl::StatusOr<std::unique_ptr<Session>> FakeEdge::Open(size_t, SessionOptions options, SessionListener*) {
  if (!refuse.ok()) return refuse;
  return std::make_unique<FakeSession>(this, std::move(options.principal));
}

http::IoPool& FakeEdge::pool() { std::abort(); }

SessionRig::SessionRig() {
  directory::v1::SyncDirectoryResponse page;
  for (int i = 1; i <= 4; ++i) {
    auto* person = page.add_people();
    person->set_person_id(Cat("p", static_cast<unsigned>(i)));
    person->set_login(Cat("u", static_cast<unsigned>(i)));
    person->set_name(Cat("人", static_cast<unsigned>(i)));
    person->set_department_id(i < 4 ? "d1" : "d2");
    person->set_active(true);
  }
  auto* department = page.add_departments();
  department->set_department_id("d1");
  department->set_name("信贷部");
  people.Apply(page);
  context.domain = "example.org";
  context.groups_domain = "conference.example.org";
  context.router = &edge;
  context.people = &people;
  context.refresh_people = [this](size_t, absl::AnyInvocable<void()> done) { people_asked.push_back(std::move(done)); };
  context.now_ms = [this] { return now; };
}

SessionRig::~SessionRig() { session.reset(); }

void SessionRig::AddPerson(std::string_view id, std::string_view login) {
  directory::v1::Person person;
  person.set_person_id(std::string(id));
  person.set_login(std::string(login));
  person.set_active(true);
  people.Put(person);
  for (auto& done : std::exchange(people_asked, {})) done();
}

void SessionRig::Bind() {
  session = std::make_unique<XmppSession>(&context, this, &sweep, 7, *Jid::Parse("u1@example.org/desk"));
  listener = session.get();
  SessionOptions options;
  options.principal.set_kind(rpc::Principal::KIND_PERSON);
  options.principal.set_id("p1");
  options.principal.set_login("u1");
  absl::Status status = absl::UnknownError("not opened");
  session->Open(0, std::move(options), [&](absl::Status opened) { status = std::move(opened); });
  listener->OnReady(false);
  ASSERT_TRUE(status.ok()) << status;
  session->Attach(&sink);
}

void SessionRig::BindPresent() {
  Bind();
  Say("<presence/>");
  AnswerEmpty();
  Told();
}

void SessionRig::Say(std::string_view xml) {
  auto document = ParseElement(xml);
  ASSERT_TRUE(document.ok()) << document.status();
  session->OnHeard();
  session->OnElement(**document);
}

bool SessionRig::HasCall(std::string_view name) const {
  for (const FakeCall& call : edge.calls) {
    if (call.method.ends_with(Cat("/", name))) return true;
  }
  return false;
}

FakeCall SessionRig::TakeCall(std::string_view name) {
  for (auto it = edge.calls.begin(); it != edge.calls.end(); ++it) {
    if (!it->method.ends_with(Cat("/", name))) continue;
    FakeCall call = std::move(*it);
    edge.calls.erase(it);
    return call;
  }
  ADD_FAILURE() << "nothing has called " << name;
  return {"", "", [](absl::StatusOr<std::string>) {}};
}

void SessionRig::AnswerEmpty() {
  while (HasCall("Sync") || HasCall("SetPresence") || HasCall("WatchPresence")) {
    if (HasCall("Sync")) TakeCall("Sync").Answer(im::v1::SyncResponse());
    if (HasCall("SetPresence")) TakeCall("SetPresence").Answer(im::v1::SetPresenceResponse());
    if (HasCall("WatchPresence")) TakeCall("WatchPresence").Answer(im::v1::WatchPresenceResponse());
  }
}

void SessionRig::Hear(const im::v1::ImEvent& event, std::string_view topic) {
  live::v1::ServerFrame frame;
  *frame.mutable_im() = event;
  listener->OnEvent(std::make_shared<const Event>(std::string(topic), frame.SerializeAsString()));
  if (!retired) listener->OnEventsEnd();
}

im::v1::Message MakeMessage(std::string_view conversation_id, std::string_view sender_id, uint64_t seq,
                            std::string_view client_id, std::string_view text) {
  im::v1::Message message;
  message.set_conversation_id(std::string(conversation_id));
  message.set_sender_id(std::string(sender_id));
  message.set_seq(seq);
  message.set_message_id(1000 + seq);
  message.set_client_id(std::string(client_id));
  message.set_time_us(1'700'000'000'000'000);
  message.mutable_content()->set_text(std::string(text));
  return message;
}

void SessionRig::HearMessage(std::string_view from, std::string_view to, uint64_t seq, std::string_view client_id,
                             std::string_view text) {
  im::v1::ImEvent event;
  *event.mutable_message() = MakeMessage(DirectId(from, to), from, seq, client_id, text);
  Hear(event, event.message().conversation_id());
}

void SessionRig::HearGroup(std::string_view from, std::string_view handle, uint64_t seq, std::string_view client_id,
                           std::string_view text) {
  im::v1::ImEvent event;
  *event.mutable_message() = MakeMessage(Cat("g:", handle), from, seq, client_id, text);
  Hear(event, event.message().conversation_id());
}

void SessionRig::Pass(int64_t ms) {
  now += ms;
  sweep.Run(http::Sweep::TimePoint(std::chrono::milliseconds(now)));
}

FakeSink* SessionRig::NewSink() {
  more_sinks.push_back(std::make_unique<FakeSink>());
  return more_sinks.back().get();
}

}  // namespace yizhan::edge::xmpp
