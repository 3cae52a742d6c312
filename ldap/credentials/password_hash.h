// Passwords of local accounts at rest: Argon2id (RFC 9106), in the modular string form that libsodium writes,
// `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/secret.h"

namespace yizhan::directory {

// The longest password that is looked at, in bytes of UTF-8; longer ones are refused before any work is done.
inline constexpr size_t kMaxPasswordBytes = 1024;

// What one hash costs. The default is OWASP's first choice for a server: some 20 ms of one core. Lanes are always 1.
struct HashCost {
  uint32_t memory_kib = 19 * 1024;  // 8 .. 1,048,576
  uint32_t passes = 2;              // 1 .. 64
  bool operator==(const HashCost&) const = default;
};

// The form in which a password is hashed or derived: SASLprep (RFC 4013) as a stored string, so that one typed on a
// Chinese keyboard (full-width digits, composed accents) and one sent by an XMPP client agree. ASCII passes unchanged.
// InvalidArgument PASSWORD_EMPTY, PASSWORD_TOO_LONG or PASSWORD_UNUSABLE (not UTF-8, control or private characters).
absl::StatusOr<Secret<std::string>> PreparePassword(std::string_view password);

// Hashes a password that PreparePassword() returned, with a fresh salt. Takes `cost.memory_kib` of memory while it
// runs: let a HashLimiter bound how many run. ResourceExhausted when that memory is not to be had, InvalidArgument for
// a cost out of its range.
absl::StatusOr<std::string> HashPassword(const Secret<std::string>& prepared, const HashCost& cost = {});

// Whether `prepared` has this hash; the comparison takes the same time wherever the difference is. Unauthenticated
// WRONG_CREDENTIALS when not; DataLoss when `stored` is no Argon2id string, or asks for more than HashCost's ranges.
absl::Status VerifyPassword(std::string_view stored, const Secret<std::string>& prepared);

// A stored hash that no password has, with the cost given: verify against it for an unknown login, so that the answer
// takes as long as for a known one. Made once for each process and cost; thread-safe.
const std::string& DecoyHash(const HashCost& cost = {});

// True when `stored` was made with another cost (or is unreadable): hash anew at the next good log-in.
bool NeedsRehash(std::string_view stored, const HashCost& cost = {});

// The cost that a stored string names; DataLoss when it is no Argon2id string of version 19 with one lane.
absl::StatusOr<HashCost> CostOf(std::string_view stored);

// The one answer for an unknown login and for a wrong password, local or LDAP: Unauthenticated WRONG_CREDENTIALS.
absl::Status WrongCredentials();

}  // namespace yizhan::directory
