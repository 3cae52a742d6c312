// One bound resource: what a client says after log-in, and what it is told. Knows no sockets; outlives its stream when the client asked
// for that (XEP-0198), and then goes on over another one. Everything of it happens on one io thread.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/http/sweep.h"
#include "edge/session_router.h"
#include "edge/xmpp/element.h"
#include "edge/xmpp/jid.h"
#include "edge/xmpp/sm.h"
#include "edge/xmpp_server/contacts.h"
#include "edge/xmpp_server/direct_messages.h"
#include "edge/xmpp_server/handled_queue.h"
#include "edge/xmpp_server/rooms.h"
#include "edge/xmpp_server/stanza_sink.h"
#include "edge/xmpp_server/xmpp_context.h"

namespace yizhan::im::v1 {
class SendMessageRequest;
class SendMessageResponse;
}  // namespace yizhan::im::v1

namespace yizhan::edge::xmpp {

class XmppSession;

// Who keeps a thread's sessions.
class SessionHome {
 public:
  virtual ~SessionHome() = default;
  // Null when it is over.
  virtual XmppSession* Find(uint64_t id) = 0;
  // The session is over: let go of it soon, not now.
  virtual void Retire(XmppSession* session) = 0;
  // Under this id the session can be resumed, from any thread; and no more.
  virtual void AddResumption(XmppSession* session, const std::string& id) = 0;
  virtual void DropResumption(const std::string& id) = 0;
};

class XmppSession final : public SessionListener, private http::Sweep::Entry {
 public:
  // `id` is unique in the home. All outlive the session.
  XmppSession(const XmppContext* context, SessionHome* home, http::Sweep* sweep, uint64_t id, Jid jid);
  ~XmppSession() override;

  // Makes it known to the services; then `opened` is called, once: OK, or why there is none; perhaps before this returns. Not called
  // when OnStreamLost() comes first.
  void Open(size_t thread, SessionOptions options, absl::AnyInvocable<void(absl::Status)> opened);

  // --- from the stream

  // Its stanzas go there from now on.
  void Attach(StanzaSink* sink) { sink_ = sink; }
  // A whole element came. May end the session and the sink.
  void OnElement(const Element& element);
  // Bytes came.
  void OnHeard();
  // The client ended its stream in order: the session is over, and the sink was told.
  void OnStreamEnd();
  // A stream broke: the session is kept for resumption, or over. The sink is gone.
  void OnStreamLost(StanzaSink* sink);
  // The stream cannot go on (malformed, slow): says so as its last words and lets go of it. Then as OnStreamLost.
  void BreakStream(const absl::Status& why);
  // The client is back on another stream of the same person; says <resumed/> there once everything received before has been handled.
  // `refused` is the answer when that cannot be.
  void Resume(StanzaSink* sink, std::string_view previd, uint32_t h);
  // Ends it for all: another stream took its place, the server stops.
  void End(StreamCondition condition, std::string_view text);

  // --- for its parts

  const XmppContext& context() const { return *context_; }
  uint64_t id() const { return id_; }
  const Jid& jid() const { return jid_; }
  // The account's address without resource.
  std::string_view account() const { return jid_.bare(); }
  const std::string& person_id() const { return person_id_; }
  size_t thread() const { return thread_; }
  SessionHome& home() { return *home_; }
  Session& edge() { return *edge_; }
  bool over() const { return over_; }
  Rooms& rooms() { return rooms_; }
  DirectMessages& direct() { return direct_; }
  Contacts& contacts() { return contacts_; }
  const StreamManagement* sm() const { return managed_ == nullptr ? nullptr : &managed_->sm; }

  // Sends a stanza; counted and kept for resumption where the client asked for that. Nothing for an empty one.
  void Send(std::string stanza);
  void Send(Stanza stanza);
  // The stanza that is being handled counts as handled only when Handled() is told so; the ticket.
  uint64_t Defer() {
    deferred_ = true;
    return ticket_;
  }
  void Handled(uint64_t ticket);
  void Refuse(const Element& stanza, StanzaCondition condition, std::string_view text);
  void Refuse(const Element& stanza, const absl::Status& why);
  // Sends a message of the client to its owner and counts it as handled when that has answered; a refusal becomes an error stanza. The
  // stanza's type, to and id are kept for that. `sent` may be empty.
  void SendMessage(im::v1::SendMessageRequest request, const Element& stanza,
                   absl::AnyInvocable<void(const im::v1::SendMessageResponse&)> sent);
  // As above for a message that was put aside: `ticket` of Defer(), `head` of HeadOf().
  void SendMessage(im::v1::SendMessageRequest request, uint64_t ticket, std::string head,
                   absl::AnyInvocable<void(const im::v1::SendMessageResponse&)> sent);
  // What an error to a message needs of it, in one string.
  static std::string HeadOf(const Element& stanza);
  void RefuseHead(std::string_view head, const absl::Status& why);
  // A client id for the message, remembered so that IsOwn() knows it.
  std::string NewClientId(const Element& stanza);
  // Whether this session sent the message. Once for each.
  bool IsOwn(std::string_view client_id);
  // Looks after itself (cursors, acknowledgements) at that time of now_ms(), or before.
  void WakeAt(int64_t ms);
  int64_t now_ms() const { return context_->now_ms(); }
  bool carbons() const { return carbons_; }
  void set_carbons(bool on) { carbons_ = on; }
  // XEP-0352: the client's window is not looked at.
  bool inactive() const { return inactive_; }

  // SessionListener.
  void OnReady(bool again) override;
  void OnEvent(const std::shared_ptr<const Event>& event) override;
  void OnEventsEnd() override;
  void OnEnded(const absl::Status& why) override;

 private:
  struct Managed {
    Managed(const SmLimits* limits, int64_t sooner) : sm(limits, sooner) {}
    StreamManagement sm;
    HandledQueue handled;
    std::string resumption_id;
    int64_t detached_since = 0;  // 0: it has its stream
    int64_t detached_bytes = 0;  // as counted in the context
  };
  // A stream that waits for <resumed/>.
  struct Resuming {
    StanzaSink* sink;
    std::string previd;
    uint32_t h;
  };

  void OnDeadline() override;
  void OnNonza(const Element& element);
  void OnStanza(const Element& element);
  void Enable(const Element& enable);
  void Acknowledge(uint32_t h);
  void Progressed(HandledQueue::Progress progress);
  void FinishResume();
  void CountDetached();
  void SendNonza(std::string xml);
  bool Keep(const Stanza& stanza);
  void AfterWrite();
  // More waits for the client than may: then the stream is over.
  bool IsTooSlow();
  void CheckSilence(int64_t now);
  void Over();
  void Schedule();

  const XmppContext* const context_;
  SessionHome* const home_;
  const uint64_t id_;
  const Jid jid_;
  std::string person_id_;
  size_t thread_ = 0;
  StanzaSink* sink_ = nullptr;
  std::unique_ptr<Session> edge_;
  std::unique_ptr<Managed> managed_;
  std::unique_ptr<Resuming> resuming_;
  absl::AnyInvocable<void(absl::Status)> opened_;
  DirectMessages direct_;
  Contacts contacts_;
  Rooms rooms_;
  std::string scope_;                     // of client ids
  std::vector<std::string> origin_ids_;   // sent with an id of the client's own, not yet seen as an event
  uint64_t sent_ = 0;                     // messages, for client ids
  uint64_t ticket_ = 0;                   // of the stanza that is being handled
  int64_t heard_ms_;
  int64_t wake_ms_ = std::numeric_limits<int64_t>::max();
  uint32_t in_flight_ = 0;
  bool deferred_ = false;
  bool in_events_ = false;  // a flush comes at their end
  bool held_ = false;
  bool pinged_ = false;
  bool carbons_ = false;
  bool inactive_ = false;
  bool over_ = false;
};

}  // namespace yizhan::edge::xmpp
