// Unary calls over gRPC's generic callback API.
#pragma once

#include <string>

#include <grpcpp/generic/async_generic_service.h>

#include "base/rpc/server.h"
#include "base/rpc/service.h"

namespace yizhan::rpc {

// What a face of the server is made of. All outlive its calls.
struct Face {
  const ServiceTable* table;
  // Null on the inner face, whose callers are believed.
  Authenticator* authenticator;
  bool inner;
};

// The reactor of one call; deletes itself.
grpc::ServerGenericBidiReactor* NewUnaryReactor(grpc::GenericCallbackServerContext* context, const Face* face);

// A reactor that refuses the call.
grpc::ServerGenericBidiReactor* NewRefusal(const absl::Status& status);

}  // namespace yizhan::rpc
