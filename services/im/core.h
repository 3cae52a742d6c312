// What every part of messaging works with.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "im/ids.h"
#include "im/machine.h"
#include "ledger/ledger.h"

namespace yizhan::ledger {
class Keyring;
}  // namespace yizhan::ledger

namespace yizhan::im {

class People;

// The person who calls.
struct Caller {
  PersonNo no;
  std::string id;

  std::string Actor() const { return absl::StrCat("person:", id); }
};

// Called once with a serialised response or a refusal; on the ledger's completion thread where something was recorded.
using Answer = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;

// A page of a list ends at this many bytes of records, full or not (but holds one at least).
inline constexpr size_t kMaxPageBytes = 1 << 20;

// The parts' common ground; all outlive the service.
struct Core {
  ledger::Ledger* ledger;
  ledger::Keyring* keyring;
  const People* people;
  const Clock* clock;

  // Where a conversation lives.
  ledger::PartitionId HomeOf(std::string_view conversation_id) const {
    return {std::string(kServiceName),
            ledger::PartitionIndexOf(conversation_id, ledger->PartitionCount(kServiceName))};
  }
  std::unique_ptr<ledger::StateReader> ViewOf(std::string_view conversation_id) const {
    return ledger->View(HomeOf(conversation_id));
  }
  // All of the service's partitions, as of now.
  std::vector<std::unique_ptr<ledger::StateReader>> Views() const {
    std::vector<std::unique_ptr<ledger::StateReader>> views;
    uint32_t count = ledger->PartitionCount(kServiceName);
    for (uint32_t i = 0; i < count; ++i) views.push_back(ledger->View({std::string(kServiceName), i}));
    return views;
  }
  // Decides and records at a conversation's home; the outcome's result is the answer.
  void Submit(std::string_view conversation_id, const Caller& caller, std::string request_id,
              decltype(ledger::Command::decide) decide, Answer answer) const {
    ledger::Command command;
    command.partition = HomeOf(conversation_id);
    command.actor = caller.Actor();
    command.request_id = std::move(request_id);
    command.decide = std::move(decide);
    command.done = [answer = std::move(answer)](absl::StatusOr<ledger::Command::Outcome> outcome) mutable {
      if (outcome.ok()) {
        answer(std::move(outcome->result));
      } else {
        answer(outcome.status());
      }
    };
    ledger->Submit(std::move(command));
  }
};

}  // namespace yizhan::im
