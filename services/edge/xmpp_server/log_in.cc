#include "edge/xmpp_server/log_in.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "base/metrics.h"
#include "base/status.h"
#include "edge/xmpp/errors.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/precis.h"
#include "edge/xmpp/sasl.h"
#include "edge/xmpp/stanza.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr char kLogIn[] = "/yizhan.directory.v1.SessionService/LogIn";
constexpr char kScramParameters[] = "/yizhan.directory.v1.SessionService/GetScramParameters";
constexpr char kLogInScram[] = "/yizhan.directory.v1.SessionService/LogInScram";
constexpr int kMaxFailures = 5;
constexpr char kDevice[] = "XMPP";

void Count(std::string_view mechanism, bool success) {
  // A client's own words do not become metrics.
  const auto known = LogIn::Mechanisms();
  std::string name = std::find(known.begin(), known.end(), mechanism) == known.end() ? "other" : std::string(mechanism);
  metrics::GetCounter("yizhan_xmpp_log_ins_total", "Attempts to log in.",
                      {{"mechanism", name}, {"result", success ? "success" : "failure"}})
      .Add();
}

// As the directory spells log-in names; what cannot be prepared is nobody's.
std::string Prepared(std::string_view login) { return UsernameCaseMapped(login).value_or(std::string(login)); }

template <typename Response>
absl::StatusOr<Response> Parsed(const absl::StatusOr<std::string>& bytes) {
  if (!bytes.ok()) return bytes.status();
  Response response;
  if (!response.ParseFromString(*bytes)) return absl::InternalError("unreadable answer");
  return response;
}

}  // namespace

void LogIn::OnElement(const Element& element, absl::AnyInvocable<void(Step)> done) {
  absl::Status status;
  if (element.name() == "auth") {
    status = OnAuth(element, done);
  } else if (element.name() == "response") {
    auto message = ParseSaslResponse(element);
    if (!message.ok()) {
      status = message.status();
    } else if (mechanism_.empty()) {
      status = SaslRefusal(SaslCondition::kMalformedRequest, "there was no auth before this response");
    } else if (mechanism_ == "PLAIN") {
      status = OnPlain(*message, done);
    } else {
      status = challenged_ ? OnScramFinal(*message, done) : OnScramFirst(*message, done);
    }
  } else if (element.name() == "abort") {
    status = SaslRefusal(SaslCondition::kAborted, "");
  } else {
    status = SaslRefusal(SaslCondition::kMalformedRequest, "this is no element of SASL's");
  }
  if (!status.ok()) Fail(status, std::move(done));
}

absl::Status LogIn::OnAuth(const Element& element, Done& done) {
  mechanism_.clear();
  scram_.reset();
  challenged_ = false;
  YZ_ASSIGN_OR_RETURN(SaslAuth auth, ParseSaslAuth(element));
  const auto known = Mechanisms();
  if (std::find(known.begin(), known.end(), auth.mechanism) == known.end()) {
    return SaslRefusal(SaslCondition::kInvalidMechanism, "this mechanism is not offered");
  }
  mechanism_ = auth.mechanism;
  if (mechanism_ != "PLAIN") scram_ = std::make_unique<ScramServer>(mechanism_ == "SCRAM-SHA-1" ? 20 : 32);
  if (!auth.initial) {
    Step step;
    AppendSaslChallenge("", &step.xml);
    done(std::move(step));
    return absl::OkStatus();
  }
  return mechanism_ == "PLAIN" ? OnPlain(*auth.initial, done) : OnScramFirst(*auth.initial, done);
}

absl::Status LogIn::OnPlain(std::string_view message, Done& done) {
  YZ_ASSIGN_OR_RETURN(PlainCredentials credentials, ParsePlain(message));
  if (!AuthzidIsSelf(credentials.authzid, credentials.login, domain_)) {
    return SaslRefusal(SaslCondition::kInvalidAuthzid, "acting for others is not offered");
  }
  directory::v1::LogInRequest request;
  request.set_login(Prepared(credentials.login));
  request.set_password(std::move(credentials.password));
  request.set_device(kDevice);
  request.set_remote_address(remote_address_);
  ask_(kLogIn, request.SerializeAsString(), true, [this, done = std::move(done)](absl::StatusOr<std::string> bytes) mutable {
    auto answer = Parsed<directory::v1::LogInResponse>(bytes);
    if (!answer.ok()) return Fail(answer.status(), std::move(done));
    Succeed(*std::move(answer), {}, std::move(done));
  });
  return absl::OkStatus();
}

absl::Status LogIn::OnScramFirst(std::string_view message, Done& done) {
  YZ_RETURN_IF_ERROR(scram_->OnClientFirst(message));
  if (!AuthzidIsSelf(scram_->authzid(), scram_->login(), domain_)) {
    return SaslRefusal(SaslCondition::kInvalidAuthzid, "acting for others is not offered");
  }
  directory::v1::GetScramParametersRequest request;
  request.set_login(Prepared(scram_->login()));
  request.set_mechanism(mechanism_);
  ask_(kScramParameters, request.SerializeAsString(), false, [this, done = std::move(done)](absl::StatusOr<std::string> bytes) mutable {
    auto answer = Parsed<directory::v1::GetScramParametersResponse>(bytes);
    if (!answer.ok()) return Fail(answer.status(), std::move(done));
    auto challenge = scram_->ServerFirst({answer->salt(), answer->iterations()});
    if (!challenge.ok()) return Fail(challenge.status(), std::move(done));
    challenged_ = true;
    Step step;
    AppendSaslChallenge(*challenge, &step.xml);
    done(std::move(step));
  });
  return absl::OkStatus();
}

absl::Status LogIn::OnScramFinal(std::string_view message, Done& done) {
  YZ_ASSIGN_OR_RETURN(ScramProof proof, scram_->OnClientFinal(message));
  directory::v1::LogInScramRequest request;
  request.set_login(Prepared(scram_->login()));
  request.set_mechanism(mechanism_);
  request.set_auth_message(std::move(proof.auth_message));
  request.set_client_proof(std::move(proof.client_proof));
  request.set_device(kDevice);
  request.set_remote_address(remote_address_);
  ask_(kLogInScram, request.SerializeAsString(), false, [this, done = std::move(done)](absl::StatusOr<std::string> bytes) mutable {
    auto answer = Parsed<directory::v1::LogInScramResponse>(bytes);
    if (!answer.ok()) return Fail(answer.status(), std::move(done));
    auto last = scram_->ServerFinal(answer->server_signature());
    if (!last.ok()) return Fail(last.status(), std::move(done));
    Succeed(std::move(*answer->mutable_session()), *std::move(last), std::move(done));
  });
  return absl::OkStatus();
}

void LogIn::Succeed(directory::v1::LogInResponse result, std::string additional, Done done) {
  Count(mechanism_, true);
  result_ = std::move(result);
  Step step{Step::kSuccess, {}};
  AppendSaslSuccess(additional, &step.xml);
  scram_.reset();
  done(std::move(step));
}

void LogIn::Fail(const absl::Status& why, Done done) {
  Count(mechanism_, false);
  const SaslCondition condition = SaslConditionOf(why);
  if (condition == SaslCondition::kTemporaryAuthFailure) {
    log::Warning("xmpp", "a log-in could not be checked").With("remote", remote_address_).With("why", why);
  }
  Step step;
  AppendSaslFailure(condition, {}, &step.xml);
  scram_.reset();
  mechanism_.clear();
  if (++failures_ >= kMaxFailures) {
    AppendStreamError(StreamCondition::kPolicyViolation, "too many attempts to log in", {}, &step.xml);
    step.next = Step::kClose;
  }
  done(std::move(step));
}

}  // namespace yizhan::edge::xmpp
