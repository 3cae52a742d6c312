#include "appliance/front.h"

#include <algorithm>
#include <filesystem>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/tls.h"

namespace yizhan::appliance {

std::unique_ptr<http::IoPool> MakeIoPool(const RunOptions& options) {
  const size_t cores = std::max(1u, std::thread::hardware_concurrency());
  return std::make_unique<http::IoPool>(options.threads > 0 ? options.threads : std::min<size_t>(cores, 8));
}

std::string WebUrl(const RunOptions& options, int port) {
  return absl::StrCat("https://", options.address == "127.0.0.1" ? "localhost" : options.address, ":", port);
}

std::string WidgetDemoUrl(const RunOptions& options, const std::string& web_url, const std::string& channel_id) {
  if (options.pages_dir.empty() || channel_id.empty()) return "";
  return absl::StrCat(web_url, "/widget/demo.html?channel=", channel_id);
}

absl::Status Front::Open(const rpc::ServiceTable* table, rpc::Authenticator* authenticator, Addresses& addresses) {
  YZ_ASSIGN_OR_RETURN(tls_, EnsureDemonstrationTls(tls_dir_, options_.domain));
  addresses.ca_file = std::filesystem::absolute(tls_.ca).string();
  rpc::ServerOptions outer;
  outer.address = absl::StrCat(options_.address, ":", PortOf(options_, 3));
  outer.tls = {tls_.certificate, tls_.private_key};
  YZ_ASSIGN_OR_RETURN(outer_, rpc::Server::Start(outer, table, authenticator));
  addresses.grpc_address = absl::StrCat(options_.address, ":", outer_->port());
  return absl::OkStatus();
}

absl::Status Front::Start(rpc::Channel* services, rpc::Authenticator* authenticator, bool ordered, Addresses& addresses) {
  pool_ = MakeIoPool(options_);
  edge::EdgeOptions web;
  web.address = absl::StrCat(options_.address, ":", PortOf(options_, 0));
  web.tls = tls_;
  web.pages.dir = options_.pages_dir;
  YZ_ASSIGN_OR_RETURN(edge_, edge::Edge::Start(std::move(web), pool_.get(), [services](std::string_view) { return services; }, authenticator));
  outer_->ServeStream(edge::kLiveMethod, edge_->live_acceptor());
  addresses.web_url = WebUrl(options_, edge_->port());
  ready_ = true;

  edge::xmpp::XmppOptions xmpp;
  xmpp.domain = options_.domain;
  if (ordered) xmpp.limits.sends_in_flight = 1;
  xmpp.address = absl::StrCat(options_.address, ":", PortOf(options_, 1));
  xmpp.tls_address = absl::StrCat(options_.address, ":", PortOf(options_, 2));
  if (options_.plain_xmpp_port >= 0) xmpp.plain_address = absl::StrCat(options_.address, ":", options_.plain_xmpp_port);
  xmpp.tls = tls_;
  YZ_ASSIGN_OR_RETURN(xmpp_, edge::xmpp::XmppServer::Start(xmpp, &edge_->router()));
  addresses.xmpp_port = xmpp_->port();
  addresses.xmpp_tls_port = xmpp_->tls_port();
  addresses.plain_xmpp_port = xmpp_->plain_port();
  return absl::OkStatus();
}

absl::Status Front::Observe(std::function<absl::Status()> services, Addresses& addresses) {
  http::Observability::Checks checks;
  checks["services"] = std::move(services);
  checks["links"] = [this]() -> absl::Status { return linked() ? absl::OkStatus() : absl::UnavailableError("a link of the edge is down"); };
  YZ_ASSIGN_OR_RETURN(observability_, http::Observability::Start(pool_.get(), absl::StrCat(options_.address, ":", PortOf(options_, 4)), std::move(checks)));
  addresses.metrics_url = absl::StrCat("http://", options_.address, ":", observability_->port(), "/metrics");
  return absl::OkStatus();
}

void Front::Stop() {
  if (observability_) observability_->Stop();
  if (xmpp_) xmpp_->Stop();
  ready_ = false;
  if (edge_) edge_->Stop();
  if (outer_) outer_->Stop();
}

void Front::Close() {
  if (pool_) pool_->Stop();
}

}  // namespace yizhan::appliance
