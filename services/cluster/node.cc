#include "cluster/node.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/logging.h"
#include "base/status.h"
#include "cluster/keys.h"

namespace yizhan::cluster {

using yizhan::cluster::v1::ClusterInfo;
using yizhan::cluster::v1::HeadInfo;

namespace {
constexpr absl::Duration kTimeout = absl::Seconds(2);
constexpr absl::Duration kAgain = absl::Milliseconds(300);
constexpr absl::Duration kTick = absl::Milliseconds(200);
// etcd's bound for a transaction, less what stands beside the heads.
constexpr size_t kHeadsAtOnce = 100;

// The partitions by service: "im/0".."im/15" as {"im", 16}.
ClusterInfo PartitionsOf(const Replica& replica) {
  ClusterInfo info;
  for (const std::string& partition : replica.Partitions()) {
    const std::string service = partition.substr(0, partition.find('/'));
    if (info.services().empty() || info.services().rbegin()->service() != service)
      info.add_services()->set_service(service);
    auto* last = info.mutable_services(info.services_size() - 1);
    last->set_count(last->count() + 1);
  }
  return info;
}

std::string Names(const ClusterInfo& info) {
  std::string names;
  for (const auto& service : info.services())
    absl::StrAppend(&names, names.empty() ? "" : ", ", service.service(), " ", service.count());
  return names;
}
}  // namespace

std::string NewClusterId(const std::function<uint64_t()>& random) {
  return absl::StrFormat("%016x%016x", random(), random());
}

Node::Node(NodeOptions options, Dependencies dependencies)
    : context_{std::move(options),   dependencies.random(),
               dependencies.loop,    LoopKv(dependencies.kv, dependencies.loop),
               dependencies.replica, dependencies.peers,
               dependencies.random},
      roster_(&context_,
              [this] {
                if (!joined_done_) return;
                ownership_.Look();
                LookAtReadiness();
                Publish();
              }),
      ownership_(
          &context_, &roster_,
          {[this](const std::string& node, const std::string& partition) { return window_.Synced(node, partition); },
           [this] { Publish(); }}),
      follower_(&context_, &roster_, [this](const std::string& partition) { return ownership_.Decides(partition); }),
      window_(
          &context_, &roster_, [this](const std::string& partition) { return ownership_.Decides(partition); },
          [this] { return follower_.revision(); }),
      commits_(
          &context_, &ownership_, [this] { return window_.Full(); },
          [this](const std::string& partition, uint64_t seq, size_t bytes) {
            window_.Committed(partition, seq, bytes);
          }) {}

Node::~Node() = default;

void Node::Start(std::string folder_cluster_id, absl::AnyInvocable<void(absl::StatusOr<std::string>)> joined) {
  folder_cluster_id_ = std::move(folder_cluster_id);
  joined_ = std::move(joined);
  Look();
}

void Node::Look() {
  context_.kv.Get({std::string(keys::kCluster)}, kTimeout,
                  [this](absl::StatusOr<RangeResult> result) { Found(std::move(result)); });
}

void Node::LookAgain() {
  context_.loop->After(kAgain, [this] { Look(); });
}

void Node::Found(absl::StatusOr<RangeResult> result) {
  if (result.ok() && !result->kvs.empty()) return Join(result->kvs[0].value);
  if (result.ok() && context_.options.found) return BeginFounding();
  if (result.ok()) {
    log::Info("cluster", "waits for the cluster to be founded");
  } else {
    log::Warning("cluster", "the cluster's store does not answer; it is asked again").With("why", result.status());
  }
  LookAgain();
}

// One machine founds: the one whose id stands under `founding`. Each step compares that entry, and that the cluster is
// not there yet, so another machine's step, or one of this machine's that was held up, comes to nothing. The cluster's
// own key comes last: a founding that was cut short is done again from the beginning.
struct Node::Founding {
  std::vector<Txn> steps;
  size_t next = 0;
};

void Node::BeginFounding() {
  const std::string key(keys::kFounding);
  Txn txn;
  txn.compares = {{Compare::Kind::kModRevision, key, 0}};
  txn.then = {Op::Put(key, folder_cluster_id_), Op::Get(key)};
  txn.otherwise = {Op::Get(key)};
  context_.kv.Transact(std::move(txn), kTimeout, [this, key](absl::StatusOr<TxnResult> result) {
    if (!result.ok() || result->gets[0].empty()) return LookAgain();
    const KeyValue& entry = result->gets[0][0];
    if (entry.value != folder_cluster_id_) {
      return std::exchange(joined_, nullptr)(Refuse(
          absl::StatusCode::kFailedPrecondition, "FOUNDED_ELSEWHERE",
          absl::StrCat("another machine is founding the cluster (as ", entry.value,
                       "): only one may. Let this one join it, with an empty folder and without cluster.found")));
    }
    const std::vector<Compare> still = {{Compare::Kind::kModRevision, key, entry.mod_revision},
                                        {Compare::Kind::kModRevision, std::string(keys::kCluster), 0}};
    auto founding = std::make_shared<Founding>();
    const auto& partitions = context_.replica->Partitions();
    for (size_t begin = 0; begin < partitions.size(); begin += kHeadsAtOnce) {
      Txn& step = founding->steps.emplace_back(Txn{still, {}, {}});
      for (size_t i = begin; i < partitions.size() && i < begin + kHeadsAtOnce; ++i) {
        HeadInfo head;
        head.set_epoch(1);
        head.set_seq(context_.replica->Head(partitions[i]));
        head.set_nonce(context_.random());
        step.then.push_back(Op::Put(keys::Head(partitions[i]), head.SerializeAsString()));
      }
    }
    ClusterInfo info = PartitionsOf(*context_.replica);
    info.set_format_version(kFormatVersion);
    info.set_cluster_id(folder_cluster_id_);
    founding->steps.push_back(Txn{still, {Op::Put(std::string(keys::kCluster), info.SerializeAsString())}, {}});
    ContinueFounding(std::move(founding));
  });
}

void Node::ContinueFounding(std::shared_ptr<Founding> founding) {
  if (founding->next == founding->steps.size()) {
    log::Info("cluster", "founded the cluster");
    return Look();
  }
  Txn step = std::move(founding->steps[founding->next++]);
  context_.kv.Transact(std::move(step), kTimeout,
                       [this, founding = std::move(founding)](absl::StatusOr<TxnResult> result) mutable {
                         if (!result.ok() || !result->succeeded) return LookAgain();
                         ContinueFounding(std::move(founding));
                       });
}

absl::Status Node::Refusal(const std::string& value) const {
  constexpr auto kRefused = absl::StatusCode::kFailedPrecondition;
  ClusterInfo info;
  if (!info.ParseFromString(value))
    return absl::DataLossError("the cluster's store holds a description of the cluster that cannot be read");
  if (info.format_version() > kFormatVersion) {
    return Refuse(kRefused, "NEWER_FORMAT",
                  absl::StrCat("the cluster is of format ", info.format_version(), " and this program knows ",
                               kFormatVersion, ": install the newer release"));
  }
  uint64_t records = 0;
  for (const std::string& partition : context_.replica->Partitions()) records += context_.replica->Head(partition);
  if (folder_cluster_id_ != info.cluster_id() && context_.options.found) {
    return Refuse(
        kRefused, "FOUNDED_ELSEWHERE",
        absl::StrCat("this machine is to found a cluster, and there is one already, ", info.cluster_id(),
                     ": name the right store, or let it join, with an empty folder and without cluster.found"));
  }
  if (folder_cluster_id_ != info.cluster_id() && records > 0) {
    return Refuse(
        kRefused, "ANOTHER_CLUSTER",
        absl::StrCat("the data folder has records of ",
                     folder_cluster_id_.empty() ? "its own" : absl::StrCat("the cluster ", folder_cluster_id_),
                     ", and the store holds the cluster ", info.cluster_id(),
                     ": name the right store, or give the machine an empty folder"));
  }
  if (const ClusterInfo own = PartitionsOf(*context_.replica); Names(own) != Names(info)) {
    return Refuse(kRefused, "OTHER_PARTITIONS",
                  absl::StrCat("the cluster has the partitions ", Names(info), " and this folder ", Names(own),
                               ": use an empty folder with the cluster's configuration"));
  }
  return absl::OkStatus();
}

void Node::Join(const std::string& value) {
  if (absl::Status refused = Refusal(value); !refused.ok()) return std::exchange(joined_, nullptr)(std::move(refused));
  ClusterInfo info;
  info.ParseFromString(value);
  joined_done_ = true;
  roster_.Start();
  window_.Start();
  follower_.Start();
  ownership_.Start(&follower_);
  Tick();
  std::exchange(joined_, nullptr)(info.cluster_id());
}

void Node::Tick() {
  context_.loop->After(kTick, [this] { Tick(); });
  ownership_.Look();
  LookAtReadiness();
  const absl::Time now = context_.loop->Now();
  if (now - ticked_ >= context_.options.sync_every) {
    ticked_ = now;
    window_.Tick();
    Publish();
  }
}

void Node::LookAtReadiness() {
  if (!roster_.registered()) {
    ready_ = false;
    registered_since_ = absl::InfiniteFuture();
  } else if (registered_since_ == absl::InfiniteFuture()) {
    registered_since_ = context_.loop->Now();
    follower_.Check();
  } else if (!ready_ && ownership_.settled() && follower_.caught_up(registered_since_)) {
    ready_ = was_ready_ = true;
    log::Info("cluster", "is up to date");
  }
}

void Node::Drain(bool draining) {
  roster_.Drain(draining);
  ownership_.Look();
}

void Node::Leave(absl::AnyInvocable<void()> done) {
  ownership_.StepDown();
  commits_.Stop();
  roster_.Leave(std::move(done));
}

void Node::Publish() {
  auto view = std::make_shared<View>();
  view->replaced = roster_.replaced();
  for (const auto& [node, member] : roster_.members()) {
    view->members.push_back({node, member.info.address(), member.info.version(), member.info.draining()});
  }
  for (const std::string& partition : context_.replica->Partitions()) {
    View::Partition& one = view->partitions[partition];
    if (const auto owner = ownership_.OwnerOf(partition)) {
      if (roster_.Lives(owner->node(), owner->incarnation())) one.owner = owner->node();
      one.epoch = owner->epoch();
    }
    one.here = ownership_.Decides(partition);
    one.head = context_.replica->Head(partition);
    one.known = std::max(one.head, follower_.Known(partition));
    one.problem = ownership_.Problem(partition);
    if (one.problem.ok()) one.problem = follower_.Problem(partition);
  }
  view->log_bytes = window_.bytes();
  std::lock_guard lock(view_mutex_);
  view_ = std::move(view);
}

std::shared_ptr<const View> Node::view() const {
  std::lock_guard lock(view_mutex_);
  return view_;
}

}  // namespace yizhan::cluster
