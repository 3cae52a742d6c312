// What the parts of the cluster's logic share. All of it lives on one loop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "cluster/kv.h"
#include "cluster/loop.h"
#include "cluster/replica.h"

namespace yizhan::cluster {

struct NodeOptions {
  // This machine's name: 1 to 63 of [a-z0-9-], unlike any other's.
  std::string node;
  // Where the others reach its inner face.
  std::string address;
  std::string version;
  // Founds the cluster when it is not there yet. Every other machine waits for it.
  bool found = false;
  // A machine that has not been heard of for so long is dead, and its partitions go to others.
  absl::Duration lease = absl::Seconds(3);
  // How long a machine stays where it is before partitions move to it because the hash says so.
  absl::Duration settle = absl::Seconds(5);
  // How often the replica is put on its disk, and the log is cut behind what is.
  absl::Duration sync_every = absl::Seconds(1);
  // Bytes of its own partitions' records that an owner leaves in the log for slow replicas. At the bound they are left
  // behind (they fetch from another machine); at twice the bound, when there are not two replicas to hold them,
  // commands are refused.
  size_t window_bytes = 128 << 20;
  // Records are dropped from the log when so many machines (this one among them) have them on their disks. So one
  // machine alone fills the log's window and stops.
  size_t min_replicas = 2;
  // Bytes on their way into the replica at most.
  size_t max_ingest_bytes = 16 << 20;
};

// A Kv whose callbacks come on the loop, and not at all once the loop has stopped.
class LoopKv {
 public:
  LoopKv(Kv* kv, Loop* loop) : kv_(kv), loop_(loop) {}

  template <typename T>
  Kv::Done<T> On(Kv::Done<T> done) const {
    return [loop = loop_, done = std::move(done)](absl::StatusOr<T> result) mutable {
      loop->Post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
    };
  }
  absl::AnyInvocable<void(absl::Status)> OnStatus(absl::AnyInvocable<void(absl::Status)> done) const {
    return [loop = loop_, done = std::move(done)](absl::Status status) mutable {
      loop->Post([done = std::move(done), status = std::move(status)]() mutable { done(std::move(status)); });
    };
  }

  void Transact(Txn txn, absl::Duration timeout, Kv::Done<TxnResult> done) const {
    kv_->Transact(std::move(txn), timeout, On<TxnResult>(std::move(done)));
  }
  void Get(Range range, absl::Duration timeout, Kv::Done<RangeResult> done) const {
    kv_->Get(std::move(range), timeout, On<RangeResult>(std::move(done)));
  }
  void GrantLease(absl::Duration ttl, absl::Duration timeout, Kv::Done<int64_t> done) const {
    kv_->GrantLease(ttl, timeout, On<int64_t>(std::move(done)));
  }
  void RenewLease(int64_t lease, absl::Duration timeout, Kv::Done<absl::Duration> done) const {
    kv_->RenewLease(lease, timeout, On<absl::Duration>(std::move(done)));
  }
  void RevokeLease(int64_t lease, absl::Duration timeout, absl::AnyInvocable<void(absl::Status)> done) const {
    kv_->RevokeLease(lease, timeout, OnStatus(std::move(done)));
  }
  void Compact(int64_t revision, absl::Duration timeout, absl::AnyInvocable<void(absl::Status)> done) const {
    kv_->Compact(revision, timeout, OnStatus(std::move(done)));
  }
  std::unique_ptr<Watch> StartWatch(std::string key, std::string end, int64_t from_revision,
                                    WatchCallbacks callbacks) const;

 private:
  Kv* const kv_;
  Loop* const loop_;
};

struct Context {
  NodeOptions options;
  uint64_t incarnation = 0;
  Loop* loop = nullptr;
  LoopKv kv;
  Replica* replica = nullptr;
  Peers* peers = nullptr;
  // Random bits; the simulator's come from its seed.
  std::function<uint64_t()> random;
};

}  // namespace yizhan::cluster
