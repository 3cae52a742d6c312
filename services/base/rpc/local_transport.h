// Calls and links within one process: a Channel that dispatches into the ServiceTable itself, with nothing in between.
//
// What the gRPC form gives is kept: no handler runs on its caller's stack and no answer on its handler's, a call is
// answered at its deadline whatever its handler does, links carry the same frames by the same hub.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "absl/synchronization/mutex.h"
#include "base/rpc/channel.h"
#include "base/rpc/executor.h"
#include "base/rpc/link_hub.h"
#include "base/rpc/local_link.h"
#include "base/rpc/service.h"

namespace yizhan::rpc {

// Thread-safe. Stop() is called before the last holder lets go.
class LocalTransport : public std::enable_shared_from_this<LocalTransport> {
 public:
  // Calls begun and not answered; beyond, new ones are refused (TOO_BUSY).
  static constexpr int64_t kMaxCalls = 50'000;

  // The hub of a service's links; null for one that serves none.
  using FindHub = std::function<LinkHub*(std::string_view service)>;

  // The table, and what find_hub needs, outlive Stop().
  LocalTransport(const ServiceTable* table, FindHub find_hub);
  ~LocalTransport();

  // Its calls appear as those of `service_name` unless they pass a caller on. May outlive everything: then it refuses.
  std::unique_ptr<Channel> NewChannel(std::string service_name);

  // Refuses new calls and links, ends the links, gives the calls that run two seconds, answers the rest with
  // Unavailable (STOPPING) and waits until their handlers have answered. Once or more.
  void Stop();

 private:
  class LocalChannel;
  class LinkHandle;
  struct Call;
  // The calls that are not answered yet, in several lists so that callers do not wait for one another.
  struct Shard {
    absl::Mutex mutex;
    Call* first ABSL_GUARDED_BY(mutex) = nullptr;
    bool closed ABSL_GUARDED_BY(mutex) = false;
  };
  static constexpr size_t kShards = 8;

  void Begin(std::string_view method, std::string request, CallOptions options, const std::string& service_name,
             RawReply done);
  std::unique_ptr<Link> OpenLink(const std::string& service, const std::string& edge_id,
                                 LocalLink::Callbacks callbacks);
  void Run(const std::shared_ptr<Call>& call);
  void Deliver(const std::shared_ptr<Call>& call);
  // Answers the unanswered calls whose deadlines are not after `now`. How many calls there are at all.
  size_t Expire(absl::Time now, const absl::Status& why);
  void WatchDeadlines();
  void WakeWatcher();

  const ServiceTable* const table_;
  const FindHub find_hub_;
  Executor executor_;
  std::array<Shard, kShards> shards_;
  std::atomic<uint32_t> turn_{0};
  std::atomic<int64_t> calls_{0};
  std::atomic<bool> draining_{false};

  absl::Mutex mutex_;
  std::unordered_map<LocalLink*, std::shared_ptr<LocalLink>> links_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  // The watcher of deadlines begins with the first call and sleeps while there are none.
  absl::Mutex watcher_mutex_;
  absl::CondVar watcher_woken_;
  std::atomic<bool> watcher_asleep_{true};
  bool watcher_ends_ ABSL_GUARDED_BY(watcher_mutex_) = false;
  std::thread watcher_ ABSL_GUARDED_BY(watcher_mutex_);
};

}  // namespace yizhan::rpc
