// Streams of clients on the outer face, for whoever serves a streaming method. Knows nothing of gRPC.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"

namespace yizhan::rpc {

// Told by a ServerStream, on threads of the transport's: must not block.
class StreamReader {
 public:
  virtual ~StreamReader() = default;
  // A message; the next one after ReadNext().
  virtual void OnMessage(std::string bytes) = 0;
  // The client will send nothing more; it still listens.
  virtual void OnHalfClosed() = 0;
  // The client is gone. Not after Finish().
  virtual void OnGone() = 0;
};

// One client's stream. Thread-safe. Whoever takes one calls Finish(), or waits for OnGone().
class ServerStream {
 public:
  virtual ~ServerStream() = default;
  // The bearer token, not yet looked at; empty without one.
  virtual const std::string& token() const = 0;
  virtual const std::string& remote_address() const = 0;
  // The client's where it sent a proper one, else drawn.
  virtual const std::string& request_id() const = 0;

  // Reads the first message. Once.
  virtual void Start(std::shared_ptr<StreamReader> reader) = 0;
  virtual void ReadNext() = 0;
  // Queued; messages go in order. Nothing after Finish() or once the client is gone. The caller watches queued_bytes().
  virtual void Write(std::shared_ptr<const std::string> message) = 0;
  virtual size_t queued_bytes() const = 0;
  // Ends the stream once what is queued has been written.
  virtual void Finish(absl::Status status) = 0;
  // Ends it at once.
  virtual void Cancel() = 0;
};

using StreamAcceptor = std::function<void(std::shared_ptr<ServerStream>)>;

}  // namespace yizhan::rpc
