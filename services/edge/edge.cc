#include "edge/edge.h"

#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "base/http/server.h"
#include "base/status.h"
#include "edge/connect.h"
#include "edge/embedding_sites.h"

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
                 authenticator, &anonymous_),
        embedding_([router = router_.get()](std::string_view method) { return router->ChannelFor(method); }) {}
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
  rpc::StreamAcceptor live_acceptor() override { return live_->acceptor(); }
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
    if (pages_ == nullptr) return respond(http::TextResponse(404, "there are no pages here\n"));
    if (request.path == StaticFiles::kFramePath) return ServeFrame(std::move(request), std::move(respond));
    respond(pages_->Serve(request));
  }

  // The widget's frame, under a policy that lets the sites of its channel embed it and no others.
  void ServeFrame(http::Request request, http::Respond respond) {
    std::string channel_id = request.Parameter("channel");
    std::optional<std::string> known = embedding_.Known(channel_id, absl::Now());
    if (known.has_value()) return respond(pages_->Serve(request, *known));
    if (anonymous_.Take(request.remote_address, absl::Now()) > absl::ZeroDuration()) {
      return respond(http::TextResponse(429, "too many requests from your address: wait a moment\n"));
    }
    embedding_.Ask(channel_id, [pages = pages_, request = std::move(request),
                                respond = std::move(respond)](absl::StatusOr<std::string> sites) mutable {
      if (!sites.ok()) {
        return respond(http::TextResponse(503, "customer service cannot be reached just now: try again in a moment\n"));
      }
      respond(pages->Serve(request, *sites));
    });
  }

  RateLimiter anonymous_;
  std::unique_ptr<SessionRouter> router_;
  std::unique_ptr<Live> live_;
  ConnectHandler connect_;
  EmbeddingSites embedding_;
  std::shared_ptr<const StaticFiles> pages_;
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
