// What operators' machines ask a process, on a port of its own: /metrics, /healthz, /readyz.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/http/io_pool.h"

namespace yizhan::http {

class Observability {
 public:
  // What has to be well for the process to take work, by name. Asked on an io thread: answers at once.
  using Checks = std::map<std::string, std::function<absl::Status()>>;

  // Plain HTTP. /metrics is Prometheus' text; /healthz says 200 as long as the process answers; /readyz says 200, or
  // 503 with
  // {"ready": false, "checks": {"ledger": "..."}}.
  static absl::StatusOr<std::unique_ptr<Observability>> Start(IoPool* pool, const std::string& address, Checks checks);
  virtual ~Observability() = default;  // stops
  virtual int port() const = 0;
  virtual void Stop() = 0;
};

}  // namespace yizhan::http
