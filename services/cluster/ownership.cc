#include "cluster/ownership.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "base/status.h"
#include "cluster/keys.h"
#include "cluster/placement.h"

namespace yizhan::cluster {

using yizhan::cluster::v1::HeadInfo;
using yizhan::cluster::v1::MemberInfo;
using yizhan::cluster::v1::OwnerInfo;

namespace {
constexpr absl::Duration kTimeout = absl::Seconds(1);
// A replica that is further behind than this gets no partition to own.
constexpr uint64_t kMaxBehind = 65'536;

metrics::Counter& Changes(const char* how) {
  return metrics::GetCounter("yizhan_cluster_owner_changes_total",
                             "Partitions that this machine claimed, gave away or lost.", {{"how", how}});
}
}  // namespace

Ownership::Ownership(Context* context, const Roster* roster, Callbacks callbacks)
    : context_(context), roster_(roster), callbacks_(std::move(callbacks)), owners_(context, keys::kOwners, [this] {
        callbacks_.on_change();
        Look();
      }) {}

void Ownership::Start(Follower* follower) {
  follower_ = follower;
  for (const std::string& partition : context_->replica->Partitions()) states_[partition];
  owners_.Start();
}

bool Ownership::Decides(const std::string& partition) const {
  auto it = states_.find(partition);
  if (it == states_.end()) return false;
  const Phase phase = it->second.phase;
  return phase == Phase::kOpening || phase == Phase::kOwner || phase == Phase::kClosing;
}

bool Ownership::settled() const {
  return std::none_of(states_.begin(), states_.end(),
                      [](const auto& each) { return each.second.phase == Phase::kClosing; });
}

std::optional<OwnerInfo> Ownership::OwnerOf(const std::string& partition) const {
  const KeyValue* kv = owners_.Find(keys::Owner(partition));
  OwnerInfo owner;
  if (kv == nullptr || !owner.ParseFromString(kv->value)) return std::nullopt;
  return owner;
}

absl::Status Ownership::Problem(const std::string& partition) const {
  auto it = states_.find(partition);
  return it == states_.end() ? absl::OkStatus() : it->second.problem;
}

Ownership::Fence* Ownership::FenceOf(const std::string& partition) {
  return Decides(partition) ? &states_[partition].fence : nullptr;
}

bool Ownership::Current(const std::string& partition, uint64_t turn) const {
  return states_.at(partition).turn == turn;
}

void Ownership::LookAtMembers() {
  std::vector<std::string> all, willing;
  for (const auto& [node, member] : roster_->members()) {
    all.push_back(node);
    if (!member.info.draining()) willing.push_back(node);
  }
  if (willing.empty()) willing = std::move(all);
  if (willing == willing_) return;
  willing_ = std::move(willing);
  wanted_.clear();
}

const std::string& Ownership::Wanted(const std::string& partition) {
  const auto [it, fresh] = wanted_.try_emplace(partition);
  if (fresh) it->second = Place(partition, willing_);
  return it->second;
}

bool Ownership::MayMoveTo(const std::string& node, const std::string& partition) const {
  auto it = roster_->members().find(node);
  if (it == roster_->members().end()) return false;
  if (!roster_->draining() && context_->loop->Now() - it->second.since < context_->options.settle) return false;
  const auto synced = callbacks_.synced(node, partition);
  return synced && *synced + kMaxBehind >= context_->replica->Head(partition);
}

void Ownership::Look() {
  if (!roster_->registered()) return StepDown();
  if (!roster_->known() || !owners_.listed()) return;
  LookAtMembers();
  for (auto& [partition, state] : states_) {
    if (state.phase == Phase::kFollowing) {
      const auto owner = OwnerOf(partition);
      const bool mine =
          owner && owner->node() == context_->options.node && owner->incarnation() == context_->incarnation;
      const bool orphaned = !owner || !roster_->Lives(owner->node(), owner->incarnation());
      if (mine || (orphaned && Wanted(partition) == context_->options.node)) Claim(partition);
    } else if (state.phase == Phase::kOwner && !moving_) {
      const std::string& wanted = Wanted(partition);
      if (wanted != context_->options.node && MayMoveTo(wanted, partition)) Release(partition, wanted);
    }
  }
}

void Ownership::Claim(const std::string& partition) {
  State& state = states_[partition];
  state.phase = Phase::kClaiming;
  const uint64_t turn = ++state.turn;
  Txn txn;
  txn.then = {Op::Get(keys::Head(partition)), Op::Get(keys::Owner(partition)),
              Op::Get(std::string(keys::kMembers), PrefixEnd(keys::kMembers))};
  context_->kv.Transact(std::move(txn), kTimeout, [this, partition, turn](absl::StatusOr<TxnResult> result) {
    if (Current(partition, turn)) ReadForClaim(partition, turn, std::move(result));
  });
}

void Ownership::ReadForClaim(const std::string& partition, uint64_t turn, absl::StatusOr<TxnResult> result) {
  State& state = states_[partition];
  if (!result.ok()) return Following(partition);
  HeadInfo head;
  if (result->gets[0].empty() || !head.ParseFromString(result->gets[0][0].value)) {
    state.problem =
        absl::DataLossError(absl::StrCat("the cluster has no head of partition ", partition, " that can be read"));
    return Following(partition);
  }
  const int64_t head_revision = result->gets[0][0].mod_revision;
  int64_t owner_revision = 0;
  if (!result->gets[1].empty()) {
    OwnerInfo owner;
    owner_revision = result->gets[1][0].mod_revision;
    owners_.Learn(result->gets[1][0]);
    if (owner.ParseFromString(result->gets[1][0].value)) {
      // Its own already, by an earlier claim whose answer was lost or because another machine has given it away:
      // claimed once more, so that whatever this machine has sent before and was held up on the way comes to nothing.
      const bool own = owner.node() == context_->options.node;
      const std::string key = keys::Member(owner.node());
      for (const KeyValue& kv : result->gets[2]) {
        MemberInfo member;
        if (!own && kv.key == key && member.ParseFromString(kv.value) && member.incarnation() == owner.incarnation())
          return Following(partition);  // it lives; this machine had not heard of it yet
      }
    }
  }
  HeadInfo next = head;
  next.set_epoch(head.epoch() + 1);
  next.set_nonce(context_->random());
  OwnerInfo owner;
  owner.set_node(context_->options.node);
  owner.set_incarnation(context_->incarnation);
  owner.set_epoch(next.epoch());
  Txn txn;
  txn.compares = {{Compare::Kind::kModRevision, keys::Head(partition), head_revision},
                  {Compare::Kind::kModRevision, keys::Owner(partition), owner_revision},
                  {Compare::Kind::kExists, keys::Member(context_->options.node), 0}};
  txn.then = {Op::Put(keys::Head(partition), next.SerializeAsString()),
              Op::Put(keys::Owner(partition), owner.SerializeAsString())};
  context_->kv.Transact(std::move(txn), kTimeout, [this, partition, turn, next](absl::StatusOr<TxnResult> result) {
    if (!Current(partition, turn)) return;
    // A lost answer is found out by the next claim's reading.
    if (!result.ok() || !result->succeeded) return Following(partition);
    Changes("claimed").Add();
    Claimed(partition, result->revision, next.epoch(), next.seq());
  });
}

void Ownership::Claimed(const std::string& partition, int64_t head_revision, uint64_t epoch, uint64_t seq) {
  State& state = states_[partition];
  state.phase = Phase::kCatchingUp;
  state.fence = {head_revision, epoch};
  const uint64_t turn = ++state.turn;
  follower_->CatchUp(partition, seq, [this, partition, seq, turn](absl::Status) {
    if (Current(partition, turn)) CaughtUp(partition, seq);
  });
}

void Ownership::CaughtUp(const std::string& partition, uint64_t seq) {
  State& state = states_[partition];
  if (const uint64_t head = context_->replica->Head(partition); head != seq) {
    state.problem = Refuse(absl::StatusCode::kDataLoss, "AHEAD_OF_CLUSTER",
                           absl::StrCat("partition ", partition, " has ", head, " records here and only ", seq,
                                        " in the cluster: one of them was restored from an older backup"));
    log::Error("cluster", "a partition is not served").With("why", state.problem);
    return;  // claimed and not served: nobody else could serve more
  }
  state.problem = absl::OkStatus();
  state.phase = Phase::kOpening;
  const uint64_t turn = ++state.turn;
  context_->replica->Own(partition, true, [this, partition, turn](absl::Status status) {
    if (!Current(partition, turn)) return;
    State& state = states_[partition];
    state.problem = status;
    if (!status.ok()) return Close(partition, [this, partition] { Following(partition); });
    state.phase = Phase::kOwner;
    log::Info("cluster", "owns a partition").With("partition", partition).With("epoch", state.fence.epoch);
    callbacks_.on_change();
  });
}

void Ownership::Close(const std::string& partition, std::function<void()> then) {
  State& state = states_[partition];
  state.phase = Phase::kClosing;
  const uint64_t turn = ++state.turn;
  context_->replica->Own(partition, false, [this, partition, turn, then = std::move(then)](absl::Status) {
    if (Current(partition, turn)) then();
  });
}

void Ownership::Release(const std::string& partition, const std::string& to) {
  moving_ = true;
  const auto member = roster_->members().at(to).info;
  Close(partition, [this, partition, to, incarnation = member.incarnation()] {
    State& state = states_[partition];
    HeadInfo head;
    head.set_epoch(state.fence.epoch + 1);
    head.set_seq(context_->replica->Head(partition));
    head.set_nonce(context_->random());
    OwnerInfo owner;
    owner.set_node(to);
    owner.set_incarnation(incarnation);
    owner.set_epoch(head.epoch());
    Txn txn;
    txn.compares = {{Compare::Kind::kModRevision, keys::Head(partition), state.fence.head_revision}};
    txn.then = {Op::Put(keys::Head(partition), head.SerializeAsString()),
                Op::Put(keys::Owner(partition), owner.SerializeAsString())};
    const uint64_t turn = state.turn;
    context_->kv.Transact(std::move(txn), kTimeout, [this, partition, owner, turn](absl::StatusOr<TxnResult> result) {
      moving_ = false;
      if (!Current(partition, turn)) return;
      if (result.ok() && result->succeeded) {
        Changes("gave away").Add();
        KeyValue kv{keys::Owner(partition), owner.SerializeAsString(), 0, result->revision, 0};
        owners_.Learn(std::move(kv));
      }
      // Whatever happened, the next look at the owner's record finds out.
      Following(partition);
      callbacks_.on_change();
    });
  });
}

void Ownership::Following(const std::string& partition) {
  State& state = states_[partition];
  const bool decided = Decides(partition);
  state.phase = Phase::kFollowing;
  ++state.turn;
  if (decided) follower_->Resume(partition);
}

void Ownership::Fenced(const std::string& partition) {
  State& state = states_[partition];
  if (state.phase != Phase::kOwner && state.phase != Phase::kOpening) return;
  log::Warning("cluster", "another machine has taken a partition").With("partition", partition);
  Changes("lost").Add();
  Close(partition, [this, partition] {
    Following(partition);
    callbacks_.on_change();
  });
}

void Ownership::StepDown() {
  for (auto& [partition, state] : states_) {
    switch (state.phase) {
      case Phase::kFollowing:
      case Phase::kClosing:
        break;
      case Phase::kClaiming:
      case Phase::kCatchingUp:
        Following(partition);
        break;
      case Phase::kOpening:
      case Phase::kOwner:
        Close(partition, [this, partition = partition] {
          Following(partition);
          callbacks_.on_change();
        });
        break;
    }
  }
}

}  // namespace yizhan::cluster
