#include "base/http/observability.h"

#include <nlohmann/json.hpp>

#include "base/http/server.h"
#include "base/metrics.h"
#include "base/status.h"

namespace yizhan::http {
namespace {

class ObservabilityServer final : public Observability {
 public:
  explicit ObservabilityServer(Checks checks) : checks_(std::move(checks)) {}
  ~ObservabilityServer() override { Stop(); }

  absl::Status Listen(IoPool* pool, const std::string& address) {
    ServerOptions options;
    options.address = address;
    options.name = "observability";
    options.max_connections = 200;
    options.limits.body_bytes = 1024;
    YZ_ASSIGN_OR_RETURN(
        server_, Server::Start(pool, options, [this](Request request, Respond respond) { respond(Answer(request)); }));
    return absl::OkStatus();
  }
  int port() const override { return server_->port(); }
  void Stop() override {
    if (server_ != nullptr) server_->Stop();
  }

 private:
  Response Answer(const Request& request) const {
    if (request.method != "GET" && request.method != "HEAD") return TextResponse(405, "GET only\n");
    if (request.path == "/healthz") return TextResponse(200, "ok\n");
    if (request.path == "/metrics") {
      Response response = TextResponse(200, metrics::Serialize());
      response.headers[0].second = "text/plain; version=0.0.4; charset=utf-8";
      return response;
    }
    if (request.path == "/readyz") return Ready();
    return TextResponse(404, "/metrics, /healthz and /readyz are here\n");
  }

  Response Ready() const {
    bool ready = true;
    nlohmann::json checks = nlohmann::json::object();
    for (const auto& [name, check] : checks_) {
      absl::Status status = check();
      ready = ready && status.ok();
      checks[name] = status.ok() ? "ok" : std::string(status.message());
    }
    nlohmann::json body = {{"ready", ready}, {"checks", checks}};
    Response response =
        TextResponse(ready ? 200 : 503, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    response.headers[0].second = "application/json";
    return response;
  }

  const Checks checks_;
  std::unique_ptr<Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Observability>> Observability::Start(IoPool* pool, const std::string& address,
                                                                    Checks checks) {
  auto server = std::make_unique<ObservabilityServer>(std::move(checks));
  YZ_RETURN_IF_ERROR(server->Listen(pool, address));
  return server;
}

}  // namespace yizhan::http
