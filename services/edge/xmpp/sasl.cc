#include "edge/xmpp/sasl.h"

#include <array>

#include "edge/xmpp/base64.h"
#include "edge/xmpp/element.h"
#include "edge/xmpp/jid.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/precis.h"
#include "edge/xmpp/xml_writer.h"

namespace yizhan::edge::xmpp {
namespace {
constexpr std::array<std::string_view, 11> kConditions = {"aborted",
                                                          "account-disabled",
                                                          "credentials-expired",
                                                          "encryption-required",
                                                          "incorrect-encoding",
                                                          "invalid-authzid",
                                                          "invalid-mechanism",
                                                          "malformed-request",
                                                          "mechanism-too-weak",
                                                          "not-authorized",
                                                          "temporary-auth-failure"};
constexpr size_t kMaxPart = 1023;

absl::StatusOr<std::string> Decode(std::string_view text) {
  auto bytes = Base64Decode(text);
  if (!bytes.ok()) return SaslRefusal(SaslCondition::kIncorrectEncoding, "the message is not base64");
  return bytes;
}
}  // namespace

std::string_view Name(SaslCondition condition) { return kConditions[static_cast<size_t>(condition)]; }

absl::Status SaslRefusal(SaslCondition condition, std::string_view text) {
  const bool malformed = condition == SaslCondition::kMalformedRequest ||
                         condition == SaslCondition::kIncorrectEncoding ||
                         condition == SaslCondition::kInvalidMechanism;
  return Refuse(malformed ? absl::StatusCode::kInvalidArgument : absl::StatusCode::kUnauthenticated, Name(condition),
                text);
}

SaslCondition SaslConditionOf(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  for (size_t i = 0; i < kConditions.size(); ++i) {
    if (kConditions[i] == reason) return static_cast<SaslCondition>(i);
  }
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return SaslCondition::kMalformedRequest;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kInternal:
      return SaslCondition::kTemporaryAuthFailure;
    default:
      // An unknown account and a wrong password look alike.
      return SaslCondition::kNotAuthorized;
  }
}

absl::StatusOr<SaslAuth> ParseSaslAuth(const Element& element) {
  SaslAuth auth;
  auth.mechanism = element.attr("mechanism");
  if (auth.mechanism.empty()) return SaslRefusal(SaslCondition::kInvalidMechanism, "no mechanism is named");
  const std::string_view text = element.text();
  if (text == "=") {
    auth.initial.emplace();
  } else if (!text.empty()) {
    YZ_ASSIGN_OR_RETURN(auth.initial, Decode(text));
  }
  return auth;
}

absl::StatusOr<std::string> ParseSaslResponse(const Element& element) {
  return element.text() == "=" ? std::string() : Decode(element.text());
}

void AppendSaslChallenge(std::string_view message, std::string* out) {
  XmlWriter(out).Start("challenge", ns::kSasl).Text(Base64Encode(message)).End();
}

void AppendSaslSuccess(std::string_view additional, std::string* out) {
  XmlWriter(out).Start("success", ns::kSasl).Text(Base64Encode(additional)).End();
}

void AppendSaslFailure(SaslCondition condition, std::string_view text, std::string* out) {
  XmlWriter writer(out);
  writer.Start("failure", ns::kSasl).Start(Name(condition)).End();
  if (!text.empty()) writer.Start("text").Attr("xml:lang", "en").Text(text).End();
  writer.End();
}

absl::StatusOr<PlainCredentials> ParsePlain(std::string_view message) {
  const size_t first = message.find('\0');
  const size_t second = first == std::string_view::npos ? first : message.find('\0', first + 1);
  if (second == std::string_view::npos || message.find('\0', second + 1) != std::string_view::npos) {
    return SaslRefusal(SaslCondition::kMalformedRequest, "PLAIN has three parts with NUL between them");
  }
  PlainCredentials credentials{std::string(message.substr(0, first)),
                               std::string(message.substr(first + 1, second - first - 1)),
                               std::string(message.substr(second + 1))};
  if (credentials.login.empty() || credentials.password.empty()) {
    return SaslRefusal(SaslCondition::kMalformedRequest, "PLAIN needs a log-in name and a password");
  }
  for (const std::string* part : {&credentials.authzid, &credentials.login, &credentials.password}) {
    if (part->size() > kMaxPart || !IsUtf8(*part)) {
      return SaslRefusal(SaslCondition::kMalformedRequest, "a part of PLAIN is not UTF-8 or longer than 1,023 bytes");
    }
  }
  return credentials;
}

bool AuthzidIsSelf(std::string_view authzid, std::string_view login, std::string_view domain) {
  if (authzid.empty()) return true;
  const auto wanted = Jid::Parse(authzid);
  const auto self = Jid::Make(EscapeLocal(login), domain);
  return wanted.ok() && self.ok() && *wanted == *self;
}

}  // namespace yizhan::edge::xmpp
