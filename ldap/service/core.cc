#include "ldap/service/core.h"

#include <algorithm>
#include <utility>

#include "absl/synchronization/notification.h"
#include "base/status.h"

namespace yizhan::directory {
namespace {

ledger::PartitionId Home() { return {std::string(kServiceName), 0}; }

}  // namespace

bool Caller::Holds(yizhan::common::v1::Role role) const {
  return std::find(principal.roles().begin(), principal.roles().end(), role) != principal.roles().end();
}

void Core::Submit(std::string_view actor, std::string_view request_id, Decide decide, Answer answer) const {
  ledger::Command command;
  command.partition = Home();
  command.actor = std::string(actor);
  command.request_id = std::string(request_id);
  command.decide = [decide = std::move(decide)](const ledger::DecideContext& context,
                                                const ledger::StateReader& state) mutable -> absl::StatusOr<ledger::Proposal> {
    Draft draft;
    YZ_ASSIGN_OR_RETURN(std::string result, decide(context, Rows(state), draft));
    return std::move(draft).Finish(std::move(result));
  };
  command.done = [answer = std::move(answer)](absl::StatusOr<ledger::Command::Outcome> outcome) mutable {
    if (outcome.ok()) {
      answer(std::move(outcome->result));
    } else {
      answer(outcome.status());
    }
  };
  ledger_->Submit(std::move(command));
}

absl::StatusOr<std::string> Core::SubmitAndWait(std::string_view actor, Decide decide) const {
  absl::Notification done;
  absl::StatusOr<std::string> result;
  Submit(actor, "", std::move(decide), [&](absl::StatusOr<std::string> outcome) {
    result = std::move(outcome);
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

std::unique_ptr<ledger::StateReader> Core::View() const { return ledger_->View(Home()); }

}  // namespace yizhan::directory
