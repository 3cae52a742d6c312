// Channel over a gRPC channel.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>

#include "absl/synchronization/mutex.h"
#include "base/rpc/channel.h"

namespace yizhan::rpc {

// gRPC 1.51 crashes when a call is begun on an in-process channel whose server has been shut down: a call is begun through the gate, and
// Close() waits for those that are just being begun.
class Gate {
 public:
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
  absl::Mutex mutex_;
  bool open_ ABSL_GUARDED_BY(mutex_) = true;
};

// Calls appear as those of `service_name` unless they pass a caller on; empty for the outside.
std::unique_ptr<Channel> WrapChannel(std::shared_ptr<grpc::Channel> channel, std::string service_name, std::shared_ptr<Gate> gate);

}  // namespace yizhan::rpc
