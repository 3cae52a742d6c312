// The simulator's coordination store: one state, and for each machine a link to it that delays, loses, repeats late and
// breaks, as etcd and a network do.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/kv.h"
#include "cluster/testing/sim_world.h"

namespace yizhan::cluster::testing {

class SimStore {
 public:
  explicit SimStore(SimWorld* world) : world_(world) {}

  // Whether it has a quorum.
  bool up = true;
  // A mistake on purpose: heads are not compared.
  bool unfenced = false;
  // Called before each put takes effect; for invariants.
  std::function<void(const std::string& key, const std::string& value)> on_put;

  TxnResult Apply(const Txn& txn);
  RangeResult Read(const Range& range) const;
  int64_t Grant(absl::Duration ttl);
  std::optional<absl::Duration> Renew(int64_t lease);
  void Revoke(int64_t lease);
  void Compact(int64_t revision);
  int64_t revision() const { return revision_; }
  int64_t compacted() const { return compacted_; }
  const std::map<std::string, KeyValue>& all() const { return keys_; }
  // Events of [key, end) from a revision on, up to now.
  std::vector<Event> Since(const std::string& key, const std::string& end, int64_t from_revision) const;
  // Runs after each revision.
  void OnChange(std::weak_ptr<std::function<void()>> hook) { hooks_.push_back(std::move(hook)); }

 private:
  struct Lease {
    absl::Duration ttl;
    absl::Time until;
  };
  void Expire(int64_t lease);
  void Delete(const std::string& key, const std::string& end, std::vector<Event>& events);
  void Commit(std::vector<Event> events);
  bool Holds(const Compare& compare) const;

  SimWorld* const world_;
  std::map<std::string, KeyValue> keys_;
  std::map<int64_t, Lease> leases_;
  int64_t next_lease_ = 1;
  int64_t revision_ = 1;
  int64_t compacted_ = 0;
  std::deque<Event> history_;
  std::vector<std::weak_ptr<std::function<void()>>> hooks_;
};

// How bad a machine's link is.
struct SimLink {
  bool up = true;
  double lose = 0;        // of requests and of answers
  double late = 0;        // of requests that arrive only after their caller has given up
  double lose_event = 0;  // of a watch's batches, in silence
  absl::Duration longest = absl::Milliseconds(3);
};

class SimKv : public Kv {
 public:
  SimKv(SimWorld* world, SimStore* store, std::shared_ptr<SimLink> link)
      : world_(world), store_(store), link_(std::move(link)) {}

  void Transact(Txn txn, absl::Duration timeout, Done<TxnResult> done) override;
  void Get(Range range, absl::Duration timeout, Done<RangeResult> done) override;
  std::unique_ptr<Watch> StartWatch(std::string key, std::string end, int64_t from_revision,
                                    WatchCallbacks callbacks) override;
  void GrantLease(absl::Duration ttl, absl::Duration timeout, Done<int64_t> done) override;
  void RenewLease(int64_t lease, absl::Duration timeout, Done<absl::Duration> done) override;
  void RevokeLease(int64_t lease, absl::Duration timeout, absl::AnyInvocable<void(absl::Status)> done) override;
  void Compact(int64_t revision, absl::Duration timeout, absl::AnyInvocable<void(absl::Status)> done) override;

 private:
  template <typename T>
  void Call(absl::Duration timeout, Done<T> done, std::function<absl::StatusOr<T>()> work);

  SimWorld* const world_;
  SimStore* const store_;
  const std::shared_ptr<SimLink> link_;
};

}  // namespace yizhan::cluster::testing
