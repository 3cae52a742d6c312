#include "edge/session_router.h"

#include <utility>

#include "base/ids.h"
#include "base/metrics.h"
#include "base/status.h"
#include "edge/owner_link.h"
#include "edge/shard.h"

namespace yizhan::edge {
namespace {

class Router final : public SessionRouter {
 public:
  explicit Router(std::shared_ptr<RouterCore> core)
      : core_(std::move(core)), gauge_("yizhan_edge_sessions", "Sessions open at this edge.", {}, [this] {
          absl::MutexLock lock(&core_->mutex);
          return static_cast<double>(core_->sessions);
        }) {}
  ~Router() override { Stop(); }

  void Start() {
    std::vector<std::weak_ptr<Shard>> weak;
    for (size_t i = 0; i < core_->pool->size(); ++i)
      weak.push_back(shards_.emplace_back(std::make_shared<Shard>(core_, i)));
    for (Owner owner : {kIm, kDesk}) {
      rpc::Channel* channel = core_->channels(OwnerName(owner));
      if (channel == nullptr) continue;
      OwnerLink::Callbacks callbacks;
      callbacks.on_up = [weak](size_t thread, Owner o, uint64_t generation) {
        if (auto shard = weak[thread].lock()) shard->OnUp(o, generation);
      };
      callbacks.on_down = [weak](size_t thread, Owner o, uint64_t generation) {
        if (auto shard = weak[thread].lock()) shard->OnDown(o, generation);
      };
      callbacks.on_batch = [weak](size_t thread, Batch batch) {
        if (auto shard = weak[thread].lock()) shard->OnBatch(std::move(batch));
      };
      core_->links[owner] =
          std::make_shared<OwnerLink>(core_->pool, channel, owner, core_->edge_id, std::move(callbacks));
    }
    for (auto& link : core_->links) {
      if (link != nullptr) link->Start();
    }
    for (size_t i = 0; i < shards_.size(); ++i) {
      core_->pool->Post(i, [shard = shards_[i]] { shard->Tick(); });
    }
  }

  absl::StatusOr<std::unique_ptr<Session>> Open(size_t thread, SessionOptions options,
                                                SessionListener* listener) override {
    if (options.principal.kind() != rpc::Principal::KIND_PERSON &&
        options.principal.kind() != rpc::Principal::KIND_VISITOR) {
      return Refuse(absl::StatusCode::kPermissionDenied, "NOT_FOR_SERVICES",
                    "only people and visitors have live sessions");
    }
    {
      absl::MutexLock lock(&core_->mutex);
      if (core_->stopped)
        return RefuseForNow(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "the server is stopping", 2000);
      if (core_->sessions >= core_->limits.sessions) {
        return RefuseForNow(absl::StatusCode::kResourceExhausted, "TOO_MANY_STREAMS",
                            "the server holds as many sessions as it may", 30'000);
      }
      size_t& count = core_->per_principal[options.principal.id()];
      if (count >= core_->limits.sessions_per_principal) {
        return RefuseForNow(absl::StatusCode::kResourceExhausted, "TOO_MANY_STREAMS",
                            "you are connected from too many places at once", 30'000);
      }
      ++count;
      core_->sessions++;
    }
    return shards_[thread]->Open(std::move(options), listener);
  }

  rpc::Channel* ChannelFor(std::string_view method) const override { return core_->channels(ServiceOf(method)); }
  http::IoPool& pool() override { return *core_->pool; }
  const std::string& edge_id() const override { return core_->edge_id; }

  bool linked() const override {
    for (const auto& link : core_->links) {
      if (link != nullptr && !link->up()) return false;
    }
    return true;
  }

  void Stop() override {
    {
      absl::MutexLock lock(&core_->mutex);
      if (std::exchange(core_->stopped, true)) return;
    }
    for (auto& link : core_->links) {
      if (link != nullptr) link->Stop();
    }
  }

 private:
  const std::shared_ptr<RouterCore> core_;
  std::vector<std::shared_ptr<Shard>> shards_;
  metrics::GaugeFunction gauge_;
};

}  // namespace

std::string_view SessionRouter::ServiceOf(std::string_view method) {
  constexpr std::string_view kPrefix = "/yizhan.";
  if (method.substr(0, kPrefix.size()) != kPrefix) return {};
  method.remove_prefix(kPrefix.size());
  size_t dot = method.find('.');
  return dot == std::string_view::npos ? std::string_view() : method.substr(0, dot);
}

std::unique_ptr<SessionRouter> SessionRouter::Make(http::IoPool* pool, Channels channels,
                                                   rpc::Authenticator* authenticator, Limits limits) {
  auto core = std::make_shared<RouterCore>();
  core->pool = pool;
  core->channels = std::move(channels);
  core->authenticator = authenticator;
  core->limits = limits;
  core->edge_id = "e" + RandomName(12);
  auto router = std::make_unique<Router>(std::move(core));
  router->Start();
  return router;
}

}  // namespace yizhan::edge
