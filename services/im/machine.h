// What messaging makes of its records.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "ledger/ledger.h"
#include "yizhan/im/v1/record.pb.h"

namespace yizhan::im {

inline constexpr std::string_view kServiceName = "im";

// A record to append: its type is named after the payload's kind.
ledger::NewRecord ToNewRecord(const v1::ImRecord& record);

// The id for the next message of the partition: unique, growing, and the decision's time but for a burst within one microsecond.
absl::StatusOr<uint64_t> AllocateMessageId(const ledger::DecideContext& context, const ledger::StateReader& state);

// Rules beside what record.proto says:
//   - A sender has read up to their own message: so what is unread is always of others.
//   - Who joins has read what was before; who comes back sees from their new joining on.
//   - Who joins a group that everybody had left owns it.
// An error means that the records do not fit one another (DataLoss) or are of a newer program (FailedPrecondition).
class Machine final : public ledger::StateMachine {
 public:
  std::string_view service() const override { return kServiceName; }
  absl::Status Apply(const ledger::Record& record, ledger::StateWriter& state) override;
};

}  // namespace yizhan::im
