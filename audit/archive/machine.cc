#include "audit/archive/machine.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

using yizhan::audit::v1::AuditRecord;
using yizhan::audit::v1::LeavesTaken;

absl::StatusOr<CompactTree> ReadTree(const ledger::StateReader& state) {
  YZ_ASSIGN_OR_RETURN(auto bytes, state.Get(TreeKey()));
  if (!bytes) return CompactTree();
  return CompactTree::Parse(*bytes);
}

// Appends hashes to the tiles of one level, which has `count` hashes so far.
absl::Status AppendToTiles(ledger::StateWriter& state, uint32_t level, uint64_t count, const std::vector<Hash>& hashes) {
  size_t next = 0;
  while (next < hashes.size()) {
    const uint64_t index = (count + next) / kTileWidth;
    std::string tile;
    if ((count + next) % kTileWidth != 0) {
      YZ_ASSIGN_OR_RETURN(auto partial, state.Get(TileKey(level, index)));
      if (!partial) return absl::DataLossError(absl::StrCat("tile ", level, "/", index, " of the archive's tree is gone"));
      tile = *std::move(partial);
    }
    while (next < hashes.size() && tile.size() < kTileWidth * kHashBytes) tile.append(hashes[next++].view());
    state.Put(TileKey(level, index), tile);
  }
  return absl::OkStatus();
}

absl::Status ApplyLeaves(const LeavesTaken& leaves, ledger::StateWriter& state) {
  YZ_ASSIGN_OR_RETURN(CompactTree tree, ReadTree(state));
  if (leaves.leaf_hashes().empty() || leaves.leaf_hashes().size() % kHashBytes != 0 || leaves.first_leaf() != tree.size()) {
    return absl::DataLossError(absl::StrCat("leaves of ", leaves.partition(), " do not continue the tree of size ", tree.size()));
  }
  std::vector<Hash> hashes(leaves.leaf_hashes().size() / kHashBytes);
  for (size_t i = 0; i < hashes.size(); ++i) std::copy_n(leaves.leaf_hashes().data() + i * kHashBytes, kHashBytes, hashes[i].bytes.begin());

  std::vector<TreeNode> complete;
  YZ_RETURN_IF_ERROR(tree.AppendAll(hashes, &complete));
  // Tiles keep every eighth level: level L of the tiles is level 8 L of the tree.
  for (uint32_t level = 0;; ++level) {
    std::vector<Hash> of_level;
    uint64_t first = 0;
    for (const TreeNode& node : complete) {
      if (node.level != level * kTileHeight) continue;
      if (of_level.empty()) first = node.index;
      of_level.push_back(node.hash);
    }
    if (of_level.empty()) break;
    YZ_RETURN_IF_ERROR(AppendToTiles(state, level, first, of_level));
  }
  const Run run{leaves.partition(), leaves.first_seq(), leaves.first_leaf(), static_cast<uint32_t>(hashes.size())};
  state.Put(TreeKey(), tree.Serialize());
  state.Put(RunKey(run.first_leaf), EncodeRun(run));
  state.Put(ReverseKey(run.partition, run.first_seq), EncodeReverse(run));
  std::string cursor;
  AppendU64(cursor, run.first_seq + run.count - 1);
  state.Put(CursorKey(run.partition), cursor);
  return absl::OkStatus();
}

}  // namespace

absl::Status AuditMachine::Apply(const ledger::Record& record, ledger::StateWriter& state) {
  AuditRecord payload;
  if (!payload.ParseFromString(record.payload())) return absl::DataLossError("unreadable payload");
  switch (payload.kind_case()) {
    case AuditRecord::kLeaves:
      return ApplyLeaves(payload.leaves(), state);
    case AuditRecord::kCheckpoint:
      state.Put(CheckpointKey(), payload.checkpoint().note());
      return absl::OkStatus();
    case AuditRecord::kExportStarted:
      state.Put(ExportKey(payload.export_started().started_at_us(), payload.export_started().export_id()), payload.export_started().SerializeAsString());
      return absl::OkStatus();
    case AuditRecord::kExportFinished:
      state.Put(ExportKey(payload.export_finished().started_at_us(), payload.export_finished().export_id()), payload.export_finished().SerializeAsString());
      return absl::OkStatus();
    case AuditRecord::kAccessed:
    case AuditRecord::kRestored:
      return absl::OkStatus();  // the record itself is what remains
    case AuditRecord::KIND_NOT_SET:
      break;
  }
  return absl::DataLossError(absl::StrCat("a record of a kind that this program does not know: ", record.type()));
}

absl::StatusOr<CompactTree> TreeState::Tree() const { return ReadTree(*state_); }

absl::StatusOr<std::string> TreeState::ReadTile(uint32_t level, uint64_t index, uint32_t width) const {
  YZ_ASSIGN_OR_RETURN(auto tile, state_->Get(TileKey(level, index)));
  if (!tile || tile->size() < width * kHashBytes) {
    return absl::DataLossError(absl::StrCat("tile ", level, "/", index, " of the archive's tree is gone or cut short"));
  }
  return *std::move(tile);
}

absl::StatusOr<uint64_t> TreeState::Cursor(std::string_view partition) const {
  YZ_ASSIGN_OR_RETURN(auto bytes, state_->Get(CursorKey(partition)));
  return bytes && bytes->size() == 8 ? LoadU64(*bytes) : 0;
}

absl::StatusOr<std::pair<std::string, uint64_t>> TreeState::RecordOf(uint64_t leaf) const {
  std::optional<Run> run;
  // The last run that begins at or before the leaf.
  const std::string prefix = RunKey(0).substr(0, 1);
  YZ_RETURN_IF_ERROR(state_->ScanBack(prefix, RunKey(leaf + 1), [&](std::string_view key, std::string_view row) {
    run = DecodeRun(key, row);
    return false;
  }));
  if (!run || leaf >= run->first_leaf + run->count) return absl::NotFoundError(absl::StrCat("the log has no leaf ", leaf));
  return std::make_pair(run->partition, run->first_seq + (leaf - run->first_leaf));
}

absl::StatusOr<std::optional<uint64_t>> TreeState::LeafOf(std::string_view partition, uint64_t seq) const {
  std::optional<Run> run;
  YZ_RETURN_IF_ERROR(state_->ScanBack(ReversePrefix(partition), ReverseKey(partition, seq + 1), [&](std::string_view key, std::string_view row) {
    run = DecodeReverse(key, row);
    return false;
  }));
  if (!run || seq >= run->first_seq + run->count) return std::optional<uint64_t>();
  return std::optional<uint64_t>(run->first_leaf + (seq - run->first_seq));
}

absl::StatusOr<uint64_t> TreeState::LastBelow(std::string_view partition, uint64_t leaf) const {
  uint64_t seq = 0;
  YZ_RETURN_IF_ERROR(state_->ScanBack(ReversePrefix(partition), "", [&](std::string_view key, std::string_view row) {
    const std::optional<Run> run = DecodeReverse(key, row);
    if (!run || run->first_leaf >= leaf) return true;
    seq = run->first_seq + std::min<uint64_t>(run->count, leaf - run->first_leaf) - 1;
    return false;
  }));
  return seq;
}

absl::StatusOr<std::string> TreeState::Checkpoint() const {
  YZ_ASSIGN_OR_RETURN(auto note, state_->Get(CheckpointKey()));
  return note.value_or("");
}

}  // namespace yizhan::audit
