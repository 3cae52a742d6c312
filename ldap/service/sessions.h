// Sessions: opened by a log-in, looked up for every call, ended by people, by time, or by the directory. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "ldap/credentials/bounded_map.h"
#include "ldap/credentials/token.h"
#include "ldap/service/core.h"
#include "yizhan/directory/v1/session_service.pb.h"

namespace yizhan::directory {

class Sessions {
 public:
  struct Bounds {
    TokenLifetime lifetime;
    // In memory; beyond, the one used longest ago is read from state again. Some 500 bytes each.
    size_t remembered = 200'000;
    // Of one person; a new one beyond ends the oldest (KICKED).
    size_t per_person = 50;
  };
  // `ended` hears of every session that ends, on the ledger's completion thread; it must not block. `record_elsewhere` as Options'.
  Sessions(const Core* core, Bounds bounds, std::function<void(std::string_view session_id, std::string_view person_id)> ended,
           std::function<void(std::string_view method, std::string request)> record_elsewhere);

  // After Ledger::Start: counts what there is.
  absl::Status Start();

  // Part of a decision: adds the session to the draft. `started` has ids, token, device and address; the rest is filled in.
  absl::Status Open(const ledger::DecideContext& context, const Rows& rows, Draft& draft, v1::SessionStarted& started) const;

  // Who a token stands for. Unauthenticated TOKEN_INVALID, TOKEN_UNKNOWN (also for a disabled person), TOKEN_EXPIRED. Counts as a use.
  absl::StatusOr<v1::IntrospectResponse> Introspect(std::string_view token);

  // The caller's own, the newest first.
  absl::StatusOr<v1::ListSessionsResponse> List(const Caller& caller) const;
  // Ends the calling session; ok when it has ended already.
  void LogOut(const Caller& caller, Answer answer) const;
  // Ends one of the caller's, or all but the calling one. NotFound SESSION_NOT_FOUND for another's and for none.
  void End(const Caller& caller, const v1::EndSessionRequest& request, Answer answer) const;

  // Submits the end of all sessions whose time is over. Reads state in portions; blocks for the reading only.
  void Sweep() const;

  // Puts a use on the record. The answer is a RecordSessionUseResponse.
  void RecordUse(const std::string& session_id, absl::Time at, Answer answer) const;

  // The ledger's listener.
  void OnUsed(const v1::SessionUsed& used);
  void OnStarted(const v1::SessionStarted& started, int64_t time_us);
  void OnEnded(const v1::SessionEnded& ended);

  int64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  // A session in memory.
  struct Live {
    std::string person_id;
    TokenTimes times;         // `used` as it is in memory
    absl::Time recorded_use;  // as it is in state
    TokenLifetime lifetime;
  };
  struct Found {
    std::string session_id;
    Live live;
  };
  static Live LiveOf(const SessionRow& row);
  // Nullopt: no such token.
  absl::StatusOr<std::optional<Found>> Find(const std::string& digest);
  // Takes note of a use; true when it is worth a record.
  bool Touch(const std::string& session_id, absl::Time now);
  void NoteUse(const std::string& session_id, absl::Time now) const;

  const Core* const core_;
  const Bounds bounds_;
  const std::function<void(std::string_view, std::string_view)> ended_;
  const std::function<void(std::string_view method, std::string request)> record_elsewhere_;
  std::atomic<int64_t> count_{0};
  mutable absl::Mutex mu_;
  // Two maps of the same bound, touched together.
  mutable BoundedMap<std::string, std::string> tokens_ ABSL_GUARDED_BY(mu_);  // digest → session id
  mutable BoundedMap<std::string, Live> live_ ABSL_GUARDED_BY(mu_);
  // Counts ends: what was read from state before one is used but not remembered.
  uint64_t ends_ ABSL_GUARDED_BY(mu_) = 0;
};

// A person as a caller, with ROLE_EMPLOYEE and their roles.
Principal PrincipalOf(const v1::Person& person, std::string_view session_id, absl::Time expires);

}  // namespace yizhan::directory
