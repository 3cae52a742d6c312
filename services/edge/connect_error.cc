#include "edge/connect_error.h"

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "base/status.h"
#include "yizhan/common/v1/errors.pb.h"

namespace yizhan::edge {
namespace {

struct Row {
  absl::StatusCode code;
  const char* name;
  int http;
};
constexpr Row kRows[] = {
    {absl::StatusCode::kCancelled, "canceled", 499},
    {absl::StatusCode::kUnknown, "unknown", 500},
    {absl::StatusCode::kInvalidArgument, "invalid_argument", 400},
    {absl::StatusCode::kDeadlineExceeded, "deadline_exceeded", 504},
    {absl::StatusCode::kNotFound, "not_found", 404},
    {absl::StatusCode::kAlreadyExists, "already_exists", 409},
    {absl::StatusCode::kPermissionDenied, "permission_denied", 403},
    {absl::StatusCode::kResourceExhausted, "resource_exhausted", 429},
    {absl::StatusCode::kFailedPrecondition, "failed_precondition", 400},
    {absl::StatusCode::kAborted, "aborted", 409},
    {absl::StatusCode::kOutOfRange, "out_of_range", 400},
    {absl::StatusCode::kUnimplemented, "unimplemented", 501},
    {absl::StatusCode::kInternal, "internal", 500},
    {absl::StatusCode::kUnavailable, "unavailable", 503},
    {absl::StatusCode::kDataLoss, "data_loss", 500},
    {absl::StatusCode::kUnauthenticated, "unauthenticated", 401},
};

const Row& RowOf(absl::StatusCode code) {
  for (const Row& row : kRows) {
    if (row.code == code) return row;
  }
  return kRows[1];
}

}  // namespace

int HttpStatusOf(absl::StatusCode code) { return RowOf(code).http; }
const char* ConnectCodeOf(absl::StatusCode code) { return RowOf(code).name; }

std::string ErrorJson(const absl::Status& status, const std::string& request_id) {
  yizhan::common::v1::ErrorInfo info;
  info.set_reason(ReasonOf(status));
  info.set_retry_after_ms(static_cast<uint32_t>(RetryAfterMs(status)));
  info.set_request_id(request_id);
  nlohmann::json debug = {{"requestId", request_id}};
  if (!info.reason().empty()) debug["reason"] = info.reason();
  if (info.retry_after_ms() > 0) debug["retryAfterMs"] = info.retry_after_ms();
  std::string value = absl::Base64Escape(info.SerializeAsString());
  while (!value.empty() && value.back() == '=') value.pop_back();  // Connect's base64 has no padding
  nlohmann::json error = {{"code", ConnectCodeOf(status.code())},
                          {"message", std::string(status.message())},
                          {"details", {{{"type", "yizhan.common.v1.ErrorInfo"}, {"value", value}, {"debug", debug}}}}};
  return error.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

http::Response ErrorResponse(const absl::Status& status, const std::string& request_id) {
  http::Response response;
  response.status = HttpStatusOf(status.code());
  response.headers = {{"Content-Type", "application/json"},
                      {"Cache-Control", "no-store"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Yizhan-Request-Id", request_id},
                      {"X-Request-Id", request_id}};
  if (int ms = RetryAfterMs(status); ms > 0)
    response.headers.emplace_back("Retry-After", std::to_string((ms + 999) / 1000));
  if (status.code() == absl::StatusCode::kUnauthenticated) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  response.body = ErrorJson(status, request_id);
  return response;
}

}  // namespace yizhan::edge
