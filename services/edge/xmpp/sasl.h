// SASL in XMPP (RFC 6120 section 6): its elements, and PLAIN (RFC 4616). SCRAM is in scram.h.
//
// A refusal here is an InvalidArgument or Unauthenticated status whose reason is the RFC's failure condition.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace yizhan::edge::xmpp {

class Element;

// RFC 6120 section 6.5.
enum class SaslCondition : uint8_t {
  kAborted,
  kAccountDisabled,
  kCredentialsExpired,
  kEncryptionRequired,
  kIncorrectEncoding,
  kInvalidAuthzid,
  kInvalidMechanism,
  kMalformedRequest,
  kMechanismTooWeak,
  kNotAuthorized,
  kTemporaryAuthFailure,
};
std::string_view Name(SaslCondition condition);
absl::Status SaslRefusal(SaslCondition condition, std::string_view text);
// For any status, those of the directory service included: what a client is told.
SaslCondition SaslConditionOf(const absl::Status& status);

struct SaslAuth {
  std::string mechanism;
  std::optional<std::string> initial;  // decoded; absent when the client waits for a challenge
};
// <auth mechanism='...'>base64</auth>; "=" is an empty initial response.
absl::StatusOr<SaslAuth> ParseSaslAuth(const Element& element);
// <response>base64</response>, decoded.
absl::StatusOr<std::string> ParseSaslResponse(const Element& element);

void AppendSaslChallenge(std::string_view message, std::string* out);
// `additional` is the mechanism's last word (SCRAM's server-final); empty for none.
void AppendSaslSuccess(std::string_view additional, std::string* out);
void AppendSaslFailure(SaslCondition condition, std::string_view text, std::string* out);

struct PlainCredentials {
  std::string authzid;   // as sent; empty when the client acts for itself
  std::string login;     // as sent: who verifies it maps case
  std::string password;  // as sent: who verifies it prepares it as when it was set
};
// Each part valid UTF-8 of at most 1,023 bytes; login and password not empty.
absl::StatusOr<PlainCredentials> ParsePlain(std::string_view message);

// Whether an authzid names the account itself: empty, or its bare JID. Acting for others is not offered.
bool AuthzidIsSelf(std::string_view authzid, std::string_view login, std::string_view domain);

}  // namespace yizhan::edge::xmpp
