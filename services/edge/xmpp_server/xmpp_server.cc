#include "edge/xmpp_server/xmpp_server.h"

#include <chrono>
#include <utility>
#include <vector>

#include "base/http/io_pool.h"
#include "base/http/listener.h"
#include "base/logging.h"
#include "base/status.h"
#include "edge/xmpp/precis.h"
#include "edge/xmpp_server/people_sync.h"
#include "edge/xmpp_server/text.h"
#include "edge/xmpp_server/xmpp_shard.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr char kSyncDirectory[] = "/yizhan.directory.v1.DirectoryService/SyncDirectory";

int64_t SteadyMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool IsLoopback(std::string_view address) {
  return address.starts_with("127.") || address.starts_with("[::1]:") || address.starts_with("localhost:");
}

class Server final : public XmppServer {
 public:
  Server(XmppOptions options, SessionRouter* router)
      : options_(std::move(options)),
        pool_(&router->pool()),
        core_(std::make_shared<XmppCore>()),
        gauge_("yizhan_xmpp_sessions", "Bound resources.", {}, [this] { return static_cast<double>(sessions()); }),
        detached_gauge_("yizhan_xmpp_detached_sessions", "Sessions that wait for their client to come back.", {},
                        [this] { return static_cast<double>(core_->context.detached_sessions.load()); }) {
    core_->context.router = router;
    core_->context.limits = options_.limits;
    core_->context.now_ms = SteadyMs;
    core_->pool = pool_;
    core_->log_in_time = options_.log_in_time;
  }
  ~Server() override { Stop(); }

  absl::Status Start() {
    YZ_RETURN_IF_ERROR(SetDomains());
    if (!options_.plain_address.empty() && !IsLoopback(options_.plain_address)) {
      return Refuse(
          absl::StatusCode::kInvalidArgument, "PLAIN_NOT_LOOPBACK",
          Cat("XMPP without TLS is for measuring, on 127.0.0.1 or [::1] only, not on ", options_.plain_address));
    }
    if (!options_.address.empty()) {
      YZ_ASSIGN_OR_RETURN(starttls_, MakeServerContext(options_.tls));
      core_->starttls = starttls_.get();
    }
    if (!options_.tls_address.empty()) {
      YZ_ASSIGN_OR_RETURN(direct_tls_, MakeServerContext(options_.tls, "xmpp-client"));
      core_->direct_tls = direct_tls_.get();
    }
    rpc::Channel* directory = core_->context.router->ChannelFor(kSyncDirectory);
    if (directory == nullptr)
      return absl::FailedPreconditionError("XMPP needs the directory: nobody can log in without it");
    people_sync_ = std::make_unique<PeopleSync>(&people_, directory, pool_);
    core_->context.people = &people_;
    core_->context.refresh_people = [sync = people_sync_.get()](size_t thread, absl::AnyInvocable<void()> done) {
      sync->Refresh(thread, std::move(done));
    };
    if (absl::Status read = people_sync_->Start(); !read.ok()) {
      log::Warning("xmpp", "the directory cannot be read yet; people come later").With("why", read);
    }
    for (size_t i = 0; i < pool_->size(); ++i) core_->shards.push_back(std::make_shared<XmppShard>(core_, i));
    for (auto& shard : core_->shards) shard->Post([](XmppShard& shard) { shard.Start(); });
    YZ_RETURN_IF_ERROR(Listen(options_.address, "xmpp", Connection::Kind::kStartTls, &listener_));
    YZ_RETURN_IF_ERROR(Listen(options_.tls_address, "xmpps", Connection::Kind::kTls, &tls_listener_));
    YZ_RETURN_IF_ERROR(Listen(options_.plain_address, "xmpp_plain", Connection::Kind::kPlain, &plain_listener_));
    log::Info("xmpp", "listening")
        .With("domain", core_->context.domain)
        .With("port", port())
        .With("tls_port", tls_port())
        .With("plain_port", plain_port())
        .With("people", people_.size());
    return absl::OkStatus();
  }

  int port() const override { return listener_ == nullptr ? 0 : listener_->port(); }
  int tls_port() const override { return tls_listener_ == nullptr ? 0 : tls_listener_->port(); }
  int plain_port() const override { return plain_listener_ == nullptr ? 0 : plain_listener_->port(); }
  const std::string& groups_domain() const override { return core_->context.groups_domain; }
  size_t sessions() const override { return core_->registry.size(); }

  void Stop() override {
    if (std::exchange(stopped_, true)) return;
    for (auto* listener : {&listener_, &tls_listener_, &plain_listener_}) {
      if (*listener != nullptr) (*listener)->Stop();
    }
    if (people_sync_ != nullptr) people_sync_->Stop();
    for (auto& shard : core_->shards) {
      pool_->RunAndWait(shard->thread(), [&] { shard->Stop(); });
    }
    // What was put off meanwhile, and what that put off in turn: threads tell one another.
    for (int round = 0; round < 3; ++round) {
      for (auto& shard : core_->shards) pool_->RunAndWait(shard->thread(), [] {});
    }
    core_->shards.clear();
    log::Info("xmpp", "stopped");
  }

 private:
  absl::Status SetDomains() {
    XmppContext& context = core_->context;
    YZ_ASSIGN_OR_RETURN(context.domain, PrepareDomain(options_.domain));
    YZ_ASSIGN_OR_RETURN(
        context.groups_domain,
        PrepareDomain(options_.groups_domain.empty() ? "conference." + context.domain : options_.groups_domain));
    if (context.domain == context.groups_domain) {
      return Refuse(absl::StatusCode::kInvalidArgument, "DOMAIN",
                    "groups need a domain of their own beside " + context.domain);
    }
    return absl::OkStatus();
  }

  absl::Status Listen(const std::string& address, const char* name, Connection::Kind kind,
                      std::unique_ptr<http::Listener>* listener) {
    if (address.empty()) return absl::OkStatus();
    http::ListenerOptions options;
    options.address = address;
    options.max_connections = options_.max_connections;
    options.name = name;
    YZ_ASSIGN_OR_RETURN(
        *listener, http::Listener::Open(pool_, options, [core = core_, kind](std::shared_ptr<http::Stream> stream) {
          if (core->shards.empty()) return stream->Close();
          core->shards[stream->thread()]->Accept(std::move(stream), kind);
        }));
    return absl::OkStatus();
  }

  const XmppOptions options_;
  http::IoPool* const pool_;
  SslContext starttls_, direct_tls_;
  PeopleBook people_;
  std::unique_ptr<PeopleSync> people_sync_;
  const std::shared_ptr<XmppCore> core_;
  std::unique_ptr<http::Listener> listener_, tls_listener_, plain_listener_;
  metrics::GaugeFunction gauge_, detached_gauge_;
  bool stopped_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<XmppServer>> XmppServer::Start(XmppOptions options, SessionRouter* router) {
  auto server = std::make_unique<Server>(std::move(options), router);
  YZ_RETURN_IF_ERROR(server->Start());
  return server;
}

}  // namespace yizhan::edge::xmpp
