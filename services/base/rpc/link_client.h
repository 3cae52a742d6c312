// The edge's end of a link, over gRPC.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <grpcpp/channel.h>

#include "base/rpc/channel.h"

namespace yizhan::rpc {

std::unique_ptr<Link> NewLink(std::shared_ptr<grpc::Channel> channel, std::string service, std::string edge_id,
                              std::function<void(yizhan::live::v1::LinkDown)> on_frames,
                              std::function<void(absl::Status)> on_broken);

}  // namespace yizhan::rpc
