// What the cluster needs of its coordination store: etcd in production (etcd/etcd_kv.h), a simulated one in the
// simulator (testing/sim_kv.h). Keys and values are bytes; every change of the store has a revision, and revisions only
// grow.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace yizhan::cluster {

struct KeyValue {
  std::string key;
  std::string value;
  int64_t create_revision = 0;
  int64_t mod_revision = 0;
  int64_t lease = 0;  // 0: none
};

// What must hold for a transaction's `then` to happen.
struct Compare {
  enum class Kind {
    kModRevision,  // the key was changed last at exactly this revision; 0: it is not there
    kExists,       // the key is there
  };
  Kind kind = Kind::kModRevision;
  std::string key;
  int64_t mod_revision = 0;
};

struct Op {
  enum class Kind {
    kPut,     // key, value, lease
    kDelete,  // key, or [key, end) with an end
    kGet,     // key, or [key, end) with an end
  };
  Kind kind = Kind::kGet;
  std::string key;
  std::string end;
  std::string value;
  int64_t lease = 0;

  static Op Put(std::string key, std::string value, int64_t lease = 0) {
    return {Kind::kPut, std::move(key), {}, std::move(value), lease};
  }
  static Op Delete(std::string key, std::string end = {}) {
    return {Kind::kDelete, std::move(key), std::move(end), {}, 0};
  }
  static Op Get(std::string key, std::string end = {}) { return {Kind::kGet, std::move(key), std::move(end), {}, 0}; }
};

// Atomic: all compares hold and every op of `then` happens, or every op of `otherwise` does.
struct Txn {
  std::vector<Compare> compares;
  std::vector<Op> then;
  std::vector<Op> otherwise;
};

struct TxnResult {
  bool succeeded = false;
  // Of the store as of the transaction; what it put has this mod_revision.
  int64_t revision = 0;
  // What each kGet of the branch that was taken found, in the order of the ops, one list for each of them.
  std::vector<std::vector<KeyValue>> gets;
};

struct Range {
  std::string key;
  std::string end;    // empty: `key` alone
  int64_t limit = 0;  // 0: all
};

struct RangeResult {
  std::vector<KeyValue> kvs;  // in the order of their keys
  int64_t revision = 0;       // of the store as of the reading
  bool more = false;          // there are more than `limit`
};

struct Event {
  enum class Kind { kPut, kDelete };
  Kind kind = Kind::kPut;
  KeyValue kv;  // of a deletion: key and mod_revision (that of the deletion) alone
};

// Ends when it is destroyed; no callback runs after that, except one that is running just then on another thread.
class Watch {
 public:
  virtual ~Watch() = default;
};

struct WatchCallbacks {
  // Changes, in order, whole revisions, none twice. `revision` is that of the last event.
  absl::AnyInvocable<void(std::vector<Event> events, int64_t revision)> on_events;
  // Once, when the watch is over: OutOfRange when `from_revision` has been compacted away (list again and watch from
  // there), Unavailable when the server went, PermissionDenied.
  absl::AnyInvocable<void(absl::Status)> on_ended;
};

// Every call ends after `timeout` at the latest. An error leaves open whether a change happened: asking again finds
// out. Callbacks run on a thread of the store's, never inside the call, and must not block.
class Kv {
 public:
  template <typename T>
  using Done = absl::AnyInvocable<void(absl::StatusOr<T>)>;

  virtual ~Kv() = default;

  virtual void Transact(Txn txn, absl::Duration timeout, Done<TxnResult> done) = 0;
  // Linearizable: sees everything that was acknowledged before it was asked for.
  virtual void Get(Range range, absl::Duration timeout, Done<RangeResult> done) = 0;
  // Events of the keys [key, end) from a revision on (that one included).
  virtual std::unique_ptr<Watch> StartWatch(std::string key, std::string end, int64_t from_revision,
                                            WatchCallbacks callbacks) = 0;
  // A lease that ends `ttl` (whole seconds, at least 1) after its last renewal, and takes its keys with it.
  virtual void GrantLease(absl::Duration ttl, absl::Duration timeout, Done<int64_t> done) = 0;
  // What is left of it after the renewal; NotFound when it has ended.
  virtual void RenewLease(int64_t lease, absl::Duration timeout, Done<absl::Duration> done) = 0;
  virtual void RevokeLease(int64_t lease, absl::Duration timeout, absl::AnyInvocable<void(absl::Status)> done) = 0;
  // Forgets what the store was before a revision. Watches that are further behind end with OutOfRange.
  virtual void Compact(int64_t revision, absl::Duration timeout, absl::AnyInvocable<void(absl::Status)> done) = 0;
};

// The first key behind all that begin with `prefix`; a Range's or Watch's end. "\0" (all that follow) when there is
// none.
std::string PrefixEnd(std::string_view prefix);

}  // namespace yizhan::cluster
