#include "cluster/etcd/call.h"

#include <algorithm>
#include <utility>

#include <grpcpp/generic/generic_stub.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cluster/etcd/moments.h"
#include "cluster/etcd/verdict.h"

namespace yizhan::cluster::etcd {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(50);
constexpr absl::Duration kLongestPause = absl::Milliseconds(500);
// A token that has just been given may not be known yet to a member that is a little behind.
constexpr int kMaxLogins = 3;

// Whether it may have been sent. It certainly was not when there was no connection to give it to, and gRPC says that in
// these words alone; with retries off (endpoints.cc) it looks for one once. That it knows no peer is not enough: a call
// that went out and got no answer has none either.
bool MayHaveLeft(const grpc::ClientContext& context, const grpc::Status& status) {
  const std::string& words = status.error_message();
  const std::string peer = context.peer();
  return status.error_code() != grpc::StatusCode::UNAVAILABLE ||
         !(absl::StartsWith(words, "failed to connect to all addresses") ||
           absl::StartsWith(words, "DNS resolution failed")) ||
         absl::StartsWith(peer, "ipv4:") || absl::StartsWith(peer, "ipv6:");
}

}  // namespace

Call::Call(std::shared_ptr<Client> client, CallSpec spec, grpc::ByteBuffer request, Client::Reply reply)
    : client_(std::move(client)),
      spec_(spec),
      request_(std::move(request)),
      deadline_(Now() + spec.timeout),
      reply_(std::move(reply)) {}

absl::Duration Call::Remaining() const { return deadline_ - Now(); }

bool Call::cancelled() const {
  absl::MutexLock lock(&mutex_);
  return cancelled_;
}

void Call::Start() {
  absl::Status entered = client_->Enter(shared_from_this(), spec_.only_to ? 0 : request_.Length());
  counted_ = entered.ok() && !spec_.only_to;
  if (entered.ok()) return Try();
  RunAfter(absl::ZeroDuration(), [self = shared_from_this(), entered] { self->Finish(entered); });
}

void Call::Cancel() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

void Call::Try() {
  if (!client_->needs_token() || spec_.without_token) return Send("");
  if (spec_.only_to) return Send(client_->CurrentToken());
  // Whichever is first: the token, or the end of this call's time.
  auto resumed = std::make_shared<std::atomic<bool>>(false);
  auto resume = [self = shared_from_this(), resumed](absl::StatusOr<std::string> token) {
    if (resumed->exchange(true)) return;
    if (token.ok()) return self->Send(*std::move(token));
    // It may have failed within the call that asked for it.
    RunAfter(absl::ZeroDuration(), [self, why = std::move(token).status()] { self->Finish(why); });
  };
  client_->GetToken(resume);
  if (resumed->load()) return;
  RunAfter(Remaining(), [weak = weak_from_this(), resumed] {
    auto self = weak.lock();
    if (self == nullptr || resumed->exchange(true)) return;
    self->Finish(RefuseForNow(absl::StatusCode::kUnavailable, "ETCD_UNAVAILABLE",
                              absl::StrCat("etcd: ", self->spec_.operation, ": could not log in in time"), 500));
  });
}

void Call::Send(std::string token) {
  const absl::Duration remaining = Remaining();
  absl::Duration limit = remaining;
  if (spec_.repeatable && !spec_.only_to && client_->endpoints_.size() > 1) {
    limit = std::min(spec_.timeout / 3, absl::Seconds(1)) * (1 << std::min(failures_, 10));
  }
  attempt_ = std::make_unique<Attempt>();
  attempt_->member = spec_.only_to ? *spec_.only_to : client_->endpoints_.Pick();
  attempt_->sent = Now();
  attempt_->token = std::move(token);
  grpc::ClientContext& context = attempt_->context;
  context.set_deadline(In(std::min(limit, remaining)));
  // A member without a leader says so at once, instead of waiting for one with what it is asked.
  context.AddMetadata("hasleader", "true");
  Client::AddToken(context, attempt_->token);
  {
    absl::MutexLock lock(&mutex_);
    context_ = &context;
    if (cancelled_) context.TryCancel();
  }
  grpc::GenericStub stub(client_->endpoints_.channel(attempt_->member));
  stub.UnaryCall(&context, spec_.method, grpc::StubOptions(), &request_, &attempt_->response,
                 [self = shared_from_this()](const grpc::Status& status) { self->Answered(status); });
}

void Call::Answered(const grpc::Status& status) {
  {
    absl::MutexLock lock(&mutex_);
    context_ = nullptr;
  }
  const std::unique_ptr<Attempt> attempt = std::move(attempt_);
  Endpoints& endpoints = client_->endpoints_;
  if (status.ok()) {
    endpoints.Answered(attempt->member);
    return Finish(std::move(attempt->response));
  }
  if (cancelled()) return Finish(absl::CancelledError(absl::StrCat("etcd: ", spec_.operation, ": shutting down")));
  const Answer answer{status, MayHaveLeft(attempt->context, status), Now() - attempt->sent};
  Verdict verdict = Judge(answer, endpoints.address(attempt->member), spec_.operation);
  if (verdict.member_unwell) {
    client_->Failed(attempt->member, verdict.status);
  } else if (!verdict.ask_again) {
    endpoints.Answered(attempt->member);
  }
  if (spec_.only_to) return Finish(std::move(verdict.status));
  if (verdict.token_ended && client_->needs_token() && !spec_.without_token && logins_ < kMaxLogins) {
    ++logins_;
    client_->DropToken(attempt->token);
    return Try();
  }
  if (!verdict.ask_again || !(verdict.did_not_happen || spec_.repeatable)) return Finish(std::move(verdict.status));
  // All have been tried once more: a pause.
  const int rounds = ++failures_ / static_cast<int>(endpoints.size());
  const bool round_ended = failures_ % static_cast<int>(endpoints.size()) == 0;
  const absl::Duration pause =
      round_ended ? std::min(kFirstPause * (1 << std::min(rounds - 1, 8)), kLongestPause) : absl::ZeroDuration();
  if (pause + absl::Milliseconds(5) > Remaining()) return Finish(std::move(verdict.status));
  if (pause == absl::ZeroDuration()) return Try();
  RunAfter(pause, [self = shared_from_this()] { self->Try(); });
}

void Call::Finish(absl::StatusOr<grpc::ByteBuffer> answer) {
  Client::Reply reply = std::move(reply_);
  reply(std::move(answer));
  // The callback's captures go before Stop() may return.
  reply = nullptr;
  client_->Leave(shared_from_this(), counted_ ? request_.Length() : 0);
}

}  // namespace yizhan::cluster::etcd
