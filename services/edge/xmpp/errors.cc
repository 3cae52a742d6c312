#include "edge/xmpp/errors.h"

#include <array>
#include <string>

namespace yizhan::edge::xmpp {
namespace {
constexpr std::array<std::string_view, 25> kStream = {"bad-format",
                                                      "bad-namespace-prefix",
                                                      "conflict",
                                                      "connection-timeout",
                                                      "host-gone",
                                                      "host-unknown",
                                                      "improper-addressing",
                                                      "internal-server-error",
                                                      "invalid-from",
                                                      "invalid-namespace",
                                                      "invalid-xml",
                                                      "not-authorized",
                                                      "not-well-formed",
                                                      "policy-violation",
                                                      "remote-connection-failed",
                                                      "reset",
                                                      "resource-constraint",
                                                      "restricted-xml",
                                                      "see-other-host",
                                                      "system-shutdown",
                                                      "undefined-condition",
                                                      "unsupported-encoding",
                                                      "unsupported-feature",
                                                      "unsupported-stanza-type",
                                                      "unsupported-version"};

struct StanzaWord {
  std::string_view name;
  std::string_view type;
};
constexpr std::array<StanzaWord, 22> kStanza = {{{"bad-request", "modify"},
                                                 {"conflict", "cancel"},
                                                 {"feature-not-implemented", "cancel"},
                                                 {"forbidden", "auth"},
                                                 {"gone", "cancel"},
                                                 {"internal-server-error", "cancel"},
                                                 {"item-not-found", "cancel"},
                                                 {"jid-malformed", "modify"},
                                                 {"not-acceptable", "modify"},
                                                 {"not-allowed", "cancel"},
                                                 {"not-authorized", "auth"},
                                                 {"policy-violation", "modify"},
                                                 {"recipient-unavailable", "wait"},
                                                 {"redirect", "modify"},
                                                 {"registration-required", "auth"},
                                                 {"remote-server-not-found", "cancel"},
                                                 {"remote-server-timeout", "wait"},
                                                 {"resource-constraint", "wait"},
                                                 {"service-unavailable", "cancel"},
                                                 {"subscription-required", "auth"},
                                                 {"undefined-condition", "cancel"},
                                                 {"unexpected-request", "wait"}}};
}  // namespace

std::string_view Name(StreamCondition condition) { return kStream[static_cast<size_t>(condition)]; }
std::string_view Name(StanzaCondition condition) { return kStanza[static_cast<size_t>(condition)].name; }
std::string_view TypeOf(StanzaCondition condition) { return kStanza[static_cast<size_t>(condition)].type; }

absl::Status StreamRefusal(StreamCondition condition, std::string_view text) {
  return Refuse(absl::StatusCode::kInvalidArgument, Name(condition), text);
}

StreamCondition StreamConditionOf(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  for (size_t i = 0; i < kStream.size(); ++i) {
    if (kStream[i] == reason) return static_cast<StreamCondition>(i);
  }
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return StreamCondition::kBadFormat;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return StreamCondition::kNotAuthorized;
    case absl::StatusCode::kResourceExhausted:
      return StreamCondition::kResourceConstraint;
    case absl::StatusCode::kDeadlineExceeded:
      return StreamCondition::kConnectionTimeout;
    case absl::StatusCode::kUnavailable:
      return StreamCondition::kSystemShutdown;
    default:
      return StreamCondition::kInternalServerError;
  }
}

StanzaCondition StanzaConditionOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return StanzaCondition::kBadRequest;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return StanzaCondition::kConflict;
    case absl::StatusCode::kUnimplemented:
      return StanzaCondition::kFeatureNotImplemented;
    case absl::StatusCode::kPermissionDenied:
      return StanzaCondition::kForbidden;
    case absl::StatusCode::kUnauthenticated:
      return StanzaCondition::kNotAuthorized;
    case absl::StatusCode::kNotFound:
      return StanzaCondition::kItemNotFound;
    case absl::StatusCode::kFailedPrecondition:
      return StanzaCondition::kNotAllowed;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
      return StanzaCondition::kResourceConstraint;
    case absl::StatusCode::kDeadlineExceeded:
      return StanzaCondition::kRemoteServerTimeout;
    default:
      return StanzaCondition::kInternalServerError;
  }
}

}  // namespace yizhan::edge::xmpp
