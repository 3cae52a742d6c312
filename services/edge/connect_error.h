// Errors of the Connect protocol: one table from statuses to HTTP.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "base/http/message.h"

namespace yizhan::edge {

// 404 for not_found and so on (https://connectrpc.com/docs/protocol#error-codes).
int HttpStatusOf(absl::StatusCode code);
// "not_found".
const char* ConnectCodeOf(absl::StatusCode code);

// {"code": ..., "message": ..., "details": [{"type": "yizhan.common.v1.ErrorInfo", "value": base64, "debug": {...}}]},
// with Retry-After where waiting helps.
http::Response ErrorResponse(const absl::Status& status, const std::string& request_id);

// The same as the text of a JSON object.
std::string ErrorJson(const absl::Status& status, const std::string& request_id);

}  // namespace yizhan::edge
