// LiveService: over WebSocket at /live, frames binary or (?format=json) proto3 JSON, and over gRPC.
#pragma once

#include <memory>

#include "absl/time/time.h"
#include "base/http/message.h"
#include "base/rpc/server.h"
#include "edge/session_router.h"

namespace yizhan::edge {

inline constexpr char kLiveMethod[] = "/yizhan.live.v1.LiveService/Live";

struct LiveOptions {
  // A stream that authenticates by Hello says it within this time.
  absl::Duration hello_timeout = absl::Seconds(10);
  // Silence after which the server pings, and after which it gives the client up.
  absl::Duration ping_after = absl::Seconds(25);
  absl::Duration silence = absl::Seconds(60);
  // Bytes that wait for a client; beyond, it is told SLOW_CONSUMER and closed.
  size_t max_queued_bytes = 4 << 20;
  // One message of a client.
  size_t max_frame_bytes = 64 << 10;
  // Frames of a client in one second; beyond, PROTOCOL_ERROR.
  int max_frames_per_second = 100;
  size_t max_streams = 100'000;
};

class Live {
 public:
  // All outlive it.
  static std::unique_ptr<Live> Make(SessionRouter* router, rpc::Authenticator* authenticator, LiveOptions options);
  virtual ~Live() = default;  // stops

  // A request to /live, on its connection's thread. Whoever brings a bearer token or the session cookie is
  // authenticated before the upgrade (401 otherwise); who brings neither, or asks with ?hello, begins with Hello. Pages
  // of other sites are refused (403).
  virtual void Handle(http::Request request, http::Respond respond) = 0;
  // For rpc::Server::ServeStream with kLiveMethod; may outlive this, and refuses from Stop() on. A stream with a bearer
  // token is authenticated before its first frame (Unauthenticated otherwise), one without begins with Hello. When the
  // server ends it, Bye comes first and the status says the same.
  virtual rpc::StreamAcceptor acceptor() = 0;
  virtual size_t streams() const = 0;
  // Says SHUTTING_DOWN to every stream and closes it. Not from a thread of the pool.
  virtual void Stop() = 0;
};

}  // namespace yizhan::edge
