// Accepts connections and spreads them over a pool's threads.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/http/io_pool.h"
#include "base/http/stream.h"

namespace yizhan::http {

struct ListenerOptions {
  // "127.0.0.1:0", "0.0.0.0:443", "[::]:443".
  std::string address;
  // Connections at once; beyond, new ones are closed at once and counted. So are those that would take the descriptors
  // which the process needs for its files (the last 1,024, or the last quarter).
  size_t max_connections = 100'000;
  // For the metrics' label: "https", "xmpp".
  std::string name;
};

class Listener {
 public:
  // `on_accept` runs on the new stream's thread, which has not begun to read. Unavailable when the address cannot be
  // bound (PORT_IN_USE), InvalidArgument when it is not one.
  static absl::StatusOr<std::unique_ptr<Listener>> Open(IoPool* pool, ListenerOptions options,
                                                        std::function<void(std::shared_ptr<Stream>)> on_accept);
  virtual ~Listener() = default;  // stops
  // The port that was bound.
  virtual int port() const = 0;
  // Connections that live.
  virtual size_t connections() const = 0;
  // Accepts no more; streams live on. Not from a thread of the pool.
  virtual void Stop() = 0;
};

}  // namespace yizhan::http
