// Which partitions this machine decides for: claiming what nobody alive owns, giving away what the hash places
// elsewhere, stepping down when its own registration has ended. What makes it safe is not here: every commit and every
// change of owner compares the revision of the partition's head.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/context.h"
#include "cluster/follower.h"
#include "cluster/mirror.h"
#include "cluster/roster.h"
#include "yizhan/cluster/v1/store.pb.h"

namespace yizhan::cluster {

class Ownership {
 public:
  struct Callbacks {
    // How far a machine's replica is on its disk; nullopt when it has not said.
    std::function<std::optional<uint64_t>(const std::string& node, const std::string& partition)> synced;
    // Runs after owners changed, here or elsewhere.
    std::function<void()> on_change;
  };
  Ownership(Context* context, const Roster* roster, Callbacks callbacks);

  void Start(Follower* follower);
  // Looks at what is to be done: after changes, and a few times a second.
  void Look();

  // Whether this machine's commits are where the partition's records come from.
  bool Decides(const std::string& partition) const;
  // Whether no partition is being given up.
  bool settled() const;
  // The record of the owner, as far as is known; nullopt when there is none or it cannot be read.
  std::optional<yizhan::cluster::v1::OwnerInfo> OwnerOf(const std::string& partition) const;
  // Why a partition that this machine has claimed is not served; ok otherwise.
  absl::Status Problem(const std::string& partition) const;

  // What a commit compares, and how it goes on. Null unless this machine decides for the partition.
  struct Fence {
    int64_t head_revision = 0;
    uint64_t epoch = 0;
  };
  Fence* FenceOf(const std::string& partition);
  // A commit found that another machine has taken it.
  void Fenced(const std::string& partition);

  // Gives up every partition, for stopping or because the registration ended. The records of owners stay: others take
  // them once this machine's registration is gone.
  void StepDown();

 private:
  enum class Phase {
    kFollowing,
    kClaiming,    // asking the store
    kCatchingUp,  // the claim is in; the replica is not there yet
    kOpening,     // the replica has been told to decide
    kOwner,
    kClosing,  // the replica has been told not to decide any more
  };
  struct State {
    Phase phase = Phase::kFollowing;
    uint64_t turn = 0;  // tells an answer to an earlier phase from one to this
    Fence fence;
    absl::Status problem;
  };

  // Who takes part now: where the hash places each partition follows from it, and is worked out once.
  void LookAtMembers();
  const std::string& Wanted(const std::string& partition);
  bool MayMoveTo(const std::string& node, const std::string& partition) const;
  void Claim(const std::string& partition);
  void ReadForClaim(const std::string& partition, uint64_t turn, absl::StatusOr<TxnResult> result);
  void Claimed(const std::string& partition, int64_t head_revision, uint64_t epoch, uint64_t seq);
  void CaughtUp(const std::string& partition, uint64_t seq);
  void Release(const std::string& partition, const std::string& to);
  // The replica stops deciding, then `then`.
  void Close(const std::string& partition, std::function<void()> then);
  void Following(const std::string& partition);
  bool Current(const std::string& partition, uint64_t turn) const;

  Context* const context_;
  const Roster* const roster_;
  const Callbacks callbacks_;
  Follower* follower_ = nullptr;
  Mirror owners_;
  std::map<std::string, State> states_;
  std::vector<std::string> willing_;
  std::map<std::string, std::string> wanted_;
  bool moving_ = false;
};

}  // namespace yizhan::cluster
