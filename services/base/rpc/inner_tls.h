// The inner face between machines: mutual TLS, and who calls by their certificate.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/rpc/service.h"
#include "base/tls.h"

namespace yizhan::rpc {

// Demand a certificate of the other end that the files' authority has signed. The files are watched; they have been
// checked before (ReadIdentity). A channel speaks only to `node`, and to `service` of it
// where that is not empty.
//
// gRPC 1.51 offers no least version of TLS other than 1.2. Both ends are ours and can 1.3, which TLS itself protects
// from being talked down, so 1.2 is never spoken between them.
std::shared_ptr<grpc::ServerCredentials> InnerServerCredentials(const TlsPaths& paths);
std::shared_ptr<grpc::ChannelCredentials> InnerChannelCredentials(const TlsPaths& paths, std::string node,
                                                                 std::string service);

// How long a silent peer is borne with, how connections are tried again, and that nothing but the named address is
// spoken to.
void SetInnerArguments(grpc::ServerBuilder* server);
void SetInnerArguments(const std::string& node, grpc::ChannelArguments* channel);

// Whose certificate a call came with. Unauthenticated (NO_IDENTITY) when it names no service.
absl::StatusOr<ServiceIdentity> PeerIdentity(const grpc::GenericCallbackServerContext& call);

// The service that calls: of several the claimed one, else the first; "yizhan" for all.
std::string CallerName(const ServiceIdentity& identity, std::string_view claimed);

// Whether a peer may pass this caller on to the service `called`. PermissionDenied (NOT_THIS_SERVICE) for a service
// that it is not itself, unless it is another process of the one that is called, which hands on whom it has let in.
absl::Status MayPassOn(const ServiceIdentity& identity, const Principal& caller, std::string_view called);

}  // namespace yizhan::rpc
