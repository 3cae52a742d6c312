// audit/0's state machine: grows the tree, remembers which records its leaves are, keeps checkpoints and exports. And reading
// that state.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/archive/tables.h"
#include "audit/tlog/tiles.h"
#include "audit/tlog/tree.h"
#include "ledger/ledger.h"
#include "yizhan/audit/v1/record.pb.h"

namespace yizhan::audit {

inline constexpr std::string_view kService = "audit";
inline const ledger::PartitionId kPartition{"audit", 0};

// Records of these types are the log itself and become no leaves.
inline constexpr std::string_view kLeavesTaken = "audit.LeavesTaken";
inline constexpr std::string_view kCheckpointSigned = "audit.CheckpointSigned";
inline constexpr std::string_view kAccessed = "audit.Accessed";
inline constexpr std::string_view kExportStarted = "audit.ExportStarted";
inline constexpr std::string_view kExportFinished = "audit.ExportFinished";
inline constexpr std::string_view kRestored = "audit.Restored";

class AuditMachine : public ledger::StateMachine {
 public:
  std::string_view service() const override { return kService; }
  absl::Status Apply(const ledger::Record& record, ledger::StateWriter& state) override;
};

// The tree as a view of the state holds it. The view outlives it.
class TreeState : public TileHashReader {
 public:
  explicit TreeState(const ledger::StateReader* state) : state_(state) {}

  absl::StatusOr<CompactTree> Tree() const;
  absl::StatusOr<std::string> ReadTile(uint32_t level, uint64_t index, uint32_t width) const override;
  // The last seq taken of a source; 0 for none.
  absl::StatusOr<uint64_t> Cursor(std::string_view partition) const;
  // Which record a leaf is; NotFound beyond the tree.
  absl::StatusOr<std::pair<std::string, uint64_t>> RecordOf(uint64_t leaf) const;
  // Which leaf a record is; nullopt when it is not in the log yet.
  absl::StatusOr<std::optional<uint64_t>> LeafOf(std::string_view partition, uint64_t seq) const;
  // The last seq of a partition whose leaf is below `leaf`; 0 for none.
  absl::StatusOr<uint64_t> LastBelow(std::string_view partition, uint64_t leaf) const;
  // The latest signed note; empty before the first.
  absl::StatusOr<std::string> Checkpoint() const;

 private:
  const ledger::StateReader* state_;
};

}  // namespace yizhan::audit
