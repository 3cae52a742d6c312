#include "ldap/service/log_in.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/ids.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "base/status.h"
#include "ldap/service/ldap_plan.h"
#include "ldap/service/rules.h"
#include "ldap/service/text.h"

namespace yizhan::directory {
namespace {

constexpr size_t kMaxDeviceCharacters = 100;
constexpr size_t kMaxAuthMessageBytes = 4096;

metrics::Counter& Counted(const char* result) {
  return metrics::GetCounter("yizhan_directory_log_ins_total", "Log-ins by result.", {{"result", result}});
}

void CountOk() {
  static metrics::Counter& counter = Counted("ok");
  counter.Add();
}
void CountWrong() {
  static metrics::Counter& counter = Counted("wrong");
  counter.Add();
}
void CountSlowed() {
  static metrics::Counter& counter = Counted("too_many_attempts");
  counter.Add();
}
void CountUndecided() {
  static metrics::Counter& counter = Counted("undecided");
  counter.Add();
}

bool IsWrong(const absl::Status& status) { return absl::IsUnauthenticated(status); }

}  // namespace

struct LogIns::Attempt {
  std::string login;  // as it is looked up; as given where it cannot be one
  std::string device;
  std::string address;
  absl::Time started;
  absl::Time deadline;
  Answer answer;
  // By password: as given, and prepared unless it is unusable for a local account.
  Secret<std::string> password;
  std::optional<Secret<std::string>> prepared;
  // By proof.
  std::optional<v1::LogInScramRequest> scram;
  ScramHash hash = ScramHash::kSha256;
  std::string server_signature;
  // Whether the limiter has been told.
  bool settled = false;
};

struct LogIns::Account {
  v1::Person person;
  uint64_t version = 0;
  v1::CredentialsSet credentials;  // of a local one

  bool local() const { return person.source() == kLocal; }
  // What the cache of LDAP people holds a password against: any change of the person makes it worthless.
  std::string Stamp() const { return absl::StrCat(person.source(), "/", version); }
};

LogIns::LogIns(Means means, Bounds bounds, Secret<std::string> fake_salt_key)
    : means_(means),
      bounds_(bounds),
      fake_salt_key_(std::move(fake_salt_key)),
      limiter_(bounds.attempts, [clock = &means.core->clock()] { return clock->Now(); }),
      ldap_cache_(bounds.ldap_remembered, [clock = &means.core->clock()] { return clock->Now(); }),
      failures_(bounds.failures_told_apart, [clock = &means.core->clock()] { return clock->Now(); },
                [this](const v1::LogInFailed& failed) { NoteFailure(failed); }) {}

void LogIns::RecordFailure(const v1::LogInFailed& failed, Answer answer) const {
  means_.core->Submit(
      kOwnActor, "",
      [failed](const ledger::DecideContext&, const Rows&, Draft& draft) -> absl::StatusOr<std::string> {
        v1::DirectoryRecord record;
        *record.mutable_log_in_failed() = failed;
        draft.Add(record);
        return std::string();
      },
      std::move(answer));
}

void LogIns::NoteFailure(const v1::LogInFailed& failed) const {
  RecordFailure(failed, [this, failed](absl::StatusOr<std::string> result) {
    if (result.ok()) return;
    if (means_.record_elsewhere && ledger::NotOwnedPartition(result.status())) {
      v1::RecordLogInFailureRequest request;
      request.set_login(failed.login());
      request.set_remote_address(failed.remote_address());
      request.set_count(failed.count());
      return means_.record_elsewhere("RecordLogInFailure", request.SerializeAsString());
    }
    log::Warning("directory", "a failed log-in was not recorded").With("error", result.status());
  });
}

LogIns::AttemptPtr LogIns::Begin(std::string_view login, std::string_view device, std::string_view address, absl::Time deadline,
                                 Answer answer) {
  auto attempt = std::make_shared<Attempt>();
  attempt->login = LowerAscii(CutTo(login, 256));
  attempt->device = std::string(device);
  attempt->address = AsLine(address, 64);
  attempt->started = absl::Now();
  attempt->deadline = std::min(deadline, attempt->started + bounds_.longest);
  attempt->answer = std::move(answer);
  return attempt;
}

void LogIns::Admit(const AttemptPtr& attempt, absl::AnyInvocable<void()> next) {
  const auto wait = limiter_.Admit(attempt->login, attempt->address);
  if (!wait.ok()) {
    CountSlowed();
    attempt->answer(wait.status());
  } else if (*wait > absl::ZeroDuration()) {
    means_.timer->After(*wait, std::move(next));
  } else {
    next();
  }
}

absl::StatusOr<std::optional<LogIns::Account>> LogIns::Find(const std::string& login) const {
  const auto entry = means_.core->roster().FindLogin(login);
  if (!entry) return std::nullopt;
  Account account{entry->person, entry->version, {}};
  if (account.local()) {
    const auto view = means_.core->View();
    YZ_ASSIGN_OR_RETURN(auto credentials, Rows(*view).Credentials(account.person.person_id()));
    if (credentials) account.credentials = *std::move(credentials);
  }
  return account;
}

void LogIns::LogIn(const v1::LogInRequest& request, std::string_view address, absl::Time deadline, Answer answer) {
  absl::Status bad = CheckLine("device", request.device(), 0, kMaxDeviceCharacters);
  auto prepared = PreparePassword(request.password());
  if (bad.ok() && !prepared.ok() && ReasonOf(prepared.status()) != "PASSWORD_UNUSABLE") bad = prepared.status();
  if (!bad.ok()) return answer(bad);
  AttemptPtr attempt = Begin(request.login(), request.device(), address, deadline, std::move(answer));
  attempt->password = Secret<std::string>(request.password());
  if (prepared.ok()) attempt->prepared = *std::move(prepared);
  Admit(attempt, [this, attempt] { Look(attempt); });
}

void LogIns::Look(const AttemptPtr& attempt) {
  auto account = Find(attempt->login);
  if (!account.ok()) return Undecided(attempt, account.status());
  if (!*account) {
    if (IsLogin(attempt->login) && !means_.ldap->all().empty()) return VerifyLdap(attempt, std::nullopt);
    return VerifyNobody(attempt);
  }
  if (!(*account)->local()) {
    if (ldap_cache_.Knows((*account)->person.person_id(), (*account)->Stamp(), attempt->password)) {
      return OpenSession(attempt, **account);
    }
    return VerifyLdap(attempt, **std::move(account));
  }
  if ((*account)->credentials.password_hash().empty() || !attempt->prepared) return VerifyNobody(attempt);
  if (means_.hasher->Knows((*account)->credentials.password_hash(), *attempt->prepared)) return OpenSession(attempt, **account);
  VerifyLocal(attempt, **std::move(account));
}

void LogIns::VerifyLocal(const AttemptPtr& attempt, Account account) {
  means_.hash_workers->Post(attempt->deadline, [this, attempt, account = std::move(account)](absl::Status status) {
    if (status.ok()) status = means_.hasher->Verify(account.credentials.password_hash(), *attempt->prepared, attempt->deadline);
    if (status.ok()) return OpenSession(attempt, account);
    if (IsWrong(status)) return Wrong(attempt, std::move(status));
    Undecided(attempt, std::move(status));
  });
}

void LogIns::VerifyNobody(const AttemptPtr& attempt) {
  means_.hash_workers->Post(attempt->deadline, [this, attempt](absl::Status status) {
    static const auto& kAnything = *new Secret<std::string>("a password that cannot be prepared");
    if (status.ok()) {
      status = means_.hasher->VerifyDecoy(attempt->prepared ? *attempt->prepared : kAnything, attempt->deadline);
    }
    if (IsWrong(status)) return Wrong(attempt, std::move(status));
    Undecided(attempt, std::move(status));
  });
}

void LogIns::VerifyLdap(const AttemptPtr& attempt, std::optional<Account> account) {
  means_.ldap_workers->Post(attempt->deadline, [this, attempt, account = std::move(account)](absl::Status status) {
    if (!status.ok()) return Undecided(attempt, std::move(status));
    AskLdap(attempt, account);
  });
}

void LogIns::AskLdap(const AttemptPtr& attempt, const std::optional<Account>& account) {
  absl::Status undecided;
  for (const LdapSources::Client& source : means_.ldap->all()) {
    if (account && account->person.source() != source.name) continue;
    // Somebody before us in the queue may have asked.
    if (account && ldap_cache_.Knows(account->person.person_id(), account->Stamp(), attempt->password)) {
      return OpenSession(attempt, *account);
    }
    auto entry = source.client->Authenticate(attempt->login, attempt->password, attempt->deadline);
    if (entry.ok()) {
      if (account) ldap_cache_.Remember(account->person.person_id(), account->Stamp(), attempt->password);
      return OpenLdapSession(attempt, source.name, *std::move(entry));
    }
    if (absl::IsPermissionDenied(entry.status())) {
      Settle(*attempt, AttemptLimiter::Outcome::kRight);
      failures_.Note(attempt->login, attempt->address);
      return attempt->answer(entry.status());
    }
    if (!IsWrong(entry.status())) {
      log::Warning("directory", "an LDAP source could not tell whether a password is right")
          .With("source", source.name)
          .With("error", entry.status());
      undecided = entry.status();
    }
  }
  if (undecided.ok()) return Wrong(attempt, WrongCredentials());
  Undecided(attempt, std::move(undecided));
}

absl::StatusOr<v1::GetScramParametersResponse> LogIns::Parameters(const v1::GetScramParametersRequest& request) const {
  YZ_ASSIGN_OR_RETURN(ScramHash hash, ScramHashOf(request.mechanism()));
  const std::string login = LowerAscii(CutTo(request.login(), 256));
  YZ_ASSIGN_OR_RETURN(auto account, Find(login));
  v1::GetScramParametersResponse response;
  if (account) {
    for (const v1::ScramKeys& keys : account->credentials.scram()) {
      if (keys.mechanism() != request.mechanism()) continue;
      response.set_salt(keys.salt());
      response.set_iterations(keys.iterations());
      return response;
    }
  }
  const ScramKeys fake = FakeScramKeys(hash, fake_salt_key_, login, means_.hasher->bounds().scram_iterations);
  response.set_salt(fake.salt);
  response.set_iterations(static_cast<uint32_t>(fake.iterations));
  return response;
}

void LogIns::LogInScram(const v1::LogInScramRequest& request, std::string_view address, absl::Time deadline, Answer answer) {
  absl::Status bad = CheckLine("device", request.device(), 0, kMaxDeviceCharacters);
  auto hash = ScramHashOf(request.mechanism());
  if (bad.ok()) bad = hash.status();
  if (bad.ok() && request.auth_message().size() > kMaxAuthMessageBytes) {
    bad = Refuse(absl::StatusCode::kInvalidArgument, "BAD_FIELD",
                 absl::StrCat("auth_message may have at most ", kMaxAuthMessageBytes, " bytes"));
  }
  if (!bad.ok()) return answer(bad);
  AttemptPtr attempt = Begin(request.login(), request.device(), address, deadline, std::move(answer));
  attempt->scram = request;
  attempt->hash = *hash;
  Admit(attempt, [this, attempt] { LookAtProof(attempt); });
}

void LogIns::LookAtProof(const AttemptPtr& attempt) {
  auto account = Find(attempt->login);
  if (!account.ok()) return Undecided(attempt, account.status());
  ScramKeys keys = FakeScramKeys(attempt->hash, fake_salt_key_, attempt->login, means_.hasher->bounds().scram_iterations);
  bool known = false;
  if (*account) {
    for (const v1::ScramKeys& own : (*account)->credentials.scram()) {
      if (own.mechanism() != MechanismOf(attempt->hash)) continue;
      keys = FromRecord(own, attempt->hash);
      known = true;
    }
  }
  absl::Status status = VerifyClientProof(keys, attempt->scram->auth_message(), attempt->scram->client_proof());
  if (!status.ok() || !known) return Wrong(attempt, WrongCredentials());
  attempt->server_signature = ServerSignature(keys, attempt->scram->auth_message());
  OpenSession(attempt, **account);
}

void LogIns::Confirm(const std::string& login, const std::string& person_id, std::string password, std::string_view address,
                     absl::Time deadline, absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) {
  auto prepared = PreparePassword(password);
  if (!prepared.ok()) return done(prepared.status());
  AttemptPtr attempt = Begin(login, "", address, deadline, std::move(done));
  attempt->prepared = *std::move(prepared);
  Admit(attempt, [this, attempt, person_id] {
    auto account = Find(attempt->login);
    if (!account.ok()) return Undecided(attempt, account.status());
    if (!*account || (*account)->person.person_id() != person_id || (*account)->credentials.password_hash().empty()) {
      return VerifyNobody(attempt);
    }
    means_.hash_workers->Post(attempt->deadline,
                              [this, attempt, stored = (*account)->credentials.password_hash()](absl::Status status) {
                                if (status.ok()) status = means_.hasher->Verify(stored, *attempt->prepared, attempt->deadline);
                                if (IsWrong(status)) return Wrong(attempt, std::move(status));
                                if (!status.ok()) return Undecided(attempt, std::move(status));
                                Settle(*attempt, AttemptLimiter::Outcome::kRight);
                                attempt->answer(stored);
                              });
  });
}

void LogIns::OpenSession(const AttemptPtr& attempt, const Account& account) {
  auto person = std::make_shared<v1::Person>();
  auto started = std::make_shared<v1::SessionStarted>();
  started->set_person_id(account.person.person_id());
  Submit(
      attempt,
      [sessions = means_.sessions, verified = account.credentials.password_hash(), local = account.local(), person, started](
          const ledger::DecideContext& context, const Rows& rows, Draft& draft) -> absl::StatusOr<std::string> {
        YZ_ASSIGN_OR_RETURN(PersonRow row, RequirePerson(rows, started->person_id()));
        if (!row.message.active()) return AccountDisabled();
        if (local) {
          // A password that was changed while the old one was being verified.
          YZ_ASSIGN_OR_RETURN(auto now, rows.Credentials(started->person_id()));
          if (!now || now->password_hash() != verified) return WrongCredentials();
        }
        *person = std::move(row.message);
        YZ_RETURN_IF_ERROR(sessions->Open(context, rows, draft, *started));
        return std::string();
      },
      person, started);
}

void LogIns::OpenLdapSession(const AttemptPtr& attempt, std::string source, LdapPerson entry) {
  auto wanted = WantedOf(entry, source);
  if (!wanted.ok()) {
    return Undecided(attempt, Refuse(absl::StatusCode::kFailedPrecondition, "LDAP_ENTRY", std::string(wanted.status().message())));
  }
  wanted->has_department = false;
  auto person = std::make_shared<v1::Person>();
  auto started = std::make_shared<v1::SessionStarted>();
  Submit(
      attempt,
      [sessions = means_.sessions, source = std::move(source), wanted = *std::move(wanted), dn = entry.dn, person, started](
          const ledger::DecideContext& context, const Rows& rows, Draft& draft) -> absl::StatusOr<std::string> {
        // Whom a full reading has disabled, only a full reading enables again.
        YZ_ASSIGN_OR_RETURN(auto id, rows.IdOfSourceKey(source, wanted.key));
        if (id) {
          YZ_ASSIGN_OR_RETURN(auto known, rows.Person(*id));
          if (known && !known->message.active()) return AccountDisabled();
        }
        LdapPlan plan(source, rows, draft);
        YZ_ASSIGN_OR_RETURN(auto taken, plan.Take(wanted, dn));
        if (!taken) {
          return Refuse(absl::StatusCode::kFailedPrecondition, "LDAP_ENTRY",
                        absl::StrCat("this LDAP account cannot be taken over: ", plan.counts().skipped.front()));
        }
        *person = *std::move(taken);
        started->set_person_id(person->person_id());
        YZ_RETURN_IF_ERROR(sessions->Open(context, rows, draft, *started));
        return std::string();
      },
      person, started);
}

void LogIns::Submit(const AttemptPtr& attempt, Decide decide, std::shared_ptr<v1::Person> person,
                    std::shared_ptr<v1::SessionStarted> started) {
  // Before the ledger: a storm of right passwords from one address is not a storm of guesses.
  Settle(*attempt, AttemptLimiter::Outcome::kRight);
  auto token = std::make_shared<NewToken>(MakeToken(TokenKind::kPerson));
  started->set_session_id(RandomId('s'));
  started->set_token_hash(token->digest);
  started->set_device(attempt->device);
  started->set_remote_address(attempt->address);
  const std::string actor =
      started->person_id().empty() ? std::string(kOwnActor) : absl::StrCat("person:", started->person_id());
  means_.core->Submit(actor, "", std::move(decide), [this, attempt, person, started, token](absl::StatusOr<std::string> result) {
    if (!result.ok()) {
      if (IsWrong(result.status())) return Wrong(attempt, result.status());
      if (absl::IsPermissionDenied(result.status())) {
        failures_.Note(attempt->login, attempt->address);
        return attempt->answer(result.status());
      }
      return Undecided(attempt, result.status());
    }
    CountOk();
    v1::LogInScramResponse response;
    v1::LogInResponse* session = response.mutable_session();
    session->set_token(token->token.Reveal());
    const absl::Time expires =
        std::min(absl::FromUnixMicros(started->expires_at_us()), means_.core->clock().Now() + absl::Seconds(started->idle_seconds()));
    *session->mutable_principal() = PrincipalOf(*person, started->session_id(), expires);
    *session->mutable_person() = std::move(*person);
    if (!attempt->scram) return attempt->answer(session->SerializeAsString());
    response.set_server_signature(attempt->server_signature);
    attempt->answer(response.SerializeAsString());
  });
}

void LogIns::Settle(Attempt& attempt, AttemptLimiter::Outcome outcome) {
  if (!std::exchange(attempt.settled, true)) limiter_.Report(attempt.login, attempt.address, outcome);
}

void LogIns::Wrong(const AttemptPtr& attempt, absl::Status refusal) {
  Settle(*attempt, AttemptLimiter::Outcome::kWrong);
  failures_.Note(attempt->login, attempt->address);
  CountWrong();
  // Whatever took the time (a hash, LDAP, nothing at all) is hidden behind the next step.
  const absl::Duration took = absl::Now() - attempt->started;
  const absl::Duration step = bounds_.refusal_step;
  const absl::Duration wait = step > absl::ZeroDuration() ? step - (took % step) : absl::ZeroDuration();
  means_.timer->After(wait, [attempt, refusal = std::move(refusal)] { attempt->answer(refusal); });
}

void LogIns::Undecided(const AttemptPtr& attempt, absl::Status status) {
  Settle(*attempt, AttemptLimiter::Outcome::kUndecided);
  CountUndecided();
  attempt->answer(std::move(status));
}

}  // namespace yizhan::directory
