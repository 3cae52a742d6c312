// The edge: everything that people's programs connect to over HTTP. XMPP stands beside it, on the same router.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/http/io_pool.h"
#include "base/rpc/channel.h"
#include "base/rpc/server.h"
#include "base/tls.h"
#include "edge/live.h"
#include "edge/rate_limiter.h"
#include "edge/session_router.h"
#include "edge/static_files.h"

namespace yizhan::edge {

struct EdgeOptions {
  // HTTPS: "0.0.0.0:443".
  std::string address;
  // Empty certificate: plain HTTP, for a proxy on the same machine that ends TLS and for tests. Cookies are not Secure
  // then.
  TlsPaths tls;
  // Empty dir: no pages.
  StaticOptions pages;
  LiveOptions live;
  RateLimiter::Limits anonymous;
  size_t max_connections = 100'000;
};

class Edge {
 public:
  // Channels finds the channel of a service; null for one that this installation lacks. All outlive the edge.
  static absl::StatusOr<std::unique_ptr<Edge>> Start(EdgeOptions options, http::IoPool* pool,
                                                     SessionRouter::Channels channels,
                                                     rpc::Authenticator* authenticator);
  virtual ~Edge() = default;  // stops

  virtual int port() const = 0;
  // LiveService over gRPC (edge/live.h).
  virtual rpc::StreamAcceptor live_acceptor() = 0;
  // For other kinds of connections (XMPP).
  virtual SessionRouter& router() = 0;
  // What anybody may do from one address, shared by all ways in.
  virtual RateLimiter& anonymous() = 0;
  // Accepts no more; says SHUTTING_DOWN to live streams; ends the router. Other users of the router have closed their
  // sessions before. Not from a thread of the pool, which is still running.
  virtual void Stop() = 0;
};

}  // namespace yizhan::edge
