// What every part of the directory works with.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "ldap/service/machine.h"
#include "ldap/service/roster.h"
#include "ldap/service/rows.h"
#include "ledger/ledger.h"
#include "yizhan/common/v1/principal.pb.h"

namespace yizhan::directory {

using Principal = yizhan::common::v1::Principal;

// Called once with a serialised response or a refusal; on the ledger's completion thread where something was recorded.
using Answer = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;

// Whose records they are when nobody asked: sweeping, failed log-ins, the main's own people.
inline constexpr std::string_view kOwnActor = "service:directory";

// Who calls, as far as the directory decides by it.
struct Caller {
  Principal principal;
  std::string actor;

  bool is_person() const { return principal.kind() == Principal::KIND_PERSON; }
  bool is_service() const { return principal.kind() == Principal::KIND_SERVICE; }
  bool Holds(yizhan::common::v1::Role role) const;
  // A security administrator, or a service of this installation.
  bool MayAdminister() const { return is_service() || (is_person() && Holds(yizhan::common::v1::ROLE_SECURITY_ADMIN)); }
};

// Adds records to the draft and returns the command's answer. On the ledger's writer.
using Decide =
    absl::AnyInvocable<absl::StatusOr<std::string>(const ledger::DecideContext& context, const Rows& rows, Draft& draft)>;

// All outlive the service.
class Core {
 public:
  Core(ledger::Ledger* ledger, const Clock* clock) : ledger_(ledger), clock_(clock) {}

  // Decides and records; the result is the answer.
  void Submit(std::string_view actor, std::string_view request_id, Decide decide, Answer answer) const;
  // The same, waited for: never from the ledger's own threads.
  absl::StatusOr<std::string> SubmitAndWait(std::string_view actor, Decide decide) const;
  // Committed state as of now.
  std::unique_ptr<ledger::StateReader> View() const;

  Roster& roster() const { return roster_; }
  const Clock& clock() const { return *clock_; }

 private:
  ledger::Ledger* const ledger_;
  const Clock* const clock_;
  mutable Roster roster_;
};

}  // namespace yizhan::directory
