// Session tokens: what a client shows instead of a password. The server keeps the SHA-256 only.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"

namespace yizhan::directory {

enum class TokenKind { kPerson = 1, kVisitor = 2 };

struct NewToken {
  Secret<std::string> token;  // "yzp_" (person) or "yzv_" (visitor) and 43 characters of base64url: 256 random bits
  std::string digest;         // what is stored: SHA-256 of the whole token, 32 raw bytes
};

NewToken MakeToken(TokenKind kind);

struct PresentedToken {
  TokenKind kind;
  std::string digest;  // 32 raw bytes: the key under which the token is stored
};

// Looks at a token that somebody shows. Unauthenticated TOKEN_INVALID when it has not the shape that MakeToken()
// writes; nothing of it is repeated in the message. 256 random bits need no slow hash and no comparison in constant
// time: looking up the digest tells nothing about the token.
absl::StatusOr<PresentedToken> ReadToken(std::string_view token);

struct TokenLifetime {
  absl::Duration idle = absl::Hours(24 * 14);      // since its last use
  absl::Duration absolute = absl::Hours(24 * 90);  // since it was issued
};

struct TokenTimes {
  absl::Time issued;
  absl::Time used;  // the last use on the record; never before `issued`
};

enum class TokenState { kLive, kIdleTooLong, kTooOld };

// A token is live up to and including the instant at which a bound is reached. A clock that went back finds it live.
TokenState StateOf(const TokenTimes& times, const TokenLifetime& lifetime, absl::Time now);

// When the token ends unless it is used.
absl::Time EndOf(const TokenTimes& times, const TokenLifetime& lifetime);

// Whether a use at `now` is worth a record: an eighth of the idle time has gone by since the last one. So a busy client
// costs a record now and then, not one for each request, and a token ends at most an eighth early.
bool WorthRecording(const TokenTimes& times, const TokenLifetime& lifetime, absl::Time now);

// OK for kLive, else Unauthenticated TOKEN_EXPIRED with what to do.
absl::Status ToStatus(TokenState state);

}  // namespace yizhan::directory
