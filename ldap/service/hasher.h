// Passwords of local accounts: verified and prepared, a few at once. Thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "ldap/credentials/hash_limiter.h"
#include "ldap/credentials/password_hash.h"
#include "ldap/credentials/scram.h"
#include "ldap/credentials/verified_cache.h"
#include "yizhan/directory/v1/record.pb.h"

namespace yizhan::directory {

class Hasher {
 public:
  struct Bounds {
    HashCost cost;
    int scram_iterations = kDefaultScramIterations;
    HashLimiter::Bounds parallel;
    VerifiedCache::Bounds remembered;
  };
  Hasher(Bounds bounds, std::function<absl::Time()> clock);

  // Whether the password was verified against this stored hash lately: microseconds. A stored hash names its account by its salt, so
  // accounts that share prepared credentials (a load test's) share what is remembered.
  bool Knows(const std::string& stored, const Secret<std::string>& prepared) { return cache_.Knows(stored, stored, prepared); }

  // Blocks for a hash, unless it is known. Unauthenticated WRONG_CREDENTIALS; ResourceExhausted HASHES_BUSY; DataLoss.
  absl::Status Verify(const std::string& stored, const Secret<std::string>& prepared, absl::Time deadline);
  // Takes as long as Verify() and always finds the password wrong: for a log-in name that does not exist.
  absl::Status VerifyDecoy(const Secret<std::string>& prepared, absl::Time deadline);

  // Blocks for some 40 ms: the Argon2id hash and the keys of both SCRAM mechanisms, of which no person is said yet. The password is
  // remembered as verified.
  absl::StatusOr<v1::CredentialsSet> Prepare(const Secret<std::string>& prepared, absl::Time deadline);

  const Bounds& bounds() const { return bounds_; }

 private:
  const Bounds bounds_;
  HashLimiter limiter_;
  VerifiedCache cache_;
};

// The mechanisms' names in the contracts; InvalidArgument BAD_MECHANISM.
absl::StatusOr<ScramHash> ScramHashOf(std::string_view mechanism);
std::string_view MechanismOf(ScramHash hash);
// Keys as records hold them, and back.
v1::ScramKeys ToRecord(const ScramKeys& keys);
ScramKeys FromRecord(const v1::ScramKeys& keys, ScramHash hash);

}  // namespace yizhan::directory
