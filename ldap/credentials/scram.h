// The server's side of SCRAM (RFC 5802; SHA-256: RFC 7677): keys at rest, and the two values of an exchange. The
// exchange's text is the edge's; this knows neither XMPP nor SASL framing.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/secret.h"

namespace yizhan::directory {

enum class ScramHash { kSha1 = 1, kSha256 = 2 };

// RFC 7677 demands 4,096 at least; a client computes them at each log-in, the server once for each password.
inline constexpr int kMinScramIterations = 4096;
inline constexpr int kMaxScramIterations = 1'000'000;
inline constexpr int kDefaultScramIterations = 10'000;

// What the server keeps for one password and one hash. Somebody who has it can try passwords at `iterations` each and
// can pass for the server, but cannot log in with it.
struct ScramKeys {
  ScramHash hash = ScramHash::kSha256;
  std::string salt;  // raw bytes, at least 8
  int iterations = 0;
  std::string stored_key;  // raw: 20 bytes for SHA-1, 32 for SHA-256
  std::string server_key;  // likewise
  bool operator==(const ScramKeys&) const = default;
};

// Derives the keys of a password that PreparePassword() returned; milliseconds of one core. InvalidArgument for
// iterations out of range or a salt under 8 bytes. The second form takes 16 fresh bytes of salt.
absl::StatusOr<ScramKeys> DeriveScramKeys(ScramHash hash, const Secret<std::string>& prepared, std::string_view salt,
                                          int iterations);
absl::StatusOr<ScramKeys> DeriveScramKeys(ScramHash hash, const Secret<std::string>& prepared,
                                          int iterations = kDefaultScramIterations);

// Keys for a login that does not exist, or has none: the same for the same login as long as the installation's key is
// the same, so that the salt does not tell who exists; no proof fits them.
ScramKeys FakeScramKeys(ScramHash hash, const Secret<std::string>& installation_key, std::string_view login,
                        int iterations = kDefaultScramIterations);

// Checks the client's proof (raw bytes) over `auth_message` = client-first-bare "," server-first ","
// client-final-without-proof. Constant time. Unauthenticated WRONG_CREDENTIALS when it does not fit.
absl::Status VerifyClientProof(const ScramKeys& keys, std::string_view auth_message, std::string_view proof);

// What the server shows in `v=` (raw bytes) after a proof that fits.
std::string ServerSignature(const ScramKeys& keys, std::string_view auth_message);

// Whether this password has these keys; for SASL PLAIN where only SCRAM keys are kept. Unauthenticated when not.
absl::Status VerifyWithScramKeys(const ScramKeys& keys, const Secret<std::string>& prepared);

// RFC 5803's text: SCRAM-SHA-256$<iterations>:<base64 salt>$<base64 StoredKey>:<base64 ServerKey>. Parsing is strict;
// DataLoss for anything else.
std::string FormatScramKeys(const ScramKeys& keys);
absl::StatusOr<ScramKeys> ParseScramKeys(std::string_view text);

}  // namespace yizhan::directory
