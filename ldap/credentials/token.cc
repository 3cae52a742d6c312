#include "ldap/credentials/token.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ldap/credentials/crypto.h"

namespace yizhan::directory {
namespace {
constexpr size_t kTokenBytes = 32;
constexpr size_t kPrefixLength = 4;
constexpr size_t kTokenLength = kPrefixLength + 43;
constexpr std::string_view kPersonPrefix = "yzp_";
constexpr std::string_view kVisitorPrefix = "yzv_";
}  // namespace

NewToken MakeToken(TokenKind kind) {
  std::string token(kind == TokenKind::kVisitor ? kVisitorPrefix : kPersonPrefix);
  const Secret<std::string> random(RandomBytes(kTokenBytes));
  token += Base64Url(random.Reveal());
  std::string digest = Sha256(token);
  return NewToken{Secret<std::string>(std::move(token)), std::move(digest)};
}

absl::StatusOr<PresentedToken> ReadToken(std::string_view token) {
  std::string random;
  const std::string_view prefix = token.substr(0, kPrefixLength);
  if (token.size() != kTokenLength || (prefix != kPersonPrefix && prefix != kVisitorPrefix) ||
      !DecodeBase64Url(token.substr(kPrefixLength), &random) || random.size() != kTokenBytes) {
    return Refuse(absl::StatusCode::kUnauthenticated, "TOKEN_INVALID", "this is not a session token; log in again");
  }
  const TokenKind kind = prefix == kVisitorPrefix ? TokenKind::kVisitor : TokenKind::kPerson;
  return PresentedToken{kind, Sha256(token)};
}

TokenState StateOf(const TokenTimes& times, const TokenLifetime& lifetime, absl::Time now) {
  if (now - times.issued > lifetime.absolute) return TokenState::kTooOld;
  if (now - times.used > lifetime.idle) return TokenState::kIdleTooLong;
  return TokenState::kLive;
}

absl::Time EndOf(const TokenTimes& times, const TokenLifetime& lifetime) {
  return std::min(times.issued + lifetime.absolute, times.used + lifetime.idle);
}

bool WorthRecording(const TokenTimes& times, const TokenLifetime& lifetime, absl::Time now) {
  return now - times.used >= lifetime.idle / 8;
}

absl::Status ToStatus(TokenState state) {
  if (state == TokenState::kLive) return absl::OkStatus();
  return Refuse(absl::StatusCode::kUnauthenticated, "TOKEN_EXPIRED",
                state == TokenState::kTooOld ? "this session has reached its greatest age; log in again"
                                             : "this session was not used for too long; log in again");
}

}  // namespace yizhan::directory
