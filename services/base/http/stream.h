// One connection of a socket, plain or under TLS, on one thread of an IoPool. Between events an idle one holds no
// buffer: it waits until the socket is readable, reads into its thread's buffer, and writes what it can at once.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

struct ssl_ctx_st;

namespace yizhan::http {

class IoPool;

// What a connection does with its stream; all on the stream's thread.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // Bytes came. They are gone when this returns.
  virtual void OnData(std::string_view bytes) = 0;
  // Everything written so far is in the kernel's hands, after some of it had to wait.
  virtual void OnDrained() {}
  // The handshake of StartTls() is done.
  virtual void OnTls() {}
  // The stream is closed: OK, the other side ended it in order; DeadlineExceeded, SetTimeout's time passed;
  // Unavailable, it broke. Once; not after Close() or Detach(). The handler may destroy itself and let go of the
  // stream.
  virtual void OnClosed(const absl::Status& why) = 0;
};

class Stream {
 public:
  virtual ~Stream() = default;

  // Begins to read, or goes on with another handler. Everything below: on the stream's thread.
  virtual void Start(StreamHandler* handler) = 0;
  // Calls no handler from here on; Start() with another one follows soon, or Close().
  virtual void Detach() = 0;

  // Adds to what is to be sent; Flush() sends it, or the return from OnData does.
  virtual void Write(std::string bytes) = 0;
  // The same bytes for many streams.
  virtual void Write(std::shared_ptr<const std::string> bytes) = 0;
  virtual void Flush() = 0;
  // Bytes written that the kernel has not taken yet: the measure for a slow consumer.
  virtual size_t queued_bytes() const = 0;

  // Leaves what comes in the kernel's buffer, or takes it again.
  virtual void PauseReading(bool pause) = 0;

  // From here on the stream is under TLS as a server; what was written before goes out plain first. Then OnTls() or
  // OnClosed(). `early` is what was read beyond the plain part: must be empty (a client that sends it is attacked or
  // broken) or the stream breaks.
  virtual void StartTls(ssl_ctx_st* context, std::string_view early) = 0;
  virtual bool secure() const = 0;

  // OnClosed(DeadlineExceeded) after this time, up to half a second late, unless it is set anew. InfiniteDuration:
  // never.
  virtual void SetTimeout(absl::Duration timeout) = 0;

  // Ends it once what was written is sent, at most 5 s later; no handler is called any more. The handler lets go of the
  // stream.
  virtual void Close() = 0;

  // "192.0.2.7", "2001:db8::1".
  virtual const std::string& remote_address() const = 0;
  virtual size_t thread() const = 0;
};

}  // namespace yizhan::http
