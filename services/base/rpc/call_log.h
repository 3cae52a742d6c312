// The metrics and the log line of one method's calls.
#pragma once

#include <array>
#include <atomic>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/metrics.h"
#include "base/rpc/service.h"

namespace yizhan::rpc {

class CallLog {
 public:
  // What a line says of the caller; kept until the answer.
  struct Caller {
    std::string request_id, actor, remote_address;
  };

  CallLog(std::string method, const yizhan::common::v1::Access& access);

  // The caller's part of the line.
  Caller Note(const Context& context) const;
  void Answered(const Caller& caller, const absl::Status& status, absl::Time start) const;
  void Answered(const Context& context, const absl::Status& status, absl::Time start) const {
    Answered(Note(context), status, start);
  }

 private:
  metrics::Counter& Count(absl::StatusCode code) const;

  std::string method_;
  // Calls of administrators are few and each is told; those of everybody else are told when they fail.
  bool told_;
  metrics::Histogram& seconds_;
  metrics::Counter& ok_;
  mutable std::array<std::atomic<metrics::Counter*>, 17> others_{};
};

}  // namespace yizhan::rpc
