// LinkService over gRPC's generic callback API.
#pragma once

#include <memory>

#include <grpcpp/generic/async_generic_service.h>

#include "base/rpc/link_hub.h"
#include "base/rpc/service.h"

namespace yizhan::rpc {

// The reactor of one edge's stream; deletes itself. Both outlive it. Calls on the link are dispatched into the table
// with the session's principal.
grpc::ServerGenericBidiReactor* NewLinkReactor(grpc::GenericCallbackServerContext* context, LinkHub* hub,
                                               const ServiceTable* table);

}  // namespace yizhan::rpc
