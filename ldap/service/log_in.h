// Log-in: by password (local accounts and LDAP people) and by SCRAM proof (local accounts). Thread-safe; nothing here blocks a caller.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "ldap/credentials/attempt_limiter.h"
#include "ldap/service/core.h"
#include "ldap/service/failure_log.h"
#include "ldap/service/hasher.h"
#include "ldap/service/ldap_sources.h"
#include "ldap/service/sessions.h"
#include "ldap/service/timer.h"
#include "ldap/service/worker_pool.h"
#include "yizhan/directory/v1/session_service.pb.h"

namespace yizhan::directory {

class LogIns {
 public:
  struct Bounds {
    AttemptLimiter::Bounds attempts;
    // What was verified with LDAP: a password changed there goes on working here for this long at most.
    VerifiedCache::Bounds ldap_remembered = {.entries = 100'000, .idle = absl::Minutes(15), .age = absl::Hours(1)};
    // A refusal leaves at a multiple of this after the question, so that its time tells nothing.
    absl::Duration refusal_step = absl::Milliseconds(250);
    // A log-in without a deadline of its own.
    absl::Duration longest = absl::Seconds(30);
    size_t failures_told_apart = 10'000;
  };
  // What it works with; all outlive it.
  struct Means {
    const Core* core;
    Sessions* sessions;
    Hasher* hasher;
    WorkerPool* hash_workers;
    const LdapSources* ldap;
    WorkerPool* ldap_workers;
    Timer* timer;
    // Where another machine decides for the directory: has it put a failure on the record.
    std::function<void(std::string_view method, std::string request)> record_elsewhere;
  };
  LogIns(Means means, Bounds bounds, Secret<std::string> fake_salt_key);

  // Unauthenticated WRONG_CREDENTIALS for an unknown name and a wrong password alike; InvalidArgument PASSWORD_EMPTY, PASSWORD_TOO_LONG,
  // BAD_FIELD; PermissionDenied ACCOUNT_DISABLED after a right password only; ResourceExhausted TOO_MANY_ATTEMPTS, LOG_INS_BUSY, HASHES_BUSY,
  // LDAP_BUSY; Unavailable LDAP_UNAVAILABLE. The answer is a LogInResponse.
  void LogIn(const v1::LogInRequest& request, std::string_view address, absl::Time deadline, Answer answer);

  // Invented, but the same each time, for who has no SCRAM keys here.
  absl::StatusOr<v1::GetScramParametersResponse> Parameters(const v1::GetScramParametersRequest& request) const;
  // As LogIn(); the answer is a LogInScramResponse.
  void LogInScram(const v1::LogInScramRequest& request, std::string_view address, absl::Time deadline, Answer answer);

  // Puts failures on the record. The answer is a RecordLogInFailureResponse.
  void RecordFailure(const v1::LogInFailed& failed, Answer answer) const;

  // For a caller who must show their own password again: Unauthenticated WRONG_CREDENTIALS, and slowed down as a log-in. `done` runs on
  // a worker or at once. Says against which stored hash.
  void Confirm(const std::string& login, const std::string& person_id, std::string password, std::string_view address, absl::Time deadline,
               absl::AnyInvocable<void(absl::StatusOr<std::string>)> done);

  // Once a second.
  void Tick() { failures_.Tick(); }

 private:
  struct Attempt;
  using AttemptPtr = std::shared_ptr<Attempt>;
  struct Account;

  void NoteFailure(const v1::LogInFailed& failed) const;
  AttemptPtr Begin(std::string_view login, std::string_view device, std::string_view address, absl::Time deadline, Answer answer);
  // Lets the limiter have its say, then goes on with `next`, perhaps later.
  void Admit(const AttemptPtr& attempt, absl::AnyInvocable<void()> next);
  absl::StatusOr<std::optional<Account>> Find(const std::string& login) const;

  void Look(const AttemptPtr& attempt);
  void LookAtProof(const AttemptPtr& attempt);
  void VerifyLocal(const AttemptPtr& attempt, Account account);
  void VerifyLdap(const AttemptPtr& attempt, std::optional<Account> account);
  void VerifyNobody(const AttemptPtr& attempt);
  void AskLdap(const AttemptPtr& attempt, const std::optional<Account>& account);

  // The ends of an attempt.
  void OpenSession(const AttemptPtr& attempt, const Account& account);
  void OpenLdapSession(const AttemptPtr& attempt, std::string source, LdapPerson entry);
  void Submit(const AttemptPtr& attempt, Decide decide, std::shared_ptr<v1::Person> person, std::shared_ptr<v1::SessionStarted> started);
  void Settle(Attempt& attempt, AttemptLimiter::Outcome outcome);  // the first time only
  void Wrong(const AttemptPtr& attempt, absl::Status refusal);
  void Undecided(const AttemptPtr& attempt, absl::Status status);

  const Means means_;
  const Bounds bounds_;
  const Secret<std::string> fake_salt_key_;
  AttemptLimiter limiter_;
  VerifiedCache ldap_cache_;
  FailureLog failures_;
};

}  // namespace yizhan::directory
