// cluster::Kv on etcd's v3 API (3.4 and later).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "cluster/kv.h"

namespace yizhan::cluster {

struct EtcdOptions {
  // "host:port" of the members, at least one. Calls go to the first one that is well, so the nearest comes first.
  std::vector<std::string> endpoints;
  // PEM files. With `ca_file`, TLS: the members' certificates must be of that authority and name the endpoint's host
  // (or its IP address). With `certificate_file` and `key_file`, the members see this client's.
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  // etcd's own users; empty: none. A member that has authentication switched off lets everybody in.
  std::string user;
  Secret<std::string> password;
  // In front of every key, and unseen by who uses the Kv: several clusters may share one etcd. With a user, its role
  // needs readwrite on all keys with this prefix.
  std::string prefix;
  // What may be in flight at a time; more is refused with ETCD_BUSY.
  int max_calls = 4096;
  int64_t max_request_bytes_in_flight = int64_t{256} << 20;
};

// What a console shows of one member.
struct EndpointHealth {
  std::string address;
  // Its last answer was one, and no call to it has failed since.
  bool ok = false;
  // Calls go there at present.
  bool preferred = false;
  // Why it was last not well; OK when it never was.
  absl::Status last_error;
  // The rest is of its last report, at most some 15 seconds old while it is well; empty until there was one.
  std::string version;
  bool leader = false;
  int64_t db_size = 0;         // bytes of its file
  int64_t db_size_in_use = 0;  // of these, not free
  absl::Duration round_trip;
};

// Thread-safe. Each member has its own connection and its own health: one that refuses, does not answer or has lost
// its peers is left alone until it answers a linearizable read again (asked ever more seldom, at least every 5 s); with
// none well they are tried in turn. A member that calls go to and that has been silent for a second is asked as well.
//
// Failures carry a reason (base/status.h):
//   ETCD_UNAVAILABLE  Unavailable: no member could be reached, or none has a leader. Nothing happened.
//   ETCD_TLS          Unavailable: the same, because certificates do not fit.
//   ETCD_UNKNOWN      Unavailable: no answer in time or the connection broke; what was asked may or may not happen.
//   ETCD_BUSY         ResourceExhausted: too much in flight, here or there. Nothing happened.
//   ETCD_DENIED       PermissionDenied: the user's role does not reach to these keys.
//   ETCD_LOGIN        PermissionDenied: user or password are wrong, or etcd wants a user and none is configured.
//   ETCD_COMPACTED    OutOfRange.
//   ETCD_LEASE_ENDED  NotFound: no such lease (also of a transaction that puts a key with it).
//   ETCD_NO_SPACE     ResourceExhausted: etcd has reached its quota; compact, defragment, disarm the alarm.
//   ETCD_TOO_LARGE    InvalidArgument: request larger than 8 MiB or than etcd's --max-request-bytes, or with more
//                     operations than its --max-txn-ops. ResourceExhausted: an answer larger than 64 MiB.
//   ETCD_INVALID      InvalidArgument: what etcd does not take, a key twice in a transaction for example.
//   ETCD_CORRUPT      DataLoss: the members disagree.
//   ETCD_FAILED       Internal: whatever else.
//
// A transaction that writes is sent once, and again only when it certainly did not happen (there was no connection, or
// it was refused before it was proposed). After ETCD_UNKNOWN the caller finds out by sending it once more, with a
// comparison that fails when the first one has happened. Reading alone does not do: a member that stood still, or a
// leader that was cut off, may still carry it out after the reading. A timeout of 2 to 3 seconds is a good one: etcd
// itself holds what a dying leader lost for 7 before it says so. The other calls may be repeated and are, each attempt
// 1 s at first, so that one dead member does not use the time up.
//   - RevokeLease of a lease that has ended, and Compact up to where it has been compacted, are OK.
//   - etcd has a shortest ttl (2 s with its default settings); a shorter one is raised to it.
//
// Watches move to another member when theirs is not well or ends the stream, and go on where they were; they end
// only by OutOfRange and PermissionDenied. They may outlive the Kv, and are silent then.
//
// Destroying it ends calls in flight with Cancelled and waits for their callbacks; so not from a callback.
class EtcdKv : public Kv {
 public:
  // Of each member, in the order of the options. Does not wait.
  virtual std::vector<EndpointHealth> Health() = 0;
};

// Connects in the background. InvalidArgument for options that cannot be right, with the file or word that is wrong.
absl::StatusOr<std::unique_ptr<EtcdKv>> ConnectEtcd(EtcdOptions options);

}  // namespace yizhan::cluster
