// Streams over gRPC's generic callback API.
#pragma once

#include <grpcpp/generic/async_generic_service.h>

#include "base/rpc/stream.h"

namespace yizhan::rpc {

// The reactor of one stream, which is given to `accept`; deletes itself.
grpc::ServerGenericBidiReactor* NewStreamReactor(grpc::GenericCallbackServerContext* context,
                                                 const StreamAcceptor& accept);

}  // namespace yizhan::rpc
