// A decision in the making: records are applied to a draft of the state as they are added, so that each step of the decision sees
// what the steps before it have changed. The draft is thrown away; the ledger applies the same records for good.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "desk/machine.h"
#include "desk/rows.h"
#include "ledger/ledger.h"

namespace yizhan::desk {

// Changes over a reader.
class DraftState : public ledger::StateWriter {
 public:
  explicit DraftState(const ledger::StateReader* base) : base_(base) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override;
  absl::Status Scan(std::string_view prefix, std::string_view from, absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const override;
  absl::Status ScanBack(std::string_view prefix, std::string_view below, absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const override;
  void Put(std::string_view key, std::string_view value) override { changes_[std::string(key)] = std::string(value); }
  void Delete(std::string_view key) override { changes_[std::string(key)] = std::nullopt; }

 private:
  const ledger::StateReader* base_;
  std::map<std::string, std::optional<std::string>, std::less<>> changes_;
};

class Draft {
 public:
  Draft(const ledger::DecideContext& context, const ledger::StateReader& state) : context_(context), state_(&state), rows_(&state_) {}

  const Rows& rows() const { return rows_; }
  int64_t time_us() const { return context_.time_us; }
  // A line id for the next record: unique in the installation, ordered by time.
  uint64_t NextLineId() const { return static_cast<uint64_t>(context_.time_us) << 12 | (records_.size() & 0xfff); }

  // Appends a record and applies it to the draft.
  absl::Status Add(const yizhan::desk::v1::DeskRecord& record);

  ledger::Proposal Finish(std::string result) && { return {std::move(records_), std::move(result)}; }

 private:
  const ledger::DecideContext context_;
  DraftState state_;
  Rows rows_;
  std::vector<ledger::NewRecord> records_;
};

}  // namespace yizhan::desk
