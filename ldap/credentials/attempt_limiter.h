// Slows guessing of passwords down without giving anybody the means to lock somebody else out.
#pragma once

#include <functional>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "ldap/credentials/bounded_map.h"

namespace yizhan::directory {

// Three counters of failures, all of which only wrong passwords fill:
//   (login, address)  a bucket; empty: refused, with a retry hint. Whoever guesses for you from elsewhere does not
//   touch it. address           a larger bucket over all logins; empty: refused, except for a login that has succeeded
//   from this
//                     address before (an office behind one NAT is not stopped by a neighbour who guesses).
//   login             a delay that grows with failures from everywhere, up to a few seconds, and is never a refusal; a
//                     login that has succeeded from this address before is not delayed.
// So the worst that an attacker elsewhere can do to a person who has the right password is a delay of `longest_delay`
// at an address where that person was never seen. Somebody who guesses from the very same address (one NAT, one proxy)
// can keep that pair's bucket empty while they go on: sessions live on by their tokens, and an edge behind a proxy must
// give the client's own address here, not the proxy's.
//
// Thread-safe. Logins and addresses are kept as keyed 128-bit hashes in tables with a bound; at the bound the entry
// touched longest ago is forgotten. IPv6 addresses count by their /64. State is of this process only.
class AttemptLimiter {
 public:
  struct Bounds {
    int pair_burst = 5;
    absl::Duration pair_refill = absl::Seconds(30);  // one attempt comes back in this time
    int address_burst = 100;
    absl::Duration address_refill = absl::Seconds(2);
    int login_free = 10;  // failures of one login from everywhere before its delay begins
    absl::Duration login_refill = absl::Seconds(60);
    absl::Duration first_delay = absl::Milliseconds(100);  // doubles with each further failure
    absl::Duration longest_delay = absl::Seconds(4);
    size_t entries = 100'000;  // in each of the four tables; some 100 bytes an entry
  };
  enum class Outcome {
    kRight,      // the password was right
    kWrong,      // it was not, or the login does not exist
    kUndecided,  // nobody could tell (LDAP is away, the hasher is busy): counts for nothing
  };

  explicit AttemptLimiter(Bounds bounds, std::function<absl::Time()> clock = absl::Now);

  // Before the password is looked at. Takes one attempt from both buckets, so that attempts made in parallel count too;
  // every admitted attempt must be followed by Report(). Returns how long to wait before the password is looked at
  // (zero as a rule; on a timer, never by blocking). ResourceExhausted TOO_MANY_ATTEMPTS with a retry hint otherwise,
  // and then there is nothing to report. Existence of the login plays no part.
  absl::StatusOr<absl::Duration> Admit(std::string_view login, std::string_view address);

  void Report(std::string_view login, std::string_view address, Outcome outcome);

 private:
  // Failures that leak away with time; full means refused.
  struct Bucket {
    double level = 0;
    absl::Time at;
  };
  using Key = absl::uint128;
  using Table = BoundedMap<Key, Bucket>;

  Key KeyOf(std::string_view login, std::string_view address) const;
  static Bucket& Leaked(Table& table, Key key, absl::Duration refill, absl::Time now);
  static absl::Status Refused(const Bucket& bucket, int burst, absl::Duration refill);

  const Bounds bounds_;
  const std::function<absl::Time()> clock_;
  const Secret<std::string> hash_key_;
  absl::Mutex mutex_;
  Table pairs_ ABSL_GUARDED_BY(mutex_);
  Table addresses_ ABSL_GUARDED_BY(mutex_);
  Table logins_ ABSL_GUARDED_BY(mutex_);
  BoundedMap<Key, absl::Time> trusted_ ABSL_GUARDED_BY(mutex_);  // pairs that have succeeded, and when
};

}  // namespace yizhan::directory
