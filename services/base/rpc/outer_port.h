// The port that people's gRPC clients connect to. gRPC 1.51 stops listening for good once a connection finds no
// descriptor left; this one waits, leaves the last descriptors to the process's files, and hands what it accepted over.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/server_builder.h>

#include "absl/status/statusor.h"

namespace yizhan::rpc {

class OuterPort {
 public:
  // Binds and listens: "127.0.0.1:0", "[::1]:8443". Unavailable with PORT_IN_USE, or with ADDRESS for what is none.
  static absl::StatusOr<std::unique_ptr<OuterPort>> Open(const std::string& address);
  virtual ~OuterPort() = default;  // stops
  // The port that was bound.
  virtual int port() const = 0;
  // Begins to accept, on a thread of its own. Once, after the acceptor's server was started.
  virtual void Start(std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor) = 0;
  // Accepts no more. Before the acceptor's server is shut down. Once or more.
  virtual void Stop() = 0;
};

}  // namespace yizhan::rpc
