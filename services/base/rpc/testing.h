// A client of streams for tests: gRPC's own, over TLS.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/rpc/channel.h"

namespace yizhan::rpc::testing {

class StreamClient {
 public:
  // Begins a stream of the method with this metadata. Ends the process when the authorities' file cannot be read.
  static std::unique_ptr<StreamClient> Open(const ConnectOptions& options, const std::string& method,
                                            const std::map<std::string, std::string>& metadata);
  virtual ~StreamClient() = default;  // cancels, and waits for the end

  virtual void Write(std::string message) = 0;
  // Nothing more will be written.
  virtual void HalfClose() = 0;
  // The next message; none when the stream has ended or after 10 s.
  virtual std::optional<std::string> Read() = 0;
  virtual void Cancel() = 0;
  // The end, once everything was read; DeadlineExceeded after 10 s.
  virtual absl::Status Finish() = 0;
};

}  // namespace yizhan::rpc::testing
