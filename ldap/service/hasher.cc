#include "ldap/service/hasher.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::directory {

Hasher::Hasher(Bounds bounds, std::function<absl::Time()> clock)
    : bounds_(bounds), limiter_(bounds.parallel), cache_(bounds.remembered, std::move(clock)) {}

absl::Status Hasher::Verify(const std::string& stored, const Secret<std::string>& prepared, absl::Time deadline) {
  // Somebody before us in the queue may have verified it.
  if (Knows(stored, prepared)) return absl::OkStatus();
  YZ_ASSIGN_OR_RETURN(HashLimiter::Slot slot, limiter_.Acquire(deadline));
  YZ_RETURN_IF_ERROR(VerifyPassword(stored, prepared));
  cache_.Remember(stored, stored, prepared);
  return absl::OkStatus();
}

absl::Status Hasher::VerifyDecoy(const Secret<std::string>& prepared, absl::Time deadline) {
  YZ_ASSIGN_OR_RETURN(HashLimiter::Slot slot, limiter_.Acquire(deadline));
  absl::Status wrong = VerifyPassword(DecoyHash(bounds_.cost), prepared);
  return wrong.ok() ? WrongCredentials() : wrong;
}

absl::StatusOr<v1::CredentialsSet> Hasher::Prepare(const Secret<std::string>& prepared, absl::Time deadline) {
  YZ_ASSIGN_OR_RETURN(HashLimiter::Slot slot, limiter_.Acquire(deadline));
  v1::CredentialsSet credentials;
  YZ_ASSIGN_OR_RETURN(*credentials.mutable_password_hash(), HashPassword(prepared, bounds_.cost));
  for (ScramHash hash : {ScramHash::kSha256, ScramHash::kSha1}) {
    YZ_ASSIGN_OR_RETURN(ScramKeys keys, DeriveScramKeys(hash, prepared, bounds_.scram_iterations));
    *credentials.add_scram() = ToRecord(keys);
  }
  cache_.Remember(credentials.password_hash(), credentials.password_hash(), prepared);
  return credentials;
}

absl::StatusOr<ScramHash> ScramHashOf(std::string_view mechanism) {
  for (ScramHash hash : {ScramHash::kSha256, ScramHash::kSha1}) {
    if (mechanism == MechanismOf(hash)) return hash;
  }
  return Refuse(absl::StatusCode::kInvalidArgument, "BAD_MECHANISM", "the mechanism must be SCRAM-SHA-256 or SCRAM-SHA-1");
}

std::string_view MechanismOf(ScramHash hash) { return hash == ScramHash::kSha256 ? "SCRAM-SHA-256" : "SCRAM-SHA-1"; }

v1::ScramKeys ToRecord(const ScramKeys& keys) {
  v1::ScramKeys record;
  record.set_mechanism(std::string(MechanismOf(keys.hash)));
  record.set_salt(keys.salt);
  record.set_iterations(static_cast<uint32_t>(keys.iterations));
  record.set_stored_key(keys.stored_key);
  record.set_server_key(keys.server_key);
  return record;
}

ScramKeys FromRecord(const v1::ScramKeys& keys, ScramHash hash) {
  return ScramKeys{hash, keys.salt(), static_cast<int>(keys.iterations()), keys.stored_key(), keys.server_key()};
}

}  // namespace yizhan::directory
