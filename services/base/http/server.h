// A small HTTP/1.1 server over streams.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/http/io_pool.h"
#include "base/http/message.h"
#include "base/http/request_parser.h"

struct ssl_ctx_st;

namespace yizhan::http {

struct ServerOptions {
  std::string address;
  // Null: plain. Outlives the server.
  ssl_ctx_st* tls = nullptr;
  RequestLimits limits;
  size_t max_connections = 100'000;
  // Of requests that are not whole yet, all connections together; beyond, those larger than 16 KiB are refused with
  // 503: whoever sends them has not been asked yet who they are.
  size_t max_unfinished_bytes = 64 << 20;
  // From a connection's start to its first request, and from a request's first byte to its last.
  absl::Duration request_timeout = absl::Seconds(20);
  // Between requests.
  absl::Duration idle_timeout = absl::Seconds(75);
  // A response of which the client takes nothing.
  absl::Duration write_timeout = absl::Seconds(30);
  // A request whose handler has not answered.
  absl::Duration answer_timeout = absl::Seconds(120);
  // For metrics and logs.
  std::string name = "http";
};

// Runs on the connection's io thread; must not block.
using Handler = std::function<void(Request, Respond)>;

class Server {
 public:
  // Unavailable when the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<Server>> Start(IoPool* pool, ServerOptions options, Handler handler);
  virtual ~Server() = default;  // stops
  virtual int port() const = 0;
  // Accepts no more, lets requests that are being answered end (3 s), closes the rest. The handler is not called once
  // it returned. Not from a thread of the pool.
  virtual void Stop() = 0;
};

}  // namespace yizhan::http
