// The live stream over gRPC.
#pragma once

#include <memory>

#include "base/rpc/stream.h"
#include "edge/live_stream.h"

namespace yizhan::edge {

// A stream came, on any thread.
void AcceptLive(const std::shared_ptr<LiveCore>& core, std::shared_ptr<rpc::ServerStream> stream);

}  // namespace yizhan::edge
