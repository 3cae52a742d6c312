#include "cluster/etcd/etcd_test_bed.h"

#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"

namespace yizhan::cluster {
namespace {

// Runs an asynchronous call and waits for what it says. It has to answer a little after its timeout at the latest.
template <typename T, typename Start>
T Wait(absl::Duration timeout, Start start) {
  struct State {
    absl::Notification done;
    std::unique_ptr<T> result;
  };
  auto state = std::make_shared<State>();
  start([state](T result) {
    state->result = std::make_unique<T>(std::move(result));
    state->done.Notify();
  });
  if (state->done.WaitForNotificationWithTimeout(timeout + absl::Seconds(2))) return std::move(*state->result);
  std::cerr << "a call did not end in time\n";
  std::abort();
}

template <typename T>
T Must(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  std::cerr << result.status() << "\n";
  std::abort();
}

}  // namespace

std::unique_ptr<EtcdServers> MustStart(EtcdServers::Options options) {
  return Must(EtcdServers::Start(std::move(options)));
}

std::unique_ptr<EtcdKv> MustConnect(EtcdOptions options) { return Must(ConnectEtcd(std::move(options))); }

absl::StatusOr<TxnResult> Transact(Kv& kv, Txn txn, absl::Duration timeout) {
  return Wait<absl::StatusOr<TxnResult>>(
      timeout, [&](Kv::Done<TxnResult> done) { kv.Transact(std::move(txn), timeout, std::move(done)); });
}

absl::StatusOr<RangeResult> Get(Kv& kv, Range range, absl::Duration timeout) {
  return Wait<absl::StatusOr<RangeResult>>(
      timeout, [&](Kv::Done<RangeResult> done) { kv.Get(std::move(range), timeout, std::move(done)); });
}

absl::StatusOr<int64_t> Put(Kv& kv, std::string key, std::string value, int64_t lease, absl::Duration timeout) {
  Txn txn;
  txn.then = {Op::Put(std::move(key), std::move(value), lease)};
  auto result = Transact(kv, std::move(txn), timeout);
  if (!result.ok()) return result.status();
  return result->revision;
}

absl::StatusOr<int64_t> GrantLease(Kv& kv, absl::Duration ttl, absl::Duration timeout) {
  return Wait<absl::StatusOr<int64_t>>(timeout,
                                       [&](Kv::Done<int64_t> done) { kv.GrantLease(ttl, timeout, std::move(done)); });
}

absl::StatusOr<absl::Duration> RenewLease(Kv& kv, int64_t lease, absl::Duration timeout) {
  return Wait<absl::StatusOr<absl::Duration>>(
      timeout, [&](Kv::Done<absl::Duration> done) { kv.RenewLease(lease, timeout, std::move(done)); });
}

absl::Status RevokeLease(Kv& kv, int64_t lease) {
  return Wait<absl::Status>(kPatience, [&](absl::AnyInvocable<void(absl::Status)> done) {
    kv.RevokeLease(lease, kPatience, std::move(done));
  });
}

absl::Status Compact(Kv& kv, int64_t revision) {
  return Wait<absl::Status>(kPatience, [&](absl::AnyInvocable<void(absl::Status)> done) {
    kv.Compact(revision, kPatience, std::move(done));
  });
}

std::vector<std::string> Keys(const std::vector<KeyValue>& kvs) {
  std::vector<std::string> keys;
  for (const KeyValue& kv : kvs) keys.push_back(kv.key);
  return keys;
}

bool Eventually(const std::function<bool()>& holds, absl::Duration patience) {
  const absl::Time end = absl::Now() + patience;
  while (!holds()) {
    if (absl::Now() > end) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

WatchCallbacks Events::Callbacks() {
  WatchCallbacks callbacks;
  callbacks.on_events = [state = state_](std::vector<Event> events, int64_t revision) {
    absl::MutexLock lock(&state->mutex);
    state->batches.push_back(static_cast<int>(events.size()));
    state->revisions.push_back(revision);
    for (Event& event : events) state->events.push_back(std::move(event));
  };
  callbacks.on_ended = [state = state_](absl::Status why) {
    absl::MutexLock lock(&state->mutex);
    state->ended = std::move(why);
  };
  return callbacks;
}

bool Events::WaitFor(size_t events, absl::Duration patience) {
  const auto enough = [&] {
    state_->mutex.AssertReaderHeld();
    return state_->events.size() >= events;
  };
  absl::MutexLock lock(&state_->mutex);
  return state_->mutex.AwaitWithTimeout(absl::Condition(&enough), patience);
}

std::vector<Event> Events::all() const {
  absl::MutexLock lock(&state_->mutex);
  return state_->events;
}

std::vector<std::string> Events::keys() const {
  std::vector<std::string> keys;
  for (const Event& event : all()) keys.push_back(event.kv.key);
  return keys;
}

std::vector<std::string> Events::values() const {
  std::vector<std::string> values;
  for (const Event& event : all()) values.push_back(event.kv.value);
  return values;
}

std::vector<int> Events::batches() const {
  absl::MutexLock lock(&state_->mutex);
  return state_->batches;
}

std::vector<int64_t> Events::revisions() const {
  absl::MutexLock lock(&state_->mutex);
  return state_->revisions;
}

absl::Status Events::ended() const {
  absl::MutexLock lock(&state_->mutex);
  return state_->ended;
}

}  // namespace yizhan::cluster
