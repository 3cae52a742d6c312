// One machine of a cluster: its registration, its replica, the partitions that it owns, and what others own. Everything
// but view() and ready() is called on the loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cluster/commit_log.h"
#include "cluster/context.h"
#include "cluster/follower.h"
#include "cluster/ownership.h"
#include "cluster/roster.h"
#include "cluster/window.h"

namespace yizhan::cluster {

// What is known of the cluster at one moment. Immutable.
struct View {
  struct Member {
    std::string node;
    std::string address;
    std::string version;
    bool draining = false;
  };
  struct Partition {
    std::string owner;  // empty: nobody that lives
    uint64_t epoch = 0;
    bool here = false;     // this machine decides for it
    uint64_t head = 0;     // this machine's replica
    uint64_t known = 0;    // committed, as far as this machine has heard
    absl::Status problem;  // why it does not get on here
  };
  bool replaced = false;                        // another process has this machine's name, and this one stays away
  std::vector<Member> members;                  // by name
  std::map<std::string, Partition> partitions;  // by name
  size_t log_bytes = 0;                         // of this machine's partitions in the cluster's log
};

// 32 random hexadecimal digits.
std::string NewClusterId(const std::function<uint64_t()>& random);

class Node {
 public:
  struct Dependencies {
    Loop* loop = nullptr;
    Kv* kv = nullptr;
    Replica* replica = nullptr;
    Peers* peers = nullptr;
    std::function<uint64_t()> random;
  };
  // The dependencies outlive it; the loop has stopped before it is destroyed.
  Node(NodeOptions options, Dependencies dependencies);
  ~Node();

  // Founds or finds the cluster, then takes part in it. `folder_cluster_id` is what this machine's folder remembers,
  // empty for none; a founder has written a fresh one there before (NewClusterId), so that its folder is the cluster's
  // whatever happens meanwhile. `joined` runs once, when the cluster is there and the folder belongs to it, or with why
  // this machine cannot take part: FailedPrecondition for a folder with records that are another cluster's or nobody's,
  // a cluster that another machine has founded or is founding, other partitions, a newer format. While the store is
  // away or nobody has founded the cluster it tries on.
  void Start(std::string folder_cluster_id, absl::AnyInvocable<void(absl::StatusOr<std::string> cluster_id)> joined);

  void Commit(std::vector<CommitEntry> entries, CommitLog::Done done) {
    commits_.Commit(std::move(entries), std::move(done));
  }

  // Gives its partitions away and takes no more (or takes part again).
  void Drain(bool draining);
  // Gives up what it owns and ends its registration, so that others need not wait for its lease to end.
  void Leave(absl::AnyInvocable<void()> done);

  // Any thread.
  std::shared_ptr<const View> view() const;
  // Whether what is read here is at most a lease's time old: it is registered, has had everything that was committed at
  // some moment since then, and holds on to nothing that is another's by now.
  bool ready() const { return ready_.load(std::memory_order_acquire) && roster_.registered(); }
  // Whether it has been at least once since the start: until then its replica may lack anything.
  bool was_ready() const { return was_ready_.load(std::memory_order_acquire); }

 private:
  struct Founding;
  void Look();
  void LookAgain();
  void Found(absl::StatusOr<RangeResult> result);
  void BeginFounding();
  void ContinueFounding(std::shared_ptr<Founding> founding);
  absl::Status Refusal(const std::string& value) const;
  void Join(const std::string& value);
  void Tick();
  void LookAtReadiness();
  void Publish();

  Context context_;
  Roster roster_;
  Ownership ownership_;
  Follower follower_;
  Window window_;
  CommitLog commits_;
  std::string folder_cluster_id_;
  absl::AnyInvocable<void(absl::StatusOr<std::string>)> joined_;
  bool joined_done_ = false;
  std::atomic<bool> ready_{false}, was_ready_{false};
  absl::Time registered_since_ = absl::InfiniteFuture();
  absl::Time ticked_ = absl::InfinitePast();
  mutable std::mutex view_mutex_;
  std::shared_ptr<const View> view_ = std::make_shared<View>();
};

}  // namespace yizhan::cluster
