// An XmppSession without network and services: what it writes and what it calls are kept, answers and events are given
// by the test.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "edge/session_router.h"
#include "edge/xmpp_server/people_book.h"
#include "edge/xmpp_server/text.h"
#include "edge/xmpp_server/xmpp_session.h"
#include "yizhan/im/v1/live.pb.h"

namespace yizhan::edge::xmpp {

// Keeps what is written.
class FakeSink final : public StanzaSink {
 public:
  void Write(Stanza xml) override { Write(std::string(*xml)); }
  void Write(std::string xml) override { written.push_back(std::move(xml)); }
  void Flush() override { ++flushes; }
  void FlushSoon() override {}
  size_t queued_bytes() const override { return queued; }
  void Hold(bool hold) override { held = hold; }
  void End(std::string words) override {
    ended = true;
    last_words = std::move(words);
  }
  // All of it since the last time.
  std::string Take();

  std::vector<std::string> written;
  std::string last_words;
  size_t queued = 0;
  int flushes = 0;
  bool held = false, ended = false;
};

// A call that was made.
struct FakeCall {
  std::string method, request;
  absl::AnyInvocable<void(absl::StatusOr<std::string>)> done;
  template <typename Request>
  Request As() const {
    Request parsed;
    parsed.ParseFromString(request);
    return parsed;
  }
  template <typename Response>
  void Answer(const Response& response) {
    std::exchange(done, nullptr)(response.SerializeAsString());
  }
  void Fail(absl::Status why) { std::exchange(done, nullptr)(std::move(why)); }
};

class FakeEdge final : public SessionRouter {
 public:
  absl::StatusOr<std::unique_ptr<Session>> Open(size_t thread, SessionOptions options,
                                                SessionListener* listener) override;
  rpc::Channel* ChannelFor(std::string_view) const override { return nullptr; }
  http::IoPool& pool() override;
  const std::string& edge_id() const override { return id_; }
  bool linked() const override { return true; }
  void Stop() override {}

  std::deque<FakeCall> calls;
  std::set<std::string> topics;
  absl::Status refuse;
  int open = 0;

 private:
  class FakeSession;
  const std::string id_ = "e0";
};

// The world around one session of "u1" (p1), who writes to "u2" (p2) and "u3" (p3) at example.org.
class SessionRig : public SessionHome {
 public:
  SessionRig();
  ~SessionRig() override;

  // The session, bound as u1@example.org/desk, its stream attached; not yet present.
  void Bind();
  // With initial presence; the calls that this makes are answered (nothing waits) and forgotten, what was written is,
  // too.
  void BindPresent();
  // A stanza of the client.
  void Say(std::string_view xml);
  // What the client was told since the last time.
  std::string Told() { return sink.Take(); }
  // The oldest unanswered call of this method's last name ("SendMessage"); fails the test when there is none.
  FakeCall TakeCall(std::string_view name);
  bool HasCall(std::string_view name) const;
  // Answers everything that presence and rosters ask with nothing.
  void AnswerEmpty();
  // The directory has somebody new, and tells those who asked.
  void AddPerson(std::string_view id, std::string_view login);
  void Hear(const im::v1::ImEvent& event, std::string_view topic);
  // A direct message from one to another, as an event.
  void HearMessage(std::string_view from, std::string_view to, uint64_t seq, std::string_view client_id,
                   std::string_view text);
  void HearGroup(std::string_view from, std::string_view handle, uint64_t seq, std::string_view client_id,
                 std::string_view text);
  // Time passes; what was due happens.
  void Pass(int64_t ms);
  // Another stream for resumption.
  FakeSink* NewSink();

  // SessionHome.
  XmppSession* Find(uint64_t id) override {
    return session != nullptr && session->id() == id && !session->over() ? session.get() : nullptr;
  }
  void Retire(XmppSession*) override { retired = true; }
  void AddResumption(XmppSession*, const std::string& id) override { resumption_id = id; }
  void DropResumption(const std::string&) override { resumption_id.clear(); }

  int64_t now = 1'000'000;
  http::Sweep sweep;
  PeopleBook people;
  std::vector<absl::AnyInvocable<void()>> people_asked;  // who waits for news of the directory
  FakeEdge edge;
  XmppContext context;
  FakeSink sink;
  std::vector<std::unique_ptr<FakeSink>> more_sinks;
  std::string resumption_id;
  bool retired = false;
  std::unique_ptr<XmppSession> session;
  SessionListener* listener = nullptr;
};

// The i-th message of a conversation as its owner tells of it: id 1000 + seq.
im::v1::Message MakeMessage(std::string_view conversation_id, std::string_view sender_id, uint64_t seq,
                            std::string_view client_id, std::string_view text);

}  // namespace yizhan::edge::xmpp
