// How calls look in gRPC: metadata names, statuses with details, bytes.
#pragma once

#include <string>
#include <string_view>

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace yizhan::rpc {

// Honoured on the inner face only: a serialised Principal on whose behalf the call is made; empty for nobody.
inline constexpr char kCallerKey[] = "yizhan-caller-bin";
// Names the request in logs; taken over when it is a proper one. Comes back with the answer.
inline constexpr char kRequestIdKey[] = "yizhan-request-id";
// The same under the name that others use.
inline constexpr char kCommonRequestIdKey[] = "x-request-id";
// Honoured on the inner face only: the client's address.
inline constexpr char kRemoteKey[] = "yizhan-remote-address";
// The inner face: the service that calls.
inline constexpr char kServiceKey[] = "yizhan-service";
// LinkService: whose link it is.
inline constexpr char kLinkServiceKey[] = "yizhan-link-service";
inline constexpr char kAuthorizationKey[] = "authorization";
inline constexpr char kLinkMethod[] = "/yizhan.live.v1.LinkService/Link";

// A link's queue in one direction; beyond it the link is broken (towards an edge) or Send refuses (from one).
inline constexpr size_t kMaxLinkQueueBytes = 64u << 20;
// The largest message of a link: everything that was queued, and one more frame.
inline constexpr int kMaxLinkMessageBytes = static_cast<int>(kMaxLinkQueueBytes + (8u << 20));

// With ErrorInfo (reason, retry hint, request id) in grpc-status-details-bin.
grpc::Status ToGrpc(const absl::Status& status, const std::string& request_id);
// And back: reason and retry hint become payloads of the status.
absl::Status FromGrpc(const grpc::Status& status);

// Builds a status out of its parts, as they travel in a link's Reply.
absl::Status MakeStatus(int code, std::string message, const std::string& reason, uint32_t retry_after_ms);

// Takes the string over without a copy.
grpc::ByteBuffer ToBuffer(std::string bytes);
// All of a buffer in one piece; Internal when gRPC cannot read it.
absl::StatusOr<std::string> FromBuffer(const grpc::ByteBuffer& buffer);

}  // namespace yizhan::rpc
