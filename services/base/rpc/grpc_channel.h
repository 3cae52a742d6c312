// Channel over a gRPC channel.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>

#include "base/rpc/channel.h"

namespace yizhan::rpc {

// Calls appear as those of `service_name` unless they pass a caller on; empty for the outside.
std::unique_ptr<Channel> WrapChannel(std::shared_ptr<grpc::Channel> channel, std::string service_name);

}  // namespace yizhan::rpc
