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
  // Inner, over the network: who calls is what their certificate says, and this is who is called.
  bool certified = false;
  std::string service_name = "";
};

// The reactor of one call; deletes itself.
grpc::ServerGenericBidiReactor* NewUnaryReactor(grpc::GenericCallbackServerContext* context, const Face* face);

// A reactor that refuses the call.
grpc::ServerGenericBidiReactor* NewRefusal(const absl::Status& status);

// What a call on the outer face says of itself. Unauthenticated (TOKEN_REQUIRED) for another scheme than Bearer; empty
// without a token.
absl::StatusOr<std::string> BearerToken(const grpc::GenericCallbackServerContext& context);
// The connection's, without its port.
std::string RemoteAddress(const grpc::GenericCallbackServerContext& context);
// The caller's (yizhan-request-id, else x-request-id) where it is a proper one, else drawn.
std::string RequestIdOf(const grpc::GenericCallbackServerContext& context);

}  // namespace yizhan::rpc
