// The edge's heart: sessions (connected devices) on one side, links to the services that own conversations on the
// other.
//
// A connection of any kind (WebSocket, XMPP) implements SessionListener, opens a Session on its own io thread, calls
// through it and hears events. Everything of one session happens on that thread: Open, Call, the callbacks and the
// destructor. No locks, no waiting.
//
//   session_ = router->Open(thread_index, {.principal = principal, .token = token}, this);
//   ... OnReady(): from here on events come; what was before is fetched by Sync.
//   session_->Call("/yizhan.im.v1.MessageService/SendMessage", request, [this](absl::StatusOr<std::string> answer) {
//   ... });
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/http/io_pool.h"
#include "base/rpc/channel.h"
#include "base/rpc/server.h"
#include "yizhan/live/v1/live_service.pb.h"

namespace yizhan::edge {

// One event, handed to every session at this edge that hears its topic: one object for all. Immutable; safe on any
// thread.
class Event {
 public:
  Event(std::string topic, std::string frame)
      : topic_(std::move(topic)), frame_(std::make_shared<const std::string>(std::move(frame))) {}

  const std::string& topic() const { return topic_; }
  // A serialised yizhan.live.v1.ServerFrame, to be written to a socket as it is.
  const std::shared_ptr<const std::string>& frame() const { return frame_; }
  // The frame, parsed at the first call, once for all sessions. Empty (kind not set) when the bytes are not a
  // ServerFrame.
  const yizhan::live::v1::ServerFrame& parsed() const;

  // A form of the event that several sessions share (JSON text, a stanza without its addressee): rendered at the first
  // call, once. Forms are numbered by who uses them.
  enum Form : size_t { kJson = 0, kWebSocketJson = 1, kXmpp = 2, kXmppGroup = 3, kForms = 4 };
  template <typename Render>
  const std::string& Rendered(Form form, Render render) const {
    std::call_once(rendered_once_[form], [&] { rendered_[form] = render(*this); });
    return rendered_[form];
  }

 private:
  const std::string topic_;
  const std::shared_ptr<const std::string> frame_;
  mutable std::once_flag parsed_once_;
  mutable yizhan::live::v1::ServerFrame parsed_;
  mutable std::array<std::once_flag, kForms> rendered_once_;
  mutable std::array<std::string, kForms> rendered_;
};

// What a session tells its connection, on the connection's io thread. The connection may destroy its Session inside any
// of these.
class SessionListener {
 public:
  virtual ~SessionListener() = default;
  // Every link is open and its topics are live. Called again after a link broke and was opened anew: events may have
  // been lost in between, so the client is told to sync (`again`).
  virtual void OnReady(bool again) = 0;
  // Something happened. Order is kept per topic.
  virtual void OnEvent(const std::shared_ptr<const Event>& event) = 0;
  // The last event of a batch was handed over: time to write what was collected.
  virtual void OnEventsEnd() {}
  // The session is over and hears nothing more: Unauthenticated (logged out, kicked, expired: reason SESSION_ENDED), or
  // what the service refused it with. Not called for a Session that its connection destroyed.
  virtual void OnEnded(const absl::Status& why) = 0;
};

struct SessionOptions {
  // Authenticated.
  yizhan::rpc::Principal principal;
  // The token behind it: asked again every 15 to 25 seconds, so that a session ends when its token does. Empty: only
  // the principal's expiry is kept.
  std::string token;
  std::string remote_address;
};

// One connected device. Destroying it closes it: answers still outstanding are dropped.
class Session {
 public:
  virtual ~Session() = default;

  // One unary call as this session's principal: through the link of the method's service ("im", "desk") where the
  // session has one, so that the owner knows the device, else through the service's channel. `done` runs once on the
  // session's io thread, never inside Call, and not at all when the session is destroyed first. Answers: the response's
  // bytes; Unavailable (reason LINK_BROKEN) while the service cannot be reached; DeadlineExceeded (checked twice a
  // second).
  virtual void Call(std::string_view method, std::string request,
                    absl::AnyInvocable<void(absl::StatusOr<std::string>)> done,
                    absl::Duration timeout = absl::Seconds(10), std::string request_id = "") = 0;

  // The same with messages.
  template <typename Response, typename Request>
  void Ask(std::string_view method, const Request& request, absl::AnyInvocable<void(absl::StatusOr<Response>)> done) {
    Call(method, request.SerializeAsString(), [done = std::move(done)](absl::StatusOr<std::string> bytes) mutable {
      if (!bytes.ok()) return done(bytes.status());
      Response response;
      if (!response.ParseFromString(*bytes)) return done(absl::InternalError("unreadable answer"));
      done(std::move(response));
    });
  }

  virtual const yizhan::rpc::Principal& principal() const = 0;
  // Unique at this edge, for logs.
  virtual uint64_t id() const = 0;
  // Whether it is between OnReady and a break of a link.
  virtual bool ready() const = 0;
  // Whether it hears a topic now.
  virtual bool Hears(std::string_view topic) const = 0;
};

class SessionRouter {
 public:
  // Finds the channel of a service ("im", "desk", "directory", "audit", "admin", "ledger"); null for one that this
  // installation lacks.
  using Channels = std::function<yizhan::rpc::Channel*(std::string_view service)>;

  struct Limits {
    // Streams of one principal at this edge; beyond, Open refuses.
    size_t sessions_per_principal = 20;
    size_t sessions = 200'000;
    // Calls of one session waiting for their answers; beyond, Call answers ResourceExhausted.
    size_t calls_per_session = 1'000;
  };

  // All outlive the router. Links are opened at once and kept open: a broken one is tried again after 100 ms to 2 s.
  static std::unique_ptr<SessionRouter> Make(yizhan::http::IoPool* pool, Channels channels,
                                             yizhan::rpc::Authenticator* authenticator, Limits limits);
  static std::unique_ptr<SessionRouter> Make(yizhan::http::IoPool* pool, Channels channels,
                                             yizhan::rpc::Authenticator* authenticator) {
    return Make(pool, std::move(channels), authenticator, Limits());
  }
  // Every session was closed before.
  virtual ~SessionRouter() = default;

  // On io thread `thread` of the pool, which is the session's from then on. Persons are linked to im, and to desk when
  // they are agents or supervisors; visitors to desk. ResourceExhausted (TOO_MANY_STREAMS) beyond a limit. Never calls
  // the listener inside Open.
  virtual absl::StatusOr<std::unique_ptr<Session>> Open(size_t thread, SessionOptions options,
                                                        SessionListener* listener) = 0;

  // "/yizhan.im.v1.MessageService/SendMessage" -> "im".
  static std::string_view ServiceOf(std::string_view method);
  // The channel for a method; null when there is none.
  virtual yizhan::rpc::Channel* ChannelFor(std::string_view method) const = 0;
  virtual yizhan::http::IoPool& pool() = 0;
  // Names this start of the edge.
  virtual const std::string& edge_id() const = 0;
  // Whether all links are up.
  virtual bool linked() const = 0;
  // Ends the links; sessions hear nothing more. Before the pool stops.
  virtual void Stop() = 0;
};

}  // namespace yizhan::edge
