#include "edge/edge.h"

#include <utility>

#include "base/http/server.h"
#include "base/status.h"
#include "edge/connect.h"

namespace yizhan::edge {
namespace {

class HttpEdge final : public Edge {
 public:
  HttpEdge(const EdgeOptions& options, http::IoPool* pool, SessionRouter::Channels channels,
           rpc::Authenticator* authenticator)
      : anonymous_(options.anonymous),
        router_(SessionRouter::Make(pool, std::move(channels), authenticator)),
        live_(Live::Make(router_.get(), authenticator, options.live)),
        connect_([router = router_.get()](std::string_view method) { return router->ChannelFor(method); },
                 authenticator, &anonymous_) {}
  ~HttpEdge() override { Stop(); }

  absl::Status Listen(const EdgeOptions& options, http::IoPool* pool) {
    if (!options.pages.dir.empty()) {
      YZ_ASSIGN_OR_RETURN(pages_, StaticFiles::Load(options.pages));
    }
    http::ServerOptions server;
    server.address = options.address;
    server.max_connections = options.max_connections;
    server.name = "edge";
    if (!options.tls.certificate.empty()) {
      YZ_ASSIGN_OR_RETURN(tls_, MakeServerContext(options.tls, "http/1.1"));
      server.tls = tls_.get();
    }
    YZ_ASSIGN_OR_RETURN(server_,
                        http::Server::Start(pool, server, [this](http::Request request, http::Respond respond) {
                          Serve(std::move(request), std::move(respond));
                        }));
    return absl::OkStatus();
  }

  int port() const override { return server_->port(); }
  SessionRouter& router() override { return *router_; }
  RateLimiter& anonymous() override { return anonymous_; }

  void Stop() override {
    live_->Stop();
    if (server_ != nullptr) server_->Stop();
    router_->Stop();
  }

 private:
  void Serve(http::Request request, http::Respond respond) {
    if (request.path == "/live") return live_->Handle(std::move(request), std::move(respond));
    if (IsConnectPath(request.path)) return connect_.Handle(std::move(request), std::move(respond));
    if (pages_ != nullptr) return respond(pages_->Serve(request));
    respond(http::TextResponse(404, "there are no pages here\n"));
  }

  RateLimiter anonymous_;
  std::unique_ptr<SessionRouter> router_;
  std::unique_ptr<Live> live_;
  ConnectHandler connect_;
  std::unique_ptr<StaticFiles> pages_;
  SslContext tls_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Edge>> Edge::Start(EdgeOptions options, http::IoPool* pool,
                                                  SessionRouter::Channels channels, rpc::Authenticator* authenticator) {
  auto edge = std::make_unique<HttpEdge>(options, pool, std::move(channels), authenticator);
  YZ_RETURN_IF_ERROR(edge->Listen(options, pool));
  return edge;
}

}  // namespace yizhan::edge
