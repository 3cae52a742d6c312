// The error words of XMPP: stream errors (RFC 6120 section 4.9) end a stream, stanza errors (section 8.3) answer one
// stanza.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace yizhan::edge::xmpp {

// RFC 6120 section 4.9.3, in its order.
enum class StreamCondition : uint8_t {
  kBadFormat,
  kBadNamespacePrefix,
  kConflict,
  kConnectionTimeout,
  kHostGone,
  kHostUnknown,
  kImproperAddressing,
  kInternalServerError,
  kInvalidFrom,
  kInvalidNamespace,
  kInvalidXml,
  kNotAuthorized,
  kNotWellFormed,
  kPolicyViolation,
  kRemoteConnectionFailed,
  kReset,
  kResourceConstraint,
  kRestrictedXml,
  kSeeOtherHost,
  kSystemShutdown,
  kUndefinedCondition,
  kUnsupportedEncoding,
  kUnsupportedFeature,
  kUnsupportedStanzaType,
  kUnsupportedVersion,
};

// RFC 6120 section 8.3.3, in its order.
enum class StanzaCondition : uint8_t {
  kBadRequest,
  kConflict,
  kFeatureNotImplemented,
  kForbidden,
  kGone,
  kInternalServerError,
  kItemNotFound,
  kJidMalformed,
  kNotAcceptable,
  kNotAllowed,
  kNotAuthorized,
  kPolicyViolation,
  kRecipientUnavailable,
  kRedirect,
  kRegistrationRequired,
  kRemoteServerNotFound,
  kRemoteServerTimeout,
  kResourceConstraint,
  kServiceUnavailable,
  kSubscriptionRequired,
  kUndefinedCondition,
  kUnexpectedRequest,
};

// The element's name: "not-well-formed".
std::string_view Name(StreamCondition condition);
std::string_view Name(StanzaCondition condition);

// The error type that RFC 6120 gives to the condition: "auth", "cancel", "modify" or "wait".
std::string_view TypeOf(StanzaCondition condition);

// A status that ends a stream: InvalidArgument whose reason is the condition's name. `text` is for people; may be
// empty.
absl::Status StreamRefusal(StreamCondition condition, std::string_view text);

// The condition with which a status ends a stream. For statuses that StreamRefusal did not make: what comes nearest.
StreamCondition StreamConditionOf(const absl::Status& status);

// The condition with which a refused command is answered; the one table from domain errors to XMPP.
StanzaCondition StanzaConditionOf(const absl::Status& status);

}  // namespace yizhan::edge::xmpp
