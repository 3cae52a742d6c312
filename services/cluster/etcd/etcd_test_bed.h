// What the tests of this folder share: a Kv's calls, waited for, and what a watch has brought.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cluster/etcd/etcd_kv.h"
#include "cluster/testing/etcd_servers.h"

namespace yizhan::cluster {

inline constexpr absl::Duration kPatience = absl::Seconds(15);

// These end the process with what is wrong.
std::unique_ptr<EtcdServers> MustStart(EtcdServers::Options options);
std::unique_ptr<EtcdKv> MustConnect(EtcdOptions options);

absl::StatusOr<TxnResult> Transact(Kv& kv, Txn txn, absl::Duration timeout = kPatience);
absl::StatusOr<RangeResult> Get(Kv& kv, Range range, absl::Duration timeout = kPatience);
// The revision.
absl::StatusOr<int64_t> Put(Kv& kv, std::string key, std::string value, int64_t lease = 0,
                            absl::Duration timeout = kPatience);
absl::StatusOr<int64_t> GrantLease(Kv& kv, absl::Duration ttl, absl::Duration timeout = kPatience);
absl::StatusOr<absl::Duration> RenewLease(Kv& kv, int64_t lease, absl::Duration timeout = kPatience);
absl::Status RevokeLease(Kv& kv, int64_t lease);
absl::Status Compact(Kv& kv, int64_t revision);

std::vector<std::string> Keys(const std::vector<KeyValue>& kvs);

// Whether it holds within the patience; asked every few milliseconds.
bool Eventually(const std::function<bool()>& holds, absl::Duration patience = kPatience);

// What a watch brings. Thread-safe; outlives the watch (and what its callback still does).
class Events {
 public:
  WatchCallbacks Callbacks();

  bool WaitFor(size_t events, absl::Duration patience = kPatience);
  bool WaitUntil(const std::function<bool()>& holds) { return Eventually(holds); }

  std::vector<Event> all() const;
  std::vector<std::string> keys() const;
  std::vector<std::string> values() const;
  std::vector<int> batches() const;        // how many came at a time
  std::vector<int64_t> revisions() const;  // with each of these
  absl::Status ended() const;              // OK: not yet

 private:
  struct State {
    absl::Mutex mutex;
    std::vector<Event> events ABSL_GUARDED_BY(mutex);
    std::vector<int> batches ABSL_GUARDED_BY(mutex);
    std::vector<int64_t> revisions ABSL_GUARDED_BY(mutex);
    absl::Status ended ABSL_GUARDED_BY(mutex);
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace yizhan::cluster
