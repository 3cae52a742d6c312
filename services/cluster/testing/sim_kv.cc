#include "cluster/testing/sim_kv.h"

#include <algorithm>
#include <utility>

namespace yizhan::cluster::testing {

bool SimStore::Holds(const Compare& compare) const {
  if (unfenced && compare.key.starts_with("head/")) return true;
  auto it = keys_.find(compare.key);
  if (compare.kind == Compare::Kind::kExists) return it != keys_.end();
  return (it == keys_.end() ? 0 : it->second.mod_revision) == compare.mod_revision;
}

TxnResult SimStore::Apply(const Txn& txn) {
  TxnResult result;
  result.succeeded =
      std::all_of(txn.compares.begin(), txn.compares.end(), [this](const Compare& compare) { return Holds(compare); });
  std::vector<Event> events;
  for (const Op& op : result.succeeded ? txn.then : txn.otherwise) {
    switch (op.kind) {
      case Op::Kind::kGet:
        result.gets.push_back(Read({op.key, op.end, 0}).kvs);
        break;
      case Op::Kind::kPut: {
        if (on_put) on_put(op.key, op.value);
        KeyValue& kv = keys_[op.key];
        if (kv.key.empty()) kv = {op.key, "", revision_ + 1, 0, 0};
        kv.value = op.value;
        kv.mod_revision = revision_ + 1;
        kv.lease = op.lease;
        events.push_back({Event::Kind::kPut, kv});
        break;
      }
      case Op::Kind::kDelete:
        Delete(op.key, op.end, events);
        break;
    }
  }
  Commit(std::move(events));
  result.revision = revision_;
  return result;
}

void SimStore::Delete(const std::string& key, const std::string& end, std::vector<Event>& events) {
  auto it = keys_.lower_bound(key);
  while (it != keys_.end() && (end.empty() ? it->first == key : it->first < end)) {
    events.push_back({Event::Kind::kDelete, {it->first, "", 0, revision_ + 1, 0}});
    it = keys_.erase(it);
  }
}

void SimStore::Commit(std::vector<Event> events) {
  if (events.empty()) return;
  ++revision_;
  for (Event& event : events) history_.push_back(std::move(event));
  std::erase_if(hooks_, [](const auto& hook) { return hook.expired(); });
  for (size_t i = 0; i < hooks_.size(); ++i) {
    if (auto hook = hooks_[i].lock()) (*hook)();
  }
}

RangeResult SimStore::Read(const Range& range) const {
  RangeResult result;
  result.revision = revision_;
  for (auto it = keys_.lower_bound(range.key);
       it != keys_.end() && (range.end.empty() ? it->first == range.key : it->first < range.end); ++it) {
    if (range.limit > 0 && result.kvs.size() == static_cast<size_t>(range.limit)) {
      result.more = true;
      break;
    }
    result.kvs.push_back(it->second);
  }
  return result;
}

int64_t SimStore::Grant(absl::Duration ttl) {
  const int64_t id = next_lease_++;
  leases_[id] = {ttl, world_->now() + ttl};
  Expire(id);
  return id;
}

std::optional<absl::Duration> SimStore::Renew(int64_t lease) {
  auto it = leases_.find(lease);
  if (it == leases_.end()) return std::nullopt;
  it->second.until = world_->now() + it->second.ttl;
  return it->second.ttl;
}

void SimStore::Expire(int64_t lease) {
  auto it = leases_.find(lease);
  if (it == leases_.end()) return;
  // Without a quorum nothing expires, and etcd gives every lease its whole time again when it has a leader.
  if (!up) it->second.until = world_->now() + it->second.ttl;
  if (it->second.until <= world_->now()) return Revoke(lease);
  world_->At(std::min(it->second.until, world_->now() + absl::Milliseconds(200)), [this, lease] { Expire(lease); });
}

void SimStore::Revoke(int64_t lease) {
  leases_.erase(lease);
  std::vector<Event> events;
  for (auto it = keys_.begin(); it != keys_.end();) {
    if (it->second.lease == lease) {
      events.push_back({Event::Kind::kDelete, {it->first, "", 0, revision_ + 1, 0}});
      it = keys_.erase(it);
    } else {
      ++it;
    }
  }
  Commit(std::move(events));
}

void SimStore::Compact(int64_t revision) {
  compacted_ = std::max(compacted_, std::min(revision, revision_));
  while (!history_.empty() && history_.front().kv.mod_revision <= compacted_) history_.pop_front();
}

std::vector<Event> SimStore::Since(const std::string& key, const std::string& end, int64_t from_revision) const {
  std::vector<Event> events;
  auto at = std::lower_bound(history_.begin(), history_.end(), from_revision,
                             [](const Event& event, int64_t revision) { return event.kv.mod_revision < revision; });
  for (; at != history_.end(); ++at) {
    if (at->kv.key >= key && at->kv.key < end) events.push_back(*at);
  }
  return events;
}

template <typename T>
void SimKv::Call(absl::Duration timeout, Done<T> done, std::function<absl::StatusOr<T>()> work) {
  struct Answer {
    Done<T> done;
    bool given = false;
    void Give(absl::StatusOr<T> result) {
      if (!std::exchange(given, true)) done(std::move(result));
    }
  };
  auto answer = std::make_shared<Answer>();
  answer->done = std::move(done);
  world_->In(timeout, [answer] { answer->Give(absl::UnavailableError("simulated: no answer")); });
  absl::Duration way = world_->Between(absl::Microseconds(100), link_->longest);
  const bool late = world_->Chance(link_->late);
  if (late) way = timeout + world_->Between(absl::ZeroDuration(), absl::Seconds(3));
  if (world_->Chance(link_->lose)) return;
  world_->In(way, [this, answer, late, work = std::move(work)] {
    if ((!link_->up && !late) || !store_->up) return;
    absl::StatusOr<T> result = work();
    if (world_->Chance(link_->lose)) return;
    world_->In(world_->Between(absl::Microseconds(100), link_->longest),
               [this, answer, result = std::move(result)]() mutable {
                 if (link_->up) answer->Give(std::move(result));
               });
  });
}

void SimKv::Transact(Txn txn, absl::Duration timeout, Done<TxnResult> done) {
  Call<TxnResult>(timeout, std::move(done),
                  [this, txn = std::move(txn)]() -> absl::StatusOr<TxnResult> { return store_->Apply(txn); });
}

void SimKv::Get(Range range, absl::Duration timeout, Done<RangeResult> done) {
  Call<RangeResult>(timeout, std::move(done),
                    [this, range = std::move(range)]() -> absl::StatusOr<RangeResult> { return store_->Read(range); });
}

void SimKv::GrantLease(absl::Duration ttl, absl::Duration timeout, Done<int64_t> done) {
  Call<int64_t>(timeout, std::move(done), [this, ttl]() -> absl::StatusOr<int64_t> { return store_->Grant(ttl); });
}

void SimKv::RenewLease(int64_t lease, absl::Duration timeout, Done<absl::Duration> done) {
  Call<absl::Duration>(timeout, std::move(done), [this, lease]() -> absl::StatusOr<absl::Duration> {
    if (auto left = store_->Renew(lease)) return *left;
    return absl::NotFoundError("simulated: no such lease");
  });
}

void SimKv::RevokeLease(int64_t lease, absl::Duration timeout, absl::AnyInvocable<void(absl::Status)> done) {
  Call<int>(
      timeout, [done = std::move(done)](absl::StatusOr<int> result) mutable { done(result.status()); },
      [this, lease]() -> absl::StatusOr<int> {
        store_->Revoke(lease);
        return 0;
      });
}

void SimKv::Compact(int64_t revision, absl::Duration timeout, absl::AnyInvocable<void(absl::Status)> done) {
  Call<int>(
      timeout, [done = std::move(done)](absl::StatusOr<int> result) mutable { done(result.status()); },
      [this, revision]() -> absl::StatusOr<int> {
        store_->Compact(revision);
        return 0;
      });
}

namespace {
class SimWatch : public Watch, public std::enable_shared_from_this<SimWatch> {
 public:
  SimWatch(SimWorld* world, SimStore* store, std::shared_ptr<SimLink> link, std::string key, std::string end,
           int64_t next, WatchCallbacks callbacks)
      : world_(world),
        store_(store),
        link_(std::move(link)),
        key_(std::move(key)),
        end_(std::move(end)),
        next_(next),
        callbacks_(std::move(callbacks)) {}

  void Start() {
    hook_ = std::make_shared<std::function<void()>>([this] { Wake(); });
    store_->OnChange(hook_);
    Wake();
  }
  void End() { ended_ = true; }

 private:
  void Wake() {
    if (std::exchange(waking_, true)) return;
    world_->In(world_->Between(absl::Microseconds(100), link_->longest), [self = shared_from_this()] {
      self->waking_ = false;
      self->Send();
    });
  }
  void Send() {
    if (ended_) return;
    // A broken connection, or a server without a leader: it is opened again from where it was.
    if (!link_->up || !store_->up) {
      waking_ = true;
      world_->In(absl::Milliseconds(100), [self = shared_from_this()] {
        self->waking_ = false;
        self->Wake();
      });
      return;
    }
    if (next_ <= store_->compacted()) {
      ended_ = true;
      return callbacks_.on_ended(absl::OutOfRangeError("simulated: compacted"));
    }
    auto events = store_->Since(key_, end_, next_);
    next_ = store_->revision() + 1;
    if (events.empty() || world_->Chance(link_->lose_event)) return;
    const int64_t revision = events.back().kv.mod_revision;
    callbacks_.on_events(std::move(events), revision);
  }

  SimWorld* const world_;
  SimStore* const store_;
  const std::shared_ptr<SimLink> link_;
  const std::string key_, end_;
  int64_t next_;
  WatchCallbacks callbacks_;
  std::shared_ptr<std::function<void()>> hook_;
  bool waking_ = false, ended_ = false;
};

class SimWatchHandle : public Watch {
 public:
  explicit SimWatchHandle(std::shared_ptr<SimWatch> watch) : watch_(std::move(watch)) {}
  ~SimWatchHandle() override { watch_->End(); }

 private:
  std::shared_ptr<SimWatch> watch_;
};
}  // namespace

std::unique_ptr<Watch> SimKv::StartWatch(std::string key, std::string end, int64_t from_revision,
                                         WatchCallbacks callbacks) {
  auto watch = std::make_shared<SimWatch>(world_, store_, link_, std::move(key), std::move(end), from_revision,
                                          std::move(callbacks));
  watch->Start();
  return std::make_unique<SimWatchHandle>(std::move(watch));
}

}  // namespace yizhan::cluster::testing
