#include "cluster/etcd/client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cluster/etcd/call.h"
#include "cluster/etcd/etcd.pb.h"
#include "cluster/etcd/moments.h"

namespace yizhan::cluster::etcd {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(500);
constexpr absl::Duration kCheckTimeout = absl::Seconds(1);
constexpr absl::Duration kLogInTimeout = absl::Seconds(5);
// A wrong password is not tried again at once: checking one is dear, by design.
constexpr absl::Duration kAfterRefusal = absl::Seconds(1);

}  // namespace

Client::Client(const EtcdOptions& options, const std::shared_ptr<grpc::ChannelCredentials>& credentials)
    : options_(options), endpoints_(options.endpoints, credentials) {}

Client::~Client() = default;

void Client::Start() { Tick(); }

void Client::Stop() {
  std::vector<std::shared_ptr<Call>> calls;
  std::vector<std::weak_ptr<Follower>> followers;
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    calls.assign(calls_.begin(), calls_.end());
    followers.swap(followers_);
  }
  for (const auto& call : calls) call->Cancel();
  for (const auto& weak : followers) {
    if (auto follower = weak.lock()) follower->Stop();
  }
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(
      +[](Client* c) ABSL_EXCLUSIVE_LOCKS_REQUIRED(c->mutex_) { return c->calls_.empty() && c->streams_ == 0; }, this));
}

void Client::AskBytes(CallSpec spec, grpc::ByteBuffer request, Reply reply) {
  std::make_shared<Call>(shared_from_this(), spec, std::move(request), std::move(reply))->Start();
}

absl::Status Client::Enter(const std::shared_ptr<Call>& call, size_t bytes) {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return absl::CancelledError("etcd: shutting down");
  calls_.insert(call);
  if (bytes > kMaxSendBytes) {
    return Refuse(absl::StatusCode::kInvalidArgument, "ETCD_TOO_LARGE",
                  absl::StrCat("etcd: a request of ", bytes, " bytes; at most ", kMaxSendBytes, " can be sent"));
  }
  if (bytes > 0) {
    if (counted_calls_ >= options_.max_calls ||
        counted_bytes_ + static_cast<int64_t>(bytes) > options_.max_request_bytes_in_flight) {
      return RefuseForNow(
          absl::StatusCode::kResourceExhausted, "ETCD_BUSY",
          absl::StrCat("etcd: ", counted_calls_, " calls and ", counted_bytes_, " bytes are in flight already"), 100);
    }
    ++counted_calls_;
    counted_bytes_ += static_cast<int64_t>(bytes);
  }
  return absl::OkStatus();
}

void Client::Leave(const std::shared_ptr<Call>& call, size_t bytes) {
  absl::MutexLock lock(&mutex_);
  calls_.erase(call);
  if (bytes == 0) return;
  --counted_calls_;
  counted_bytes_ -= static_cast<int64_t>(bytes);
}

bool Client::EnterStream() {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return false;
  ++streams_;
  return true;
}

void Client::LeaveStream() {
  absl::MutexLock lock(&mutex_);
  --streams_;
}

void Client::Follow(const std::shared_ptr<Follower>& follower) {
  absl::MutexLock lock(&mutex_);
  followers_.push_back(follower);
}

void Client::Failed(size_t member, const absl::Status& why) {
  if (!endpoints_.Failed(member, why)) return;
  RunAfter(absl::ZeroDuration(), [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->LookAfterFollowers();
  });
}

void Client::LookAfterFollowers() {
  std::vector<std::shared_ptr<Follower>> followers;
  {
    absl::MutexLock lock(&mutex_);
    followers_.erase(std::remove_if(followers_.begin(), followers_.end(), [](const auto& w) { return w.expired(); }),
                     followers_.end());
    for (const auto& weak : followers_) {
      if (auto follower = weak.lock()) followers.push_back(std::move(follower));
    }
  }
  for (const auto& follower : followers) follower->Look();
}

void Client::Tick() {
  {
    absl::MutexLock lock(&mutex_);
    if (stopped_) return;
  }
  for (size_t member : endpoints_.TakeDueChecks()) Check(member);
  LookAfterFollowers();
  RunAfter(kTick, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->Tick();
  });
}

// A linearizable read: a member that has lost its peers cannot answer it. What it answers does not matter.
void Client::Check(size_t member) {
  etcdserverpb::RangeRequest read;
  read.set_key(options_.prefix.empty() ? std::string(1, '\0') : options_.prefix);
  read.set_keys_only(true);
  CallSpec spec{
      .method = "/etcdserverpb.KV/Range", .operation = "health check", .timeout = kCheckTimeout, .only_to = member};
  auto self = shared_from_this();
  Ask<etcdserverpb::RangeResponse>(spec, read, [self, member](absl::StatusOr<etcdserverpb::RangeResponse>) {
    CallSpec spec{.method = "/etcdserverpb.Maintenance/Status",
                  .operation = "status",
                  .timeout = kCheckTimeout,
                  .only_to = member};
    if (!self->endpoints_.IsWell(member)) return self->endpoints_.CheckDone(member);
    const absl::Time asked = Now();
    self->Ask<etcdserverpb::StatusResponse>(
        spec, etcdserverpb::StatusRequest(), [self, member, asked](absl::StatusOr<etcdserverpb::StatusResponse> said) {
          if (said.ok()) {
            EndpointHealth report;
            report.version = said->version();
            report.leader = said->leader() != 0 && said->leader() == said->header().member_id();
            report.db_size = said->db_size();
            report.db_size_in_use = said->db_size_in_use();
            report.round_trip = Now() - asked;
            self->endpoints_.Reported(member, std::move(report));
          }
          self->endpoints_.CheckDone(member);
        });
  });
}

void Client::AddToken(grpc::ClientContext& context, const std::string& token) {
  if (!token.empty()) context.AddMetadata("token", token);
}

std::string Client::CurrentToken() const {
  absl::MutexLock lock(&mutex_);
  return token_;
}

void Client::GetToken(Token done) {
  absl::StatusOr<std::string> token;
  bool ask = false;
  {
    absl::MutexLock lock(&mutex_);
    if (needs_token() && !have_token_) {
      if (Now() < refused_until_) {
        token = refusal_;
      } else {
        waiting_for_token_.push_back(std::move(done));
        if (logging_in_) return;
        logging_in_ = true;
        ask = true;
      }
    } else {
      token = token_;
    }
  }
  if (!ask) return done(std::move(token));
  LogIn();
}

void Client::DropToken(const std::string& token) {
  absl::MutexLock lock(&mutex_);
  if (token_ != token) return;  // somebody has logged in anew
  have_token_ = false;
  token_.clear();
}

void Client::LogIn() {
  etcdserverpb::AuthenticateRequest request;
  request.set_name(options_.user);
  request.set_password(options_.password.Reveal());
  CallSpec spec{.method = "/etcdserverpb.Auth/Authenticate",
                .operation = "log-in",
                .timeout = kLogInTimeout,
                .repeatable = true,
                .without_token = true};
  auto self = shared_from_this();
  Ask<etcdserverpb::AuthenticateResponse>(spec, request,
                                          [self](absl::StatusOr<etcdserverpb::AuthenticateResponse> answer) {
                                            if (answer.ok()) return self->LoggedIn(answer->token());
                                            // Without authentication everybody may do everything: an empty token.
                                            if (ReasonOf(answer.status()) == "ETCD_AUTH_OFF")
                                              return self->LoggedIn(std::string());
                                            self->LoggedIn(answer.status());
                                          });
}

void Client::LoggedIn(absl::StatusOr<std::string> token) {
  std::vector<Token> waiting;
  {
    absl::MutexLock lock(&mutex_);
    logging_in_ = false;
    have_token_ = token.ok();
    token_ = token.ok() ? *token : std::string();
    if (token.status().code() == absl::StatusCode::kPermissionDenied) {
      refusal_ = token.status();
      refused_until_ = Now() + kAfterRefusal;
    }
    waiting.swap(waiting_for_token_);
  }
  for (Token& done : waiting) done(token);
}

}  // namespace yizhan::cluster::etcd
