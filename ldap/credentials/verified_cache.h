// Credentials that were verified a short while ago, remembered in a keyed form, so that a reconnect storm costs one
// HMAC for each log-in and not one Argon2id or one LDAP bind.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "ldap/credentials/bounded_map.h"

namespace yizhan::directory {

// Thread-safe; the digest is computed outside of the lock. Keeps for each login HMAC-SHA-256(key, login, stored hash,
// password), truncated to 128 bits, where the key is random and lives in this object only: what is in memory is of no
// use without that key, and of none after a restart. The password itself is not kept.
class VerifiedCache {
 public:
  struct Bounds {
    size_t entries = 100'000;  // some 200 bytes each; at the bound the one used longest ago goes
    absl::Duration idle = absl::Hours(1);
    absl::Duration age = absl::Hours(8);  // since it was really verified: a password changed in LDAP lives no longer
  };

  explicit VerifiedCache(Bounds bounds, std::function<absl::Time()> clock = absl::Now);

  // Whether this very password was verified for this login against this very stored hash, and lately enough. A changed
  // stored hash (for LDAP people: whatever the caller gives in its place, such as the entry's key and the sync's
  // generation) never matches. False means "verify it properly".
  bool Knows(std::string_view login, std::string_view stored, const Secret<std::string>& password);

  // After a verification that succeeded. One password for each login is kept: the latest.
  void Remember(std::string_view login, std::string_view stored, const Secret<std::string>& password);

  // When an account is disabled, deleted, or its password is changed.
  void Forget(std::string_view login);
  void ForgetAll();

  size_t size() const;

 private:
  struct Entry {
    std::string tag;  // 16 bytes
    absl::Time verified;
    absl::Time used;
  };
  std::string TagOf(std::string_view login, std::string_view stored, const Secret<std::string>& password) const;

  const Bounds bounds_;
  const std::function<absl::Time()> clock_;
  const Secret<std::string> key_;
  mutable absl::Mutex mutex_;
  BoundedMap<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace yizhan::directory
