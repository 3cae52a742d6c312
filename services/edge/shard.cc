#include "edge/shard.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "base/ids.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "base/rpc/service.h"
#include "base/status.h"
#include "edge/session_impl.h"

namespace yizhan::edge {
namespace {

using Steady = std::chrono::steady_clock;
using yizhan::live::v1::UpFrame;
using Done = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;

constexpr absl::Duration kTick = absl::Milliseconds(500);
constexpr absl::Duration kRetryRefused = absl::Milliseconds(500);

absl::Status LinkDownStatus() {
  return RefuseForNow(absl::StatusCode::kUnavailable, "LINK_BROKEN",
                      "the service cannot be reached just now: try again", 500);
}

absl::Status Ended(std::string_view why) { return Refuse(absl::StatusCode::kUnauthenticated, "SESSION_ENDED", why); }

// A token is asked about again after 15 to 25 seconds: with the authenticator's own 30 a session ends within 55 s of
// its token.
Steady::time_point NextCheck(uint64_t session) {
  return Steady::now() + std::chrono::milliseconds(15'000 + (session * 2'654'435'761u) % 10'000);
}

}  // namespace

Shard::Shard(std::shared_ptr<RouterCore> core, size_t thread) : core_(std::move(core)), thread_(thread) {}

std::unique_ptr<Session> Shard::Open(SessionOptions options, SessionListener* listener) {
  uint64_t id = (next_session_++ << 8) | thread_;
  auto session = std::make_unique<SessionImpl>(shared_from_this(), id, std::move(options), listener);
  const rpc::Principal& who = session->principal();
  bool person = who.kind() == rpc::Principal::KIND_PERSON;
  rpc::Context roles;
  roles.caller = who;
  bool agent = roles.HasRole(yizhan::common::v1::ROLE_AGENT) || roles.HasRole(yizhan::common::v1::ROLE_SUPERVISOR);
  session->owners[kIm].needed = core_->links[kIm] != nullptr && person;
  session->owners[kDesk].needed = core_->links[kDesk] != nullptr && (!person || agent);
  session->next_check = NextCheck(id);
  sessions_[id] = session.get();
  principals_[who.id()].push_back(session.get());
  for (Owner owner : {kIm, kDesk}) {
    if (session->owners[owner].needed && generation_[owner] != 0) SendOpen(session.get(), owner);
  }
  // With no owner to wait for it is ready at once, but never inside this call.
  if (!session->owners[kIm].needed && !session->owners[kDesk].needed)
    Later(id, [this](SessionImpl* s) { CheckReady(s); });
  return session;
}

void Shard::Remove(SessionImpl* session) {
  for (Owner owner : {kIm, kDesk}) {
    auto& state = session->owners[owner];
    DropTopics(session, owner);
    if (state.asked != 0 && state.asked == generation_[owner]) {
      UpFrame frame;
      frame.mutable_close()->set_session(session->id());
      (void)core_->links[owner]->Send(generation_[owner], frame);  // a link that broke has closed it anyway
    }
  }
  sessions_.erase(session->id());
  if (auto found = principals_.find(session->principal().id()); found != principals_.end()) {
    auto& all = found->second;
    all.erase(std::remove(all.begin(), all.end(), session), all.end());
    if (all.empty()) principals_.erase(found);
  }
  if (session->is_touched) std::replace(touched_.begin(), touched_.end(), session, static_cast<SessionImpl*>(nullptr));
  absl::MutexLock lock(&core_->mutex);
  core_->sessions--;
  if (auto count = core_->per_principal.find(session->principal().id());
      count != core_->per_principal.end() && --count->second == 0) {
    core_->per_principal.erase(count);
  }
}

Shard::SessionImpl* Shard::Find(uint64_t id) {
  auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

void Shard::Later(uint64_t session, absl::AnyInvocable<void(SessionImpl*)> work) {
  core_->pool->Post(thread_, [self = shared_from_this(), session, work = std::move(work)]() mutable {
    if (SessionImpl* found = self->Find(session)) work(found);
  });
}

// --- calls

void Shard::Call(SessionImpl* session, std::string_view method, std::string request, Done done, absl::Duration timeout,
                 std::string request_id) {
  if (session->calls >= core_->limits.calls_per_session) {
    return Later(session->id(), [done = std::move(done)](SessionImpl*) mutable {
      done(RefuseForNow(absl::StatusCode::kResourceExhausted, "TOO_MANY_CALLS",
                        "too many calls of this session wait for their answers", 1000));
    });
  }
  if (request_id.empty()) request_id = RandomRequestId();
  std::string_view service = SessionRouter::ServiceOf(method);
  Owner owner = service == "im" ? kIm : service == "desk" ? kDesk : kOwners;
  if (owner == kOwners || !session->owners[owner].needed) {
    return CallChannel(session, method, std::move(request), std::move(done), timeout, std::move(request_id));
  }
  uint64_t call_id = (next_call_++ << 8) | thread_;
  UpFrame frame;
  auto* call = frame.mutable_call();
  call->set_session(session->id());
  call->set_call_id(call_id);
  call->set_method(std::string(method));
  call->set_request(std::move(request));
  call->set_timeout_ms(static_cast<uint32_t>(std::clamp<int64_t>(absl::ToInt64Milliseconds(timeout), 1, 600'000)));
  call->set_request_id(std::move(request_id));
  absl::Status sent = session->owners[owner].asked == generation_[owner] && generation_[owner] != 0
                          ? core_->links[owner]->Send(generation_[owner], frame)
                          : LinkDownStatus();
  if (!sent.ok()) {
    return Later(session->id(), [done = std::move(done), sent](SessionImpl*) mutable { done(sent); });
  }
  session->calls++;
  pending_.emplace(call_id,
                   Pending{session->id(), owner, Steady::now() + absl::ToChronoNanoseconds(timeout), std::move(done)});
}

void Shard::CallChannel(SessionImpl* session, std::string_view method, std::string request, Done done,
                        absl::Duration timeout, std::string request_id) {
  rpc::Channel* channel = core_->channels(SessionRouter::ServiceOf(method));
  if (channel == nullptr) {
    return Later(session->id(), [done = std::move(done)](SessionImpl*) mutable {
      done(Refuse(absl::StatusCode::kUnimplemented, "SERVICE_ABSENT",
                  "this installation does not run the service of this method"));
    });
  }
  rpc::CallOptions options;
  options.timeout = timeout;
  options.on_behalf_of = session->principal();
  options.request_id = std::move(request_id);
  options.remote_address = session->options.remote_address;
  session->calls++;
  channel->Call(method, std::move(request), std::move(options),
                [self = shared_from_this(), id = session->id(),
                 done = std::move(done)](absl::StatusOr<std::string> result) mutable {
                  self->Later(id, [done = std::move(done), result = std::move(result)](SessionImpl* found) mutable {
                    found->calls--;
                    done(std::move(result));
                  });
                });
}

void Shard::Answer(Pending pending, absl::StatusOr<std::string> result) {
  SessionImpl* session = Find(pending.session);
  if (session == nullptr) return;
  session->calls--;
  pending.done(std::move(result));
}

void Shard::Take(Owner owner, yizhan::live::v1::Reply reply) {
  auto found = pending_.find(reply.call_id());
  if (found == pending_.end()) return;  // timed out meanwhile
  Pending pending = std::move(found->second);
  pending_.erase(found);
  if (reply.code() == 0) return Answer(std::move(pending), std::move(*reply.mutable_response()));
  auto code = reply.code() <= 16 ? static_cast<absl::StatusCode>(reply.code()) : absl::StatusCode::kUnknown;
  absl::Status status = reply.retry_after_ms() > 0 ? RefuseForNow(code, reply.reason(), reply.message(),
                                                                  static_cast<int>(reply.retry_after_ms()))
                        : reply.reason().empty()   ? absl::Status(code, reply.message())
                                                   : Refuse(code, reply.reason(), reply.message());
  Answer(std::move(pending), std::move(status));
}

// --- links

void Shard::SendOpen(SessionImpl* session, Owner owner) {
  auto& state = session->owners[owner];
  state.asked = generation_[owner];
  state.opened = false;
  UpFrame frame;
  frame.mutable_open()->set_session(session->id());
  *frame.mutable_open()->mutable_principal() = session->principal();
  (void)core_->links[owner]->Send(generation_[owner],
                                  frame);  // a link that broke is opened anew, and the session with it
}

void Shard::OnUp(Owner owner, uint64_t generation) {
  if (generation <= generation_[owner]) return;
  generation_[owner] = generation;
  for (auto& [id, session] : sessions_) {
    if (session->owners[owner].needed && session->listener != nullptr) SendOpen(session, owner);
  }
}

void Shard::OnDown(Owner owner, uint64_t generation) {
  if (generation_[owner] != generation) return;  // it never came up here
  generation_[owner] = 0;
  for (auto& [id, session] : sessions_) {
    auto& state = session->owners[owner];
    if (!state.needed) continue;
    state.opened = false;
    state.asked = 0;
    session->is_ready = false;
    state.topics.clear();
  }
  topics_[owner].clear();
  thinned_[owner].clear();
  std::vector<Pending> lost;
  for (auto it = pending_.begin(); it != pending_.end();) {
    if (it->second.owner == owner) {
      lost.push_back(std::move(it->second));
      it = pending_.erase(it);
    } else {
      ++it;
    }
  }
  for (Pending& pending : lost) Answer(std::move(pending), LinkDownStatus());
}

void Shard::Take(Owner owner, yizhan::live::v1::SessionOpened opened) {
  SessionImpl* session = Find(opened.session());
  if (session == nullptr || session->owners[owner].asked != generation_[owner]) return;
  auto& state = session->owners[owner];
  if (opened.code() == 0) {
    state.opened = true;
    state.topics.reserve(static_cast<size_t>(opened.topics_size()));
    for (const std::string& topic : opened.topics()) Hear(session, owner, topic);
    return CheckReady(session);
  }
  auto code = static_cast<absl::StatusCode>(std::min<uint32_t>(opened.code(), 16));
  absl::Status why =
      opened.reason().empty() ? absl::Status(code, opened.message()) : Refuse(code, opened.reason(), opened.message());
  bool passing = code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kResourceExhausted ||
                 code == absl::StatusCode::kAborted || code == absl::StatusCode::kDeadlineExceeded ||
                 code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown;
  state.asked = 0;
  if (!passing) {
    if (SessionListener* listener = std::exchange(session->listener, nullptr)) listener->OnEnded(why);
    return;
  }
  core_->pool->After(thread_, kRetryRefused, [self = shared_from_this(), id = session->id(), owner] {
    SessionImpl* again = self->Find(id);
    if (again != nullptr && again->listener != nullptr && again->owners[owner].asked == 0 &&
        self->generation_[owner] != 0) {
      self->SendOpen(again, owner);
    }
  });
}

void Shard::CheckReady(SessionImpl* session) {
  for (const auto& state : session->owners) {
    if (state.needed && !state.opened) return;
  }
  if (session->is_ready || session->listener == nullptr) return;
  session->is_ready = true;
  bool again = std::exchange(session->was_ready, true);
  session->listener->OnReady(again);
}

// --- time

void Shard::Tick() {
  {
    absl::MutexLock lock(&core_->mutex);
    if (core_->stopped) return;
  }
  auto now = Steady::now();
  std::vector<Pending> late;
  for (auto it = pending_.begin(); it != pending_.end();) {
    if (it->second.deadline <= now) {
      late.push_back(std::move(it->second));
      it = pending_.erase(it);
    } else {
      ++it;
    }
  }
  for (Pending& pending : late) {
    Answer(std::move(pending), Refuse(absl::StatusCode::kDeadlineExceeded, "DEADLINE",
                                      "the service did not answer in time; the call may have been done"));
  }
  std::vector<uint64_t> due;
  for (const auto& [id, session] : sessions_) {
    if (session->next_check <= now && !session->checking) due.push_back(id);
  }
  for (uint64_t id : due) {
    if (SessionImpl* session = Find(id)) CheckToken(session);
  }
  core_->pool->After(thread_, kTick, [self = shared_from_this()] { self->Tick(); });
}

void Shard::CheckToken(SessionImpl* session) {
  session->next_check = NextCheck(session->id());
  if (session->listener == nullptr) return;
  int64_t expires = session->principal().expires_at_us();
  if (expires > 0 && expires <= absl::ToUnixMicros(absl::Now())) {
    return std::exchange(session->listener, nullptr)->OnEnded(Ended("the session has expired: log in again"));
  }
  if (session->options.token.empty()) return;
  session->checking = true;
  core_->authenticator->Authenticate(
      session->options.token, [self = shared_from_this(), id = session->id()](absl::StatusOr<rpc::Principal> who) {
        self->Later(id, [who = std::move(who)](SessionImpl* found) {
          found->checking = false;
          // A directory that cannot be asked ends no session; its answer does.
          if (who.status().code() != absl::StatusCode::kUnauthenticated || found->listener == nullptr) return;
          std::exchange(found->listener, nullptr)->OnEnded(Ended("the session was ended: log in again"));
        });
      });
}

}  // namespace yizhan::edge
