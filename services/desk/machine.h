// What the desk's records do to its state.
#pragma once

#include "ledger/ledger.h"
#include "yizhan/desk/v1/record.pb.h"

namespace yizhan::desk {

inline const ledger::PartitionId kPartition{"desk", 0};

class DeskMachine : public ledger::StateMachine {
 public:
  std::string_view service() const override { return "desk"; }
  absl::Status Apply(const ledger::Record& record, ledger::StateWriter& state) override;
};

// The same for a payload that is at hand; `seq` is the record's.
absl::Status ApplyPayload(const yizhan::desk::v1::DeskRecord& payload, int64_t time_us, uint64_t seq, ledger::StateWriter& state);

// "desk.LineWritten" and so on.
std::string TypeOf(const yizhan::desk::v1::DeskRecord& payload);

}  // namespace yizhan::desk
