// The sessions of one io thread. Touched on that thread alone.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/http/io_pool.h"
#include "edge/owner_link.h"
#include "edge/session_router.h"

namespace yizhan::edge {

// What the shards of a router share.
struct RouterCore {
  http::IoPool* pool;
  SessionRouter::Channels channels;
  rpc::Authenticator* authenticator;
  SessionRouter::Limits limits;
  std::string edge_id;
  std::array<std::shared_ptr<OwnerLink>, kOwners> links;

  absl::Mutex mutex;
  std::unordered_map<std::string, size_t> per_principal ABSL_GUARDED_BY(mutex);
  size_t sessions ABSL_GUARDED_BY(mutex) = 0;
  bool stopped ABSL_GUARDED_BY(mutex) = false;
};

class Shard : public std::enable_shared_from_this<Shard> {
 public:
  Shard(std::shared_ptr<RouterCore> core, size_t thread);

  // The session is made, counted by the router already.
  std::unique_ptr<Session> Open(SessionOptions options, SessionListener* listener);

  void OnUp(Owner owner, uint64_t generation);
  void OnDown(Owner owner, uint64_t generation);
  void OnBatch(Batch batch);
  // Time-outs of calls, expiry of sessions; begins to be called at once and twice a second.
  void Tick();

 private:
  class SessionImpl;
  struct Topic {
    std::vector<SessionImpl*> sessions;  // null where one went while events were handed out
    const std::string* name = nullptr;
  };
  struct Pending {
    uint64_t session;
    Owner owner;
    std::chrono::steady_clock::time_point deadline;
    absl::AnyInvocable<void(absl::StatusOr<std::string>)> done;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  template <typename T>
  using ByName = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

  void Remove(SessionImpl* session);
  void Call(SessionImpl* session, std::string_view method, std::string request,
            absl::AnyInvocable<void(absl::StatusOr<std::string>)> done, absl::Duration timeout, std::string request_id);
  void CallChannel(SessionImpl* session, std::string_view method, std::string request,
                   absl::AnyInvocable<void(absl::StatusOr<std::string>)> done, absl::Duration timeout,
                   std::string request_id);
  // Runs soon, if the session is still there.
  void Later(uint64_t session, absl::AnyInvocable<void(SessionImpl*)> work);
  void SendOpen(SessionImpl* session, Owner owner);
  void Hear(SessionImpl* session, Owner owner, std::string_view topic);
  void Unhear(SessionImpl* session, Owner owner, std::string_view topic);
  void DropTopics(SessionImpl* session, Owner owner);
  void Sweep(Owner owner);

  void Take(Owner owner, const std::shared_ptr<const Event>& event);
  void Take(Owner owner, yizhan::live::v1::SessionOpened opened);
  void Take(Owner owner, yizhan::live::v1::Reply reply);
  void Take(Owner owner, const std::shared_ptr<const yizhan::live::v1::Subscription>& subscription);
  void Answer(Pending pending, absl::StatusOr<std::string> result);
  void CheckReady(SessionImpl* session);
  void CheckToken(SessionImpl* session);
  SessionImpl* Find(uint64_t id);

  const std::shared_ptr<RouterCore> core_;
  const size_t thread_;
  uint64_t next_session_ = 1, next_call_ = 1;
  std::unordered_map<uint64_t, SessionImpl*> sessions_;
  ByName<std::vector<SessionImpl*>> principals_;
  std::array<ByName<Topic>, kOwners> topics_;
  std::array<uint64_t, kOwners> generation_{};  // 0: the link is down
  std::unordered_map<uint64_t, Pending> pending_;
  // While a batch is handed out.
  bool handing_out_ = false;
  std::vector<SessionImpl*> touched_;
  std::array<std::vector<std::string>, kOwners> thinned_;
};

}  // namespace yizhan::edge
