// Channel over a gRPC channel.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <grpcpp/channel.h>

#include "absl/synchronization/mutex.h"
#include "base/rpc/channel.h"

namespace yizhan::rpc {

// gRPC 1.51 crashes when a call is begun on an in-process channel whose server has been shut down, and may when such a
// channel outlives its server: calls are begun through the gate, Close() waits for those that are just being begun, and
// whoever holds the gate keeps the server from being freed.
class Gate {
 public:
  // Once, before the first Pass().
  void Keep(std::shared_ptr<void> server) { server_ = std::move(server); }
  void Close() {
    absl::MutexLock lock(&mutex_);
    open_ = false;
  }
  // Runs `begin` unless closed; whether it did.
  template <typename Begin>
  bool Pass(Begin begin) {
    absl::ReaderMutexLock lock(&mutex_);
    if (open_) begin();
    return open_;
  }

 private:
  std::shared_ptr<void> server_;
  absl::Mutex mutex_;
  bool open_ ABSL_GUARDED_BY(mutex_) = true;
};

// Calls appear as those of `service_name` unless they pass a caller on; empty for the outside.
std::unique_ptr<Channel> WrapChannel(std::shared_ptr<grpc::Channel> channel, std::string service_name,
                                     std::shared_ptr<Gate> gate);

}  // namespace yizhan::rpc
