#include "base/rpc/wire.h"

#include <vector>

#include <grpcpp/support/slice.h>

#include "base/status.h"
#include "yizhan/common/v1/errors.pb.h"
#include "yizhan/common/v1/rpc_status.pb.h"

namespace yizhan::rpc {
namespace {
constexpr char kErrorInfoUrl[] = "type.googleapis.com/yizhan.common.v1.ErrorInfo";
}

grpc::Status ToGrpc(const absl::Status& status, const std::string& request_id) {
  if (status.ok()) return grpc::Status::OK;
  yizhan::common::v1::ErrorInfo info;
  info.set_reason(ReasonOf(status));
  info.set_retry_after_ms(static_cast<uint32_t>(RetryAfterMs(status)));
  info.set_request_id(request_id);
  yizhan::common::v1::RpcStatus details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message()));
  auto* any = details.add_details();
  any->set_type_url(kErrorInfoUrl);
  any->set_value(info.SerializeAsString());
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      details.SerializeAsString());
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  yizhan::common::v1::RpcStatus details;
  yizhan::common::v1::ErrorInfo info;
  if (details.ParseFromString(status.error_details())) {
    for (const auto& any : details.details()) {
      if (any.type_url() == kErrorInfoUrl && info.ParseFromString(any.value())) break;
    }
  }
  return MakeStatus(status.error_code(), status.error_message(), info.reason(), info.retry_after_ms());
}

absl::Status MakeStatus(int code, std::string message, const std::string& reason, uint32_t retry_after_ms) {
  if (code == 0) return absl::OkStatus();
  auto absl_code = code >= 1 && code <= 16 ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown;
  if (retry_after_ms > 0) return RefuseForNow(absl_code, reason, message, static_cast<int>(retry_after_ms));
  if (!reason.empty()) return Refuse(absl_code, reason, message);
  return absl::Status(absl_code, message);
}

grpc::ByteBuffer ToBuffer(std::string bytes) {
  auto* kept = new std::string(std::move(bytes));
  grpc::Slice slice(
      kept->data(), kept->size(), [](void* string) { delete static_cast<std::string*>(string); }, kept);
  return grpc::ByteBuffer(&slice, 1);
}

absl::StatusOr<std::string> FromBuffer(const grpc::ByteBuffer& buffer) {
  std::string bytes;
  if (!buffer.Valid()) return bytes;
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return absl::InternalError("a message could not be read");
  bytes.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

}  // namespace yizhan::rpc
