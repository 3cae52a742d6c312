#include "edge/connect.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/logging.h"
#include "base/rpc/stamp.h"
#include "base/status.h"
#include "edge/connect_error.h"
#include "edge/contracts.h"
#include "edge/credentials.h"
#include "edge/transcode.h"
#include "google/protobuf/descriptor.h"
#include "yizhan/directory/v1/session_service.pb.h"

namespace yizhan::edge {
namespace {

namespace dir = yizhan::directory::v1;

constexpr char kLogIn[] = "/yizhan.directory.v1.SessionService/LogIn";
constexpr char kLogOut[] = "/yizhan.directory.v1.SessionService/LogOut";
constexpr size_t kMaxAnonymousBytes = 64 << 10;
constexpr int64_t kMaxTimeoutMs = 110'000;

// "application/json; charset=utf-8" -> "application/json".
std::string MediaType(std::string_view header) {
  std::string type(header.substr(0, header.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return type;
}

// Mistakes that HTTP has a status for. The message goes into a Connect error all the same.
constexpr char kHttpStatusUrl[] = "yizhan/http-status";
absl::Status HttpMistake(int http, absl::StatusCode code, std::string_view reason, std::string_view message) {
  absl::Status status = Refuse(code, reason, message);
  status.SetPayload(kHttpStatusUrl, absl::Cord(absl::StrCat(http)));
  return status;
}

http::Response ResponseFor(const absl::Status& status, const std::string& request_id) {
  http::Response response = ErrorResponse(status, request_id);
  int http = 0;
  if (auto payload = status.GetPayload(kHttpStatusUrl); payload && absl::SimpleAtoi(std::string(*payload), &http))
    response.status = http;
  if (response.status == 405) response.headers.emplace_back("Allow", "POST");
  if (response.status == 415) response.headers.emplace_back("Accept-Post", "application/json, application/proto");
  return response;
}

// One line for each call that came, whether a service heard of it or not; the service's own line has the same id.
void Tell(std::string_view method, const std::string& request_id, const std::string& remote_address,
          const absl::Status& status, absl::Time since) {
  if (!log::Enabled(log::Level::kDebug)) return;
  log::ScopedRequestId scope(request_id);
  log::Line line(log::Level::kDebug, "edge", status.ok() ? "http call" : "http call refused");
  line.With("method", method.substr(0, 200))
      .With("ms", absl::ToDoubleMilliseconds(absl::Now() - since))
      .With("remote", remote_address);
  if (!status.ok()) line.With("code", absl::StatusCodeToString(status.code())).With("reason", ReasonOf(status));
}

}  // namespace

bool IsConnectPath(std::string_view path) { return path.substr(0, 8) == "/yizhan."; }

absl::StatusOr<ConnectCall> ParseConnectCall(const http::Request& request) {
  LinkContracts();
  ConnectCall call;
  const auto* method = rpc::FindMethod(request.path);
  if (method == nullptr) {
    return HttpMistake(404, absl::StatusCode::kUnimplemented, "METHOD_UNKNOWN",
                       absl::StrCat("there is no method ", request.path.substr(0, 200), " here"));
  }
  if (request.method != "POST")
    return HttpMistake(405, absl::StatusCode::kUnimplemented, "POST_REQUIRED", "calls are made by POST");
  if (method->client_streaming() || method->server_streaming()) {
    return Refuse(absl::StatusCode::kUnimplemented, "METHOD_STREAMS",
                  "this method streams: use the WebSocket at /live");
  }
  call.method = request.path;
  std::string type = MediaType(request.Header("content-type"));
  if (type != "application/json" && type != "application/proto") {
    return HttpMistake(415, absl::StatusCode::kInvalidArgument, "CONTENT_TYPE",
                       "the Content-Type must be application/json or application/proto");
  }
  call.json = type == "application/json";
  if (std::string_view version = request.Header("connect-protocol-version"); !version.empty() && version != "1") {
    return Refuse(absl::StatusCode::kInvalidArgument, "PROTOCOL_VERSION", "Connect-Protocol-Version must be 1");
  }
  if (std::string_view encoding = request.Header("content-encoding"); !encoding.empty() && encoding != "identity") {
    return HttpMistake(415, absl::StatusCode::kUnimplemented, "CONTENT_ENCODING",
                       "requests are taken uncompressed: Content-Encoding identity");
  }
  if (std::string_view timeout = request.Header("connect-timeout-ms"); !timeout.empty()) {
    int64_t ms = 0;
    if (timeout.size() > 10 || !absl::SimpleAtoi(std::string(timeout), &ms) || ms < 0) {
      return Refuse(absl::StatusCode::kInvalidArgument, "TIMEOUT",
                    "Connect-Timeout-Ms must be a number of at most 10 digits");
    }
    call.timeout = absl::Milliseconds(std::min(ms, kMaxTimeoutMs));
  }
  YZ_ASSIGN_OR_RETURN(auto access, rpc::AccessOf(call.method));
  call.anyone = access.anyone();
  if (call.anyone && request.body.size() > kMaxAnonymousBytes) {
    return HttpMistake(413, absl::StatusCode::kResourceExhausted, "REQUEST_TOO_LARGE",
                       absl::StrCat("without a session at most ", kMaxAnonymousBytes, " bytes are taken"));
  }
  call.wants_cookie = request.Header("yizhan-session") == "cookie";
  if (call.json || rpc::IsStamped(method->input_type())) {
    YZ_ASSIGN_OR_RETURN(auto message, call.json ? FromJson(method->input_type(), request.body)
                                                : FromBinary(method->input_type(), request.body));
    rpc::Stamp(message.get(), request.remote_address, ForeignOrigin(request));
    call.request = message->SerializeAsString();
  } else {
    call.request = request.body;
  }
  return call;
}

struct ConnectHandler::Pending {
  ConnectCall call;
  rpc::Principal caller;
  bool from_cookie = false, secure = false;
  std::string remote_address;
  absl::Time since;
  http::Respond respond;
};

ConnectHandler::ConnectHandler(Channels channels, rpc::Authenticator* authenticator, RateLimiter* anonymous)
    : channels_(std::move(channels)), authenticator_(authenticator), anonymous_(anonymous) {}

void ConnectHandler::Handle(http::Request request, http::Respond respond) {
  auto pending = std::make_shared<Pending>();
  std::string request_id = RequestIdOf(request);
  pending->since = absl::Now();
  auto refuse = [&](const absl::Status& status) {
    Tell(request.path, request_id, request.remote_address, status, pending->since);
    respond(ResponseFor(status, request_id));
  };

  absl::StatusOr<ConnectCall> call = ParseConnectCall(request);
  if (!call.ok()) return refuse(call.status());
  Credentials credentials;
  if (absl::Status status = ReadCredentials(request, &credentials); !status.ok()) return refuse(status);
  if ((credentials.from_cookie || call->wants_cookie) && !IsSameOrigin(request)) {
    return refuse(
        Refuse(absl::StatusCode::kPermissionDenied, "CROSS_ORIGIN", "pages of other sites cannot use this session"));
  }
  if (call->anyone) {
    if (absl::Duration wait = anonymous_->Take(request.remote_address, absl::Now()); wait > absl::ZeroDuration()) {
      return refuse(RefuseForNow(absl::StatusCode::kResourceExhausted, "TOO_MANY_REQUESTS",
                                 "too many requests from your address: wait a moment",
                                 static_cast<int>(absl::ToInt64Milliseconds(wait)) + 1));
    }
  }
  pending->call = *std::move(call);
  pending->call.request_id = std::move(request_id);
  pending->from_cookie = credentials.from_cookie;
  pending->secure = request.secure;
  pending->remote_address = std::move(request.remote_address);
  pending->respond = std::move(respond);
  // Where anybody is let in, an old token is no hindrance: somebody logs in anew.
  if (credentials.token.empty() || pending->call.anyone) return Pass(std::move(pending));
  authenticator_->Authenticate(credentials.token, [this, pending](absl::StatusOr<rpc::Principal> caller) {
    if (!caller.ok()) return Answer(pending, caller.status());
    pending->caller = *std::move(caller);
    Pass(pending);
  });
}

void ConnectHandler::Pass(std::shared_ptr<Pending> pending) {
  rpc::Channel* channel = channels_(pending->call.method);
  if (channel == nullptr) {
    return Answer(pending, Refuse(absl::StatusCode::kUnimplemented, "SERVICE_ABSENT",
                                  "this installation does not run the service of this method"));
  }
  if (pending->call.timeout <= absl::ZeroDuration()) {
    return Answer(pending, Refuse(absl::StatusCode::kDeadlineExceeded, "DEADLINE",
                                  "the caller's deadline had passed before the call began"));
  }
  rpc::CallOptions options;
  options.timeout = pending->call.timeout;
  options.anonymous = pending->caller.kind() == rpc::Principal::KIND_UNSPECIFIED;
  options.on_behalf_of = pending->caller;
  options.request_id = pending->call.request_id;
  options.remote_address = pending->remote_address;
  std::string request = std::move(pending->call.request);
  channel->Call(pending->call.method, std::move(request), std::move(options),
                [this, pending](absl::StatusOr<std::string> result) { Answer(pending, std::move(result)); });
}

void ConnectHandler::Answer(const std::shared_ptr<Pending>& pending, absl::StatusOr<std::string> result) {
  const ConnectCall& call = pending->call;
  http::Response response;
  if (result.ok() && call.method == kLogIn && call.wants_cookie) {
    dir::LogInResponse session;
    if (!session.ParseFromString(*result)) result = absl::InternalError("unreadable answer");
    response.headers.emplace_back("Set-Cookie", SessionCookie(session.token(), pending->secure));
    session.clear_token();
    if (result.ok()) result = session.SerializeAsString();
  }
  // Once the session is over its token is, here too.
  if (result.ok() && call.method == kLogOut) {
    authenticator_->Forget(pending->caller.session_id());
    if (pending->from_cookie) response.headers.emplace_back("Set-Cookie", ClearedSessionCookie(pending->secure));
  }
  if (result.ok() && call.json) {
    auto message = FromBinary(rpc::FindMethod(call.method)->output_type(), *result);
    result = message.ok() ? ToJson(**message) : absl::StatusOr<std::string>(absl::InternalError("unreadable answer"));
  }
  Tell(call.method, call.request_id, pending->remote_address, result.status(), pending->since);
  if (!result.ok()) {
    http::Response error = ResponseFor(result.status(), call.request_id);
    // A cookie whose session is over is taken away, so that the browser stops sending it.
    if (pending->from_cookie && result.status().code() == absl::StatusCode::kUnauthenticated) {
      error.headers.emplace_back("Set-Cookie", ClearedSessionCookie(pending->secure));
    }
    return pending->respond(std::move(error));
  }
  response.headers.emplace_back("Content-Type", call.json ? "application/json" : "application/proto");
  response.headers.emplace_back("Cache-Control", "no-store");
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Yizhan-Request-Id", call.request_id);
  response.headers.emplace_back("X-Request-Id", call.request_id);
  response.body = *std::move(result);
  pending->respond(std::move(response));
}

}  // namespace yizhan::edge
