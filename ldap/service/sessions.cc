#include "ldap/service/sessions.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "base/status.h"

namespace yizhan::directory {
namespace {

constexpr size_t kSweepPortion = 5'000;  // sessions looked at in one view
constexpr size_t kSweepBatch = 500;      // ended in one command

absl::Status Unknown() {
  return Refuse(absl::StatusCode::kUnauthenticated, "TOKEN_UNKNOWN", "the token is not known or its session has ended: log in again");
}

absl::Status NoSuchSession() {
  return Refuse(absl::StatusCode::kNotFound, "SESSION_NOT_FOUND", "you have no such session; it may have ended already");
}

template <typename Response>
Answer Discarding(Answer answer) {
  return [answer = std::move(answer)](absl::StatusOr<std::string> result) mutable {
    if (result.ok()) {
      answer(Response().SerializeAsString());
    } else {
      answer(result.status());
    }
  };
}

}  // namespace

Sessions::Sessions(const Core* core, Bounds bounds, std::function<void(std::string_view, std::string_view)> ended,
                   std::function<void(std::string_view, std::string)> record_elsewhere)
    : core_(core), bounds_(bounds), ended_(std::move(ended)), record_elsewhere_(std::move(record_elsewhere)), tokens_(bounds.remembered), live_(bounds.remembered) {}

absl::Status Sessions::Start() {
  int64_t count = 0;
  YZ_RETURN_IF_ERROR(core_->View()->Scan(SessionPrefix(), "", [&](std::string_view, std::string_view) { return ++count, true; }));
  count_.store(count);
  return absl::OkStatus();
}

Sessions::Live Sessions::LiveOf(const SessionRow& row) {
  Live live;
  live.person_id = row.started.person_id();
  live.times.issued = absl::FromUnixMicros(row.created_us);
  live.times.used = live.recorded_use = absl::FromUnixMicros(row.used_us);
  live.lifetime.idle = absl::Seconds(row.started.idle_seconds());
  live.lifetime.absolute = absl::FromUnixMicros(row.started.expires_at_us()) - live.times.issued;
  return live;
}

absl::Status Sessions::Open(const ledger::DecideContext& context, const Rows& rows, Draft& draft, v1::SessionStarted& started) const {
  YZ_ASSIGN_OR_RETURN(auto open, rows.SessionsOf(started.person_id()));
  for (size_t i = 0; i + bounds_.per_person <= open.size(); ++i) draft.End(open[i], started.person_id(), kKicked);
  started.set_idle_seconds(static_cast<uint32_t>(absl::ToInt64Seconds(bounds_.lifetime.idle)));
  started.set_expires_at_us(context.time_us + absl::ToInt64Microseconds(bounds_.lifetime.absolute));
  v1::DirectoryRecord record;
  *record.mutable_session_started() = started;
  draft.Add(record);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Sessions::Found>> Sessions::Find(const std::string& digest) {
  uint64_t ends;
  {
    absl::MutexLock lock(&mu_);
    if (const std::string* id = tokens_.Find(digest)) {
      if (const Live* live = live_.Find(*id)) return Found{*id, *live};
    }
    ends = ends_;
  }
  const auto view = core_->View();
  const Rows rows(*view);
  YZ_ASSIGN_OR_RETURN(auto id, rows.SessionIdOf(digest));
  if (!id) return std::nullopt;
  YZ_ASSIGN_OR_RETURN(auto row, rows.Session(*id));
  if (!row) return std::nullopt;
  Found found{*id, LiveOf(*row)};
  absl::MutexLock lock(&mu_);
  if (ends_ == ends) {
    tokens_.Put(digest, found.session_id);
    live_.Put(found.session_id, found.live);
  }
  return found;
}

bool Sessions::Touch(const std::string& session_id, absl::Time now) {
  absl::MutexLock lock(&mu_);
  Live* live = live_.Find(session_id);
  if (live == nullptr) return false;
  live->times.used = std::max(live->times.used, now);
  if (!WorthRecording({live->times.issued, live->recorded_use}, live->lifetime, now)) return false;
  live->recorded_use = now;
  return true;
}

void Sessions::RecordUse(const std::string& session_id, absl::Time at, Answer answer) const {
  core_->Submit(
      kOwnActor, "",
      [session_id, at](const ledger::DecideContext&, const Rows& rows, Draft& draft) -> absl::StatusOr<std::string> {
        YZ_ASSIGN_OR_RETURN(auto row, rows.Session(session_id));
        if (!row || row->used_us >= absl::ToUnixMicros(at)) return std::string();
        v1::DirectoryRecord record;
        record.mutable_session_used()->set_session_id(session_id);
        record.mutable_session_used()->set_used_at_us(absl::ToUnixMicros(at));
        draft.Add(record);
        return std::string();
      },
      std::move(answer));
}

void Sessions::NoteUse(const std::string& session_id, absl::Time now) const {
  RecordUse(session_id, now, [this, session_id, now](absl::StatusOr<std::string> result) {
    if (result.ok()) return;
    if (record_elsewhere_ && ledger::NotOwnedPartition(result.status())) {
      v1::RecordSessionUseRequest request;
      request.set_session_id(session_id);
      request.set_used_at_us(absl::ToUnixMicros(now));
      return record_elsewhere_("RecordSessionUse", request.SerializeAsString());
    }
    // The next use after an eighth of the idle time tries again.
    log::Warning("directory", "the use of a session was not recorded").With("error", result.status());
  });
}

absl::StatusOr<v1::IntrospectResponse> Sessions::Introspect(std::string_view token) {
  YZ_ASSIGN_OR_RETURN(PresentedToken presented, ReadToken(token));
  if (presented.kind != TokenKind::kPerson) return Unknown();
  YZ_ASSIGN_OR_RETURN(auto found, Find(presented.digest));
  if (!found) return Unknown();
  const absl::Time now = core_->clock().Now();
  YZ_RETURN_IF_ERROR(ToStatus(StateOf(found->live.times, found->live.lifetime, now)));
  const auto person = core_->roster().Find(found->live.person_id);
  if (!person || !person->person.active()) return Unknown();
  if (Touch(found->session_id, now)) NoteUse(found->session_id, now);
  found->live.times.used = std::max(found->live.times.used, now);
  v1::IntrospectResponse response;
  *response.mutable_principal() = PrincipalOf(person->person, found->session_id, EndOf(found->live.times, found->live.lifetime));
  return response;
}

absl::StatusOr<v1::ListSessionsResponse> Sessions::List(const Caller& caller) const {
  const auto view = core_->View();
  const Rows rows(*view);
  YZ_ASSIGN_OR_RETURN(auto ids, rows.SessionsOf(caller.principal.id()));
  const absl::Time now = core_->clock().Now();
  v1::ListSessionsResponse response;
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    YZ_ASSIGN_OR_RETURN(auto row, rows.Session(*id));
    if (!row) continue;
    Live live = LiveOf(*row);
    {
      absl::MutexLock lock(&mu_);
      if (const Live* known = live_.Find(*id)) live = *known;
    }
    if (StateOf(live.times, live.lifetime, now) != TokenState::kLive) continue;
    v1::Session* session = response.add_sessions();
    session->set_session_id(*id);
    session->set_device(row->started.device());
    session->set_created_at_us(row->created_us);
    const int64_t used_us = absl::ToUnixMicros(live.times.used);
    session->set_last_used_us(std::max(row->created_us, used_us - used_us % 60'000'000));
    session->set_current(*id == caller.principal.session_id());
  }
  return response;
}

void Sessions::LogOut(const Caller& caller, Answer answer) const {
  core_->Submit(
      caller.actor, "",
      [id = caller.principal.session_id(), person = caller.principal.id()](const ledger::DecideContext&, const Rows& rows,
                                                                           Draft& draft) -> absl::StatusOr<std::string> {
        YZ_ASSIGN_OR_RETURN(auto row, rows.Session(id));
        if (row && row->started.person_id() == person) draft.End(id, person, kLoggedOut);
        return std::string();
      },
      Discarding<v1::LogOutResponse>(std::move(answer)));
}

void Sessions::End(const Caller& caller, const v1::EndSessionRequest& request, Answer answer) const {
  if (request.session_id().empty() == !request.all_others()) {
    answer(Refuse(absl::StatusCode::kInvalidArgument, "BAD_REQUEST", "name one session, or say all_others, not both"));
    return;
  }
  core_->Submit(
      caller.actor, "",
      [request, own = caller.principal.session_id(), person = caller.principal.id()](
          const ledger::DecideContext&, const Rows& rows, Draft& draft) -> absl::StatusOr<std::string> {
        v1::EndSessionResponse response;
        if (request.all_others()) {
          YZ_ASSIGN_OR_RETURN(size_t ended, draft.EndAll(rows, person, own, kLoggedOut));
          response.set_ended(static_cast<uint32_t>(ended));
        } else {
          YZ_ASSIGN_OR_RETURN(auto row, rows.Session(request.session_id()));
          if (!row || row->started.person_id() != person) return NoSuchSession();
          draft.End(request.session_id(), person, kLoggedOut);
          response.set_ended(1);
        }
        return response.SerializeAsString();
      },
      std::move(answer));
}

void Sessions::Sweep() const {
  const absl::Time now = core_->clock().Now();
  std::string from;
  size_t swept = 0;
  for (bool more = true; more;) {
    std::vector<std::string> over;
    size_t looked = 0;
    more = false;
    // A view is let go of between portions, so that none grows old.
    absl::Status read = core_->View()->Scan(SessionPrefix(), from, [&](std::string_view key, std::string_view value) {
      if (++looked > kSweepPortion || over.size() == kSweepBatch) {
        from = std::string(key);
        more = true;
        return false;
      }
      const auto row = SessionRow::Decode(value);
      if (!row.ok()) return true;  // whoever needs it will say so
      Live live = LiveOf(*row);
      {
        absl::MutexLock lock(&mu_);
        if (const Live* known = live_.Find(row->started.session_id())) live = *known;
      }
      if (StateOf(live.times, live.lifetime, now) != TokenState::kLive) over.push_back(row->started.session_id());
      return true;
    });
    if (!read.ok()) {
      log::Error("directory", "sessions cannot be read").With("error", read);
      return;
    }
    if (over.empty()) continue;
    swept += over.size();
    core_->Submit(
        kOwnActor, "",
        [over = std::move(over)](const ledger::DecideContext&, const Rows& rows, Draft& draft) -> absl::StatusOr<std::string> {
          for (const std::string& id : over) {
            YZ_ASSIGN_OR_RETURN(auto row, rows.Session(id));
            if (row) draft.End(id, row->started.person_id(), kExpired);
          }
          return std::string();
        },
        [](absl::StatusOr<std::string> result) {
          if (!result.ok()) log::Warning("directory", "expired sessions were not ended").With("error", result.status());
        });
  }
  if (swept > 0) log::Info("directory", "ended expired sessions").With("sessions", swept);
}

void Sessions::OnStarted(const v1::SessionStarted& started, int64_t time_us) {
  Live live = LiveOf(SessionRow{time_us, time_us, started});
  count_.fetch_add(1, std::memory_order_relaxed);
  absl::MutexLock lock(&mu_);
  tokens_.Put(started.token_hash(), started.session_id());
  live_.Put(started.session_id(), std::move(live));
}

void Sessions::OnUsed(const v1::SessionUsed& used) {
  const absl::Time at = absl::FromUnixMicros(used.used_at_us());
  absl::MutexLock lock(&mu_);
  Live* live = live_.Find(used.session_id());
  if (live == nullptr) return;
  // At whatever machine it was.
  live->times.used = std::max(live->times.used, at);
  live->recorded_use = std::max(live->recorded_use, at);
}

void Sessions::OnEnded(const v1::SessionEnded& ended) {
  {
    absl::MutexLock lock(&mu_);
    ++ends_;
    // The digest stays until it is the oldest: without its session it leads nowhere.
    live_.Erase(ended.session_id());
  }
  count_.fetch_sub(1, std::memory_order_relaxed);
  if (ended_) ended_(ended.session_id(), ended.person_id());
}

Principal PrincipalOf(const v1::Person& person, std::string_view session_id, absl::Time expires) {
  Principal principal;
  principal.set_kind(Principal::KIND_PERSON);
  principal.set_id(person.person_id());
  principal.set_session_id(std::string(session_id));
  principal.add_roles(yizhan::common::v1::ROLE_EMPLOYEE);
  for (int role : person.roles()) principal.add_roles(static_cast<yizhan::common::v1::Role>(role));
  principal.set_login(person.login());
  principal.set_expires_at_us(absl::ToUnixMicros(expires));
  return principal;
}

}  // namespace yizhan::directory
