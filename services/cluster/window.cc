#include "cluster/window.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/status.h"
#include "cluster/keys.h"
#include "yizhan/cluster/v1/store.pb.h"

namespace yizhan::cluster {

using yizhan::cluster::v1::SyncedInfo;

namespace {
constexpr absl::Duration kTimeout = absl::Seconds(2);
// etcd takes 128 operations in a transaction unless it is told otherwise.
constexpr size_t kCutsAtOnce = 64;
// What the store was before the last but one of these is forgotten: a watch that is further behind lists again.
constexpr absl::Duration kCompactEvery = absl::Seconds(10);
}  // namespace

Window::Window(Context* context, const Roster* roster, std::function<bool(const std::string&)> decides,
               std::function<int64_t()> revision)
    : context_(context),
      roster_(roster),
      decides_(std::move(decides)),
      revision_(std::move(revision)),
      synced_(context, keys::kSynced, [this] { Changed(); }) {}

void Window::Start() { synced_.Start(); }

void Window::Tick() {
  Compact();
  if (syncing_) return;
  syncing_ = true;
  context_->replica->Sync([this](absl::StatusOr<std::map<std::string, uint64_t>> heads) {
    syncing_ = false;
    if (!heads.ok()) {
      log::Error("cluster", "the replica could not be put on its disk").With("why", heads.status());
      return;
    }
    Say(*heads);
    Cut();
  });
}

void Window::Say(const std::map<std::string, uint64_t>& heads) {
  if (roster_->lease() == 0) return;
  const bool told = by_node_.contains(context_->options.node);
  if (heads == own_ && told) return;
  own_ = heads;
  SyncedInfo info;
  for (const auto& [partition, seq] : heads) {
    auto* one = info.add_partitions();
    one->set_partition(partition);
    one->set_seq(seq);
  }
  Txn txn;
  txn.then = {Op::Put(keys::Synced(context_->options.node), info.SerializeAsString(), roster_->lease())};
  context_->kv.Transact(std::move(txn), kTimeout, [](absl::StatusOr<TxnResult>) {});  // said again in a second
}

void Window::Changed() {
  std::map<std::string, std::map<std::string, uint64_t>> by_node;
  for (const auto& [key, kv] : synced_.all()) {
    SyncedInfo info;
    if (!info.ParseFromString(kv.value)) continue;
    auto& seqs = by_node[*keys::NameIn(key, keys::kSynced)];
    for (const auto& one : info.partitions()) seqs[one.partition()] = one.seq();
  }
  by_node_ = std::move(by_node);
}

std::optional<uint64_t> Window::Synced(const std::string& node, const std::string& partition) const {
  auto at = by_node_.find(node);
  if (at == by_node_.end()) return std::nullopt;
  auto seq = at->second.find(partition);
  if (seq == at->second.end()) return std::nullopt;
  return seq->second;
}

void Window::Committed(const std::string& partition, uint64_t last_seq, size_t bytes) {
  held_[partition].entries.emplace_back(last_seq, bytes);
  bytes_ += bytes;
}

absl::Status Window::Full() const {
  if (bytes_ < 2 * context_->options.window_bytes) return absl::OkStatus();
  return RefuseForNow(
      absl::StatusCode::kUnavailable, "WINDOW_FULL",
      absl::StrCat("the cluster's log holds ", bytes_ >> 20, " MiB that fewer than ", context_->options.min_replicas,
                   " machines have on their disks; start another machine of the cluster, then it goes on by itself"),
      5'000);
}

uint64_t Window::Enough(const std::string& partition, bool wait_for_slow) const {
  std::vector<uint64_t> seqs;
  for (const auto& [node, member] : roster_->members()) {
    const auto seq = Synced(node, partition);
    if (seq) {
      seqs.push_back(*seq);
    } else if (wait_for_slow) {
      return 0;
    }
  }
  if (seqs.size() < context_->options.min_replicas) return 0;
  std::sort(seqs.rbegin(), seqs.rend());
  return wait_for_slow ? seqs.back() : seqs[context_->options.min_replicas - 1];
}

void Window::Cut() {
  if (cutting_) return;
  Txn txn;
  std::vector<std::pair<std::string, uint64_t>> cuts;
  const bool wait_for_slow = bytes_ < context_->options.window_bytes;
  for (const std::string& partition : context_->replica->Partitions()) {
    if (!decides_(partition) || cuts.size() == kCutsAtOnce) continue;
    const uint64_t upto = Enough(partition, wait_for_slow);
    if (upto <= held_[partition].dropped) continue;
    txn.then.push_back(Op::Delete(keys::Log(partition, 0), keys::Log(partition, upto + 1)));
    cuts.emplace_back(partition, upto);
  }
  for (auto& [partition, held] : held_) {
    if (decides_(partition)) continue;  // its new owner cuts it
    for (const auto& [seq, bytes] : held.entries) bytes_ -= bytes;
    held.entries.clear();
  }
  if (cuts.empty()) return;
  cutting_ = true;
  context_->kv.Transact(std::move(txn), kTimeout, [this, cuts = std::move(cuts)](absl::StatusOr<TxnResult> result) {
    cutting_ = false;
    if (!result.ok()) return;  // the next time
    for (const auto& [partition, upto] : cuts) {
      Held& held = held_[partition];
      held.dropped = std::max(held.dropped, upto);
      while (!held.entries.empty() && held.entries.front().first <= upto) {
        bytes_ -= held.entries.front().second;
        held.entries.pop_front();
      }
    }
  });
}

// One machine does it for all: the first by name.
void Window::Compact() {
  const absl::Time now = context_->loop->Now();
  if (roster_->members().empty() || roster_->members().begin()->first != context_->options.node ||
      now - compacted_ < kCompactEvery)
    return;
  compacted_ = now;
  const int64_t upto = compact_next_;
  compact_next_ = revision_();
  if (upto <= 0) return;
  context_->kv.Compact(upto, kTimeout, [](absl::Status) {});  // refused when it has been done already
}

}  // namespace yizhan::cluster
