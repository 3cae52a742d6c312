#include "base/rpc/call_log.h"

#include "absl/time/clock.h"
#include "base/logging.h"
#include "base/status.h"

namespace yizhan::rpc {
namespace {

constexpr char kCalls[] = "yizhan_rpc_calls_total";
constexpr char kCallsHelp[] = "Calls answered, by method and status code.";
constexpr double kSlowSeconds = 1.0;

bool ForAdministrators(const yizhan::common::v1::Access& access) {
  for (int role : access.roles()) {
    if (role == yizhan::common::v1::ROLE_SYSTEM_ADMIN || role == yizhan::common::v1::ROLE_SECURITY_ADMIN ||
        role == yizhan::common::v1::ROLE_AUDITOR) {
      return true;
    }
  }
  return false;
}

log::Level LevelOf(const absl::Status& status, bool told, double seconds) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      if (seconds >= kSlowSeconds) return log::Level::kWarning;
      return told ? log::Level::kInfo : log::Level::kDebug;
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDataLoss:
      return log::Level::kError;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kPermissionDenied:
      return log::Level::kWarning;
    default:
      return told ? log::Level::kInfo : log::Level::kDebug;
  }
}

}  // namespace

CallLog::CallLog(std::string method, const yizhan::common::v1::Access& access)
    : method_(std::move(method)),
      told_(ForAdministrators(access)),
      seconds_(metrics::GetHistogram("yizhan_rpc_call_seconds", "From a call's arrival to its answer, by method.",
                                     {{"method", method_}})),
      ok_(metrics::GetCounter(kCalls, kCallsHelp, {{"method", method_}, {"code", "OK"}})) {}

CallLog::Caller CallLog::Note(const Context& context) const {
  return {context.request_id, context.Actor(), context.remote_address};
}

metrics::Counter& CallLog::Count(absl::StatusCode code) const {
  if (code == absl::StatusCode::kOk) return ok_;
  auto& slot = others_[static_cast<size_t>(code) % others_.size()];
  metrics::Counter* counter = slot.load(std::memory_order_acquire);
  if (counter == nullptr) {
    counter = &metrics::GetCounter(kCalls, kCallsHelp, {{"method", method_}, {"code", absl::StatusCodeToString(code)}});
    slot.store(counter, std::memory_order_release);
  }
  return *counter;
}

void CallLog::Answered(const Caller& caller, const absl::Status& status, absl::Time start) const {
  double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  seconds_.Observe(seconds);
  Count(status.code()).Add();
  log::Level level = LevelOf(status, told_, seconds);
  if (!log::Enabled(level)) return;
  log::ScopedRequestId scope(caller.request_id);
  log::Line line(level, "rpc", status.ok() ? "call" : "call refused");
  line.With("method", method_).With("actor", caller.actor).With("ms", seconds * 1e3);
  if (!caller.remote_address.empty()) line.With("remote", caller.remote_address);
  if (!status.ok()) {
    line.With("code", absl::StatusCodeToString(status.code()))
        .With("reason", ReasonOf(status))
        .With("error", std::string(status.message()));
  }
}

}  // namespace yizhan::rpc
