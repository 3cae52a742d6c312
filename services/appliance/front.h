// Everything that people's programs connect to: the outer face, the edge, XMPP, and what operators' machines ask.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "appliance/appliance.h"
#include "appliance/options.h"
#include "base/http/io_pool.h"
#include "base/http/observability.h"
#include "base/rpc/channel.h"
#include "base/rpc/server.h"
#include "edge/edge.h"
#include "edge/xmpp_server/xmpp_server.h"

namespace yizhan::appliance {

// An io pool as wide as the options say, or as this machine is.
std::unique_ptr<http::IoPool> MakeIoPool(const RunOptions& options);
// Where people's browsers go.
std::string WebUrl(const RunOptions& options, int port);
// Where the widget's demonstration page is, for a channel; empty without pages or channel.
std::string WidgetDemoUrl(const RunOptions& options, const std::string& web_url, const std::string& channel_id);

class Front {
 public:
  // `options` outlives it. The certificate for people lies in TLS_DIR.
  Front(const RunOptions& options, std::string tls_dir) : options_(options), tls_dir_(std::move(tls_dir)) {}
  ~Front() {
    Stop();
    Close();
  }

  // gRPC for people's programs. All outlive it.
  absl::Status Open(const rpc::ServiceTable* table, rpc::Authenticator* authenticator, Addresses& addresses);
  // Pages, HTTP, WebSocket, XMPP. `ordered`: what one client writes is carried out one after the other, where each may
  // be done on another machine, at another pace.
  absl::Status Start(rpc::Channel* services, rpc::Authenticator* authenticator, bool ordered, Addresses& addresses);
  // Metrics and readiness.
  absl::Status Observe(std::function<absl::Status()> services, Addresses& addresses);
  // Whether it is linked to the services; false before Start().
  bool linked() const { return ready_ && edge_->router().linked(); }
  // Takes nothing more, and ends what is connected.
  void Stop();
  // Behind the stop of what it calls: no answer is waited for any more.
  void Close();

 private:
  const RunOptions& options_;
  const std::string tls_dir_;
  TlsPaths tls_;
  std::unique_ptr<rpc::Server> outer_;
  std::unique_ptr<http::IoPool> pool_;
  std::unique_ptr<edge::Edge> edge_;
  std::unique_ptr<edge::xmpp::XmppServer> xmpp_;
  std::unique_ptr<http::Observability> observability_;
  std::atomic<bool> ready_{false};
};

}  // namespace yizhan::appliance
