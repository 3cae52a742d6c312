// Errors travel as absl::Status; these macros pass them on, Refuse() makes one that helps.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define YZ_RETURN_IF_ERROR(expr)                          \
  do {                                                    \
    if (absl::Status yz_status_ = (expr); !yz_status_.ok()) return yz_status_; \
  } while (0)

#define YZ_CONCAT_INNER_(a, b) a##b
#define YZ_CONCAT_(a, b) YZ_CONCAT_INNER_(a, b)
#define YZ_ASSIGN_OR_RETURN(lhs, expr) YZ_ASSIGN_OR_RETURN_(YZ_CONCAT_(yz_statusor_, __LINE__), lhs, expr)
#define YZ_ASSIGN_OR_RETURN_(tmp, lhs, expr)   \
  auto tmp = (expr);                           \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = *std::move(tmp)

namespace yizhan {

// A refusal with a machine-readable reason beside the message: reason is an UPPER_SNAKE word that clients may switch
// on ("NOT_A_MEMBER"); message says what, which one, and what to do (beyond 1,000 bytes its middle goes). The reason is
// a payload of the status and reaches clients as yizhan.common.v1.ErrorInfo on every transport.
absl::Status Refuse(absl::StatusCode code, std::string_view reason, std::string_view message);

// Unavailable or ResourceExhausted with a hint when to try again, in milliseconds.
absl::Status RefuseForNow(absl::StatusCode code, std::string_view reason, std::string_view message, int retry_after_ms);

// The reason of a status made by Refuse(); empty when it has none.
std::string ReasonOf(const absl::Status& status);

// The retry hint in milliseconds; 0 when it has none.
int RetryAfterMs(const absl::Status& status);

// The same status with `context: ` in front of its message; payloads kept.
absl::Status Annotate(const absl::Status& status, std::string_view context);

}  // namespace yizhan
