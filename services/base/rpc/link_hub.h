// The hub behind one service's links: edges, their sessions, who hears what. Knows nothing of gRPC.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "base/metrics.h"
#include "base/rpc/batch_queue.h"
#include "base/rpc/hub.h"
#include "yizhan/live/v1/link_service.pb.h"

namespace yizhan::rpc {

class LinkHub final : public Hub {
 public:
  struct Topic;
  struct Session {
    std::string principal_id;
    std::shared_ptr<const Principal> principal;
    absl::flat_hash_set<Topic*> topics;
  };
  // One stream of one edge. `break_link` ends the stream soon; called without locks, at most a few times.
  struct EdgeLink {
    EdgeLink(std::string id, size_t max_bytes, std::function<void(std::string)> start_write,
             std::function<void()> break_link);
    // Takes a frame and writes it as soon as can be; breaks the link beyond its bound.
    void Send(const yizhan::live::v1::DownFrame& frame);

    const std::string edge_id;
    BatchQueue queue;
    const std::function<void()> break_link;
    // Owned by the hub, under its mutex.
    std::unordered_map<uint64_t, Session> sessions;
  };

  LinkHub(std::string service, LinkHandler* handler);
  ~LinkHub() override;

  void Publish(std::string_view topic, std::string frame) override;
  bool Heard(std::string_view topic) const override;
  void Subscribe(std::string_view principal_id, std::string_view topic, bool active) override;
  size_t sessions() const override;

  // A stream begins. The calls for one link come one after another.
  void Attach(std::shared_ptr<EdgeLink> link);
  // Answers with SessionOpened. False when it was refused.
  bool Open(const std::shared_ptr<EdgeLink>& link, uint64_t session, std::shared_ptr<const Principal> principal);
  void Close(const std::shared_ptr<EdgeLink>& link, uint64_t session);
  // The stream ended, and with it every session. Once.
  void Detach(const std::shared_ptr<EdgeLink>& link);
  // Breaks every link: the process stops.
  void BreakAll();

 private:
  struct Holder {
    EdgeLink* link;
    uint64_t session;
  };
  // What the hub knows of a principal while a session of theirs is open or being opened.
  struct Listener {
    int opening = 0;
    std::vector<Holder> sessions;
    // What Subscribe() said since then: a session that is opened later hears it too, whatever its handler knew when it
    // was asked.
    std::unordered_map<std::string, bool> changes;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  template <typename T>
  using ByName = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

  void Hear(EdgeLink* link, Session& session, std::string_view topic) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Unhear(EdgeLink* link, Session& session, Topic* topic) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // One session less of an edge hears it.
  void Leave(EdgeLink* link, Topic* topic) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(EdgeLink* link, uint64_t id, Session& session) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropIfIdle(const std::string& principal_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<EdgeLink> Find(EdgeLink* link) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string service_;
  LinkHandler* const handler_;
  mutable absl::Mutex mutex_;
  std::unordered_map<EdgeLink*, std::shared_ptr<EdgeLink>> links_ ABSL_GUARDED_BY(mutex_);
  ByName<Topic> topics_ ABSL_GUARDED_BY(mutex_);
  ByName<Listener> listeners_ ABSL_GUARDED_BY(mutex_);
  size_t sessions_ ABSL_GUARDED_BY(mutex_) = 0;
  metrics::Counter& events_;
  metrics::Counter& broken_;
  std::unique_ptr<metrics::GaugeFunction> sessions_gauge_;
};

// What an edge is told that asks for a service which serves no links.
absl::Status NoSuchLinkService(std::string_view service);

struct LinkHub::Topic {
  std::string name;
  // How many sessions of each edge hear it.
  std::vector<std::pair<EdgeLink*, uint32_t>> edges;
};

}  // namespace yizhan::rpc
