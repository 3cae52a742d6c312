#include "audit/archive/prover.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "audit/archive/intake.h"
#include "audit/archive/machine.h"
#include "audit/tlog/proof.h"
#include "audit/tlog/tlog_proof.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

using yizhan::audit::v1::GetConsistencyProofResponse;
using yizhan::audit::v1::GetProofResponse;
using yizhan::audit::v1::VerifyArchiveResponse;

constexpr int kMaxProblems = 100;
constexpr uint64_t kDefaultLeaves = 100'000;

// "leaf 17 (im/3 record 42)".
std::string Label(uint64_t leaf, const TreeState& state) {
  auto record = state.RecordOf(leaf);
  return record.ok() ? absl::StrCat("leaf ", leaf, " (", record->first, " record ", record->second, ")") : absl::StrCat("leaf ", leaf);
}

// The tiles between a range of leaves and the root: each full tile's hash must stand in the tile above it.
void CheckTiles(const TreeState& state, uint64_t size, uint64_t from, uint64_t to, VerifyArchiveResponse& response) {
  uint64_t count = size;  // hashes on this level
  for (uint32_t level = 0; count > kTileWidth; ++level) {
    const uint64_t above = count / kTileWidth;  // full tiles here are hashes above
    for (uint64_t index = from / kTileWidth; index < std::min(above, to / kTileWidth + 1); ++index) {
      auto hash = state.Read((level + 1) * kTileHeight, index);
      auto tile = state.ReadTile(level, index, kTileWidth);
      if (response.problems_size() >= kMaxProblems) return;
      if (!hash.ok() || !tile.ok()) {
        response.add_problems(std::string(hash.ok() ? tile.status().message() : hash.status().message()));
        continue;
      }
      auto hashes = DecodeHashTile(*tile, kTileWidth);
      CompactTree tree;
      if (!hashes.ok() || !tree.AppendAll(*hashes).ok() || tree.Root() != *hash) {
        response.add_problems(absl::StrCat("tile ", level, "/", index, " of the tree does not hash to what the tile above it says: it was changed"));
      }
    }
    count = above;
    from /= kTileWidth;
    to /= kTileWidth;
  }
}

}  // namespace

Prover::Prover(const ledger::Ledger* ledger, const ledger::Keyring* keyring, const ItemStore* items, NoteKey key)
    : ledger_(ledger), items_(items), key_(std::move(key)), leaves_(*keyring) {}

absl::StatusOr<GetProofResponse> Prover::Prove(uint64_t leaf) const {
  const auto view = ledger_->View(kPartition);
  const TreeState state(view.get());
  YZ_ASSIGN_OR_RETURN(std::string note, state.Checkpoint());
  if (note.empty()) return absl::NotFoundError("nothing is in the log yet");
  YZ_ASSIGN_OR_RETURN(Checkpoint checkpoint, OpenCheckpoint(note, {key_}));
  if (leaf >= checkpoint.size) {
    return Refuse(absl::StatusCode::kNotFound, "NO_SUCH_LEAF", absl::StrCat("the log has ", checkpoint.size, " leaves; there is no leaf ", leaf));
  }
  GetProofResponse response;
  YZ_ASSIGN_OR_RETURN(*response.mutable_record(), items_->Get(leaf));
  ledger::Record record;
  const std::string label = Label(leaf, state);
  auto not_verified = [&](const std::string& why) {
    response.set_verified(false);
    response.set_message(absl::StrCat(label, ": ", why));
    return response;
  };
  if (!record.ParseFromString(response.record())) return not_verified("the archive's copy is not a record: it was changed");
  YZ_ASSIGN_OR_RETURN(Leaf made, leaves_.Make(record, response.record()));
  response.set_leaf(made.bytes);
  response.set_salt(made.salt);
  const Hash hash = LeafHash(made.bytes);
  response.set_leaf_hash(ToHex(hash.view()));
  TlogProof proof;
  proof.index = leaf;
  proof.checkpoint = note;
  YZ_ASSIGN_OR_RETURN(proof.hashes, InclusionProof(state, leaf, checkpoint.size));
  response.set_tlog_proof(FormatTlogProof(proof));
  const auto verified = VerifyTlogProof(proof, hash, {key_});
  if (!verified.ok()) {
    return not_verified(absl::StrCat("the archive's copy does not lead to the signed root: it was changed (", std::string(verified.status().message()), ")"));
  }
  response.set_verified(true);
  response.set_message(absl::StrCat(label, " is in the log of ", checkpoint.size, " records that ", key_.name(), " signed, unchanged"));
  return response;
}

absl::StatusOr<GetConsistencyProofResponse> Prover::ProveConsistency(uint64_t old_size, uint64_t new_size) const {
  const auto view = ledger_->View(kPartition);
  const TreeState state(view.get());
  YZ_ASSIGN_OR_RETURN(CompactTree tree, state.Tree());
  if (new_size == 0) new_size = tree.size();
  if (old_size == 0 || old_size > new_size || new_size > tree.size()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_TREE_SIZE",
                  absl::StrCat("sizes must be 1 <= old (", old_size, ") <= new (", new_size, ") <= ", tree.size(), ", the log's size"));
  }
  GetConsistencyProofResponse response;
  YZ_ASSIGN_OR_RETURN(Hash old_root, RootAt(state, old_size));
  YZ_ASSIGN_OR_RETURN(Hash new_root, RootAt(state, new_size));
  YZ_ASSIGN_OR_RETURN(std::vector<Hash> hashes, ConsistencyProof(state, old_size, new_size));
  for (const Hash& hash : hashes) response.add_hashes(std::string(hash.view()));
  response.set_new_size(new_size);
  response.set_new_root(std::string(new_root.view()));
  response.set_old_root(std::string(old_root.view()));
  return response;
}

absl::StatusOr<VerifyArchiveResponse> Prover::Verify(uint64_t from_leaf, uint64_t max_leaves) const {
  const auto view = ledger_->View(kPartition);
  const TreeState state(view.get());
  YZ_ASSIGN_OR_RETURN(CompactTree tree, state.Tree());
  VerifyArchiveResponse response;
  if (from_leaf >= tree.size() && tree.size() > 0) {
    return Refuse(absl::StatusCode::kInvalidArgument, "NO_SUCH_LEAF", absl::StrCat("the log has ", tree.size(), " leaves; begin below that"));
  }
  const uint64_t end = std::min(tree.size(), from_leaf + (max_leaves == 0 ? kDefaultLeaves : std::min(max_leaves, kDefaultLeaves)));
  auto problem = [&](const std::string& text) {
    if (response.problems_size() < kMaxProblems) response.add_problems(text);
  };

  for (uint64_t leaf = from_leaf; leaf < end && response.problems_size() < kMaxProblems; ++leaf) {
    response.set_checked(response.checked() + 1);
    const std::string label = Label(leaf, state);
    auto bytes = items_->Get(leaf);
    if (!bytes.ok()) {
      problem(absl::StrCat(label, ": ", std::string(bytes.status().message())));
      continue;
    }
    auto hash = state.Read(0, leaf);
    if (!hash.ok()) {
      problem(std::string(hash.status().message()));
      continue;
    }
    ledger::Record record;
    absl::StatusOr<Leaf> made = record.ParseFromString(*bytes) ? leaves_.Make(record, *bytes) : absl::DataLossError("unreadable");
    if (!made.ok() || LeafHash(made->bytes) != *hash) {
      problem(absl::StrCat(label, ": the archive's copy is not what the log holds: it was changed"));
      continue;
    }
    auto partition = ledger::PartitionId::Parse(record.partition());
    if (!partition.ok()) continue;
    auto raw = ledger_->ReadRaw(*partition, record.seq(), 1);
    if (raw.ok() && !raw->empty() && (*raw)[0].seq == record.seq() && (*raw)[0].bytes != *bytes) {
      problem(absl::StrCat("record ", record.seq(), " of ", record.partition(), ": the ledger's copy is not what the log holds: it was changed"));
    } else if (!raw.ok() && !absl::IsOutOfRange(raw.status())) {
      problem(absl::StrCat("record ", record.seq(), " of ", record.partition(), ": ", std::string(raw.status().message())));
    }
  }
  if (end > from_leaf) CheckTiles(state, tree.size(), from_leaf, end - 1, response);
  response.set_next_leaf(end < tree.size() ? end : 0);

  YZ_ASSIGN_OR_RETURN(std::string note, state.Checkpoint());
  if (tree.size() > 0) {
    auto checkpoint = OpenCheckpoint(note, {key_});
    auto root = RootAt(state, tree.size());
    if (!checkpoint.ok()) {
      problem(absl::StrCat("the checkpoint: ", std::string(checkpoint.status().message())));
    } else if (!root.ok() || checkpoint->size != tree.size() || checkpoint->root != *root) {
      problem("the checkpoint's root is not the root of the tree: one of them was changed");
    }
  }
  response.set_ok(response.problems_size() == 0);
  return response;
}

}  // namespace yizhan::audit
