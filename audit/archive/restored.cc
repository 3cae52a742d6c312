#include "audit/archive/restored.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "audit/archive/leaf.h"
#include "audit/archive/machine.h"
#include "audit/archive/tables.h"
#include "audit/tlog/entry.h"
#include "audit/tlog/tiles.h"
#include "base/files.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

constexpr size_t kReadBytes = 1 << 20;
constexpr std::string_view kActor = "service:audit";
constexpr char kSuffix[] = "/restored-";

absl::Status Other(const std::string& partition, uint64_t seq, uint64_t leaf) {
  return Refuse(
      absl::StatusCode::kDataLoss, "RECORD_CHANGED",
      absl::StrCat("record ", seq, " of ", partition, " is not the one that the archive took in as leaf ", leaf));
}

std::string SignerPath(const std::string& data_dir) { return data_dir + "/keys/archive.key"; }

}  // namespace

absl::StatusOr<LogCheck> CheckLog(const ledger::Ledger& ledger, const ledger::Keyring& keyring, const NoteKey& key,
                                  const std::function<void(uint64_t, uint64_t)>& on_progress) {
  const auto view = ledger.View(kPartition);
  const TreeState state(view.get());
  YZ_ASSIGN_OR_RETURN(const CompactTree stored, state.Tree());
  LogCheck check;
  YZ_ASSIGN_OR_RETURN(check.note, state.Checkpoint());
  if (!check.note.empty()) {
    YZ_ASSIGN_OR_RETURN(check.checkpoint, OpenCheckpoint(check.note, {key}));
  }
  std::optional<Hash> root;
  if (check.checkpoint.size == 0) root = CompactTree().Root();
  CompactTree tree;
  const LeafMaker leaves(keyring);
  std::string tile;
  const auto check_run = [&](const Run& run) -> absl::Status {
    YZ_ASSIGN_OR_RETURN(const ledger::PartitionId partition, ledger::PartitionId::Parse(run.partition));
    if (run.first_leaf != tree.size())
      return absl::DataLossError(absl::StrCat("the log's table of leaves has a gap before leaf ", run.first_leaf));
    for (uint64_t seq = run.first_seq; seq < run.first_seq + run.count;) {
      YZ_ASSIGN_OR_RETURN(const auto records, ledger.ReadRaw(partition, seq, kReadBytes));
      if (records.empty())
        return absl::DataLossError(
            absl::StrCat("record ", seq, " of ", run.partition, " is in the log but not in the ledger"));
      for (const auto& raw : records) {
        if (raw.seq >= run.first_seq + run.count) break;
        ledger::Record record;
        if (!record.ParseFromString(raw.bytes)) return Other(run.partition, raw.seq, tree.size());
        YZ_ASSIGN_OR_RETURN(const Leaf leaf, leaves.Make(record, raw.bytes));
        const Hash hash = LeafHash(leaf.bytes);
        const uint64_t at = tree.size() % kTileWidth;
        if (at == 0) {
          const uint64_t width = std::min<uint64_t>(kTileWidth, stored.size() - tree.size());
          YZ_ASSIGN_OR_RETURN(tile, state.ReadTile(0, tree.size() / kTileWidth, static_cast<uint32_t>(width)));
        }
        if (tile.compare(at * kHashBytes, kHashBytes, hash.view()) != 0)
          return Other(run.partition, raw.seq, tree.size());
        YZ_RETURN_IF_ERROR(tree.Append(hash));
        if (tree.size() == check.checkpoint.size) root = tree.Root();
        seq = raw.seq + 1;
      }
      if (on_progress) on_progress(tree.size(), stored.size());
    }
    return absl::OkStatus();
  };
  const std::string runs = RunKey(0).substr(0, 1);
  absl::Status status;
  YZ_RETURN_IF_ERROR(view->Scan(runs, runs, [&](std::string_view key, std::string_view row) {
    const std::optional<Run> run = DecodeRun(key, row);
    status = run && tree.size() < stored.size() ? check_run(*run)
                                                : absl::DataLossError("the log's table of leaves is damaged");
    return status.ok();
  }));
  YZ_RETURN_IF_ERROR(status);
  if (tree.size() != stored.size() || !(tree.Root() == stored.Root()))
    return absl::DataLossError("the log's tree is not the one of its leaves");
  if (!root || (!check.note.empty() && !(*root == check.checkpoint.root))) {
    return Refuse(absl::StatusCode::kDataLoss, "CHECKPOINT_OF_ANOTHER",
                  absl::StrCat("the signed checkpoint over ", check.checkpoint.size,
                               " leaves has another root than the records here"));
  }
  check.leaves = tree.size();
  return check;
}

absl::StatusOr<NoteSigner> ReadSigner(const std::string& data_dir) {
  const std::string path = SignerPath(data_dir);
  std::ifstream in(path);
  if (!in) return absl::NotFoundError(absl::StrCat("its signing key ", path, " is gone"));
  std::string text((std::istreambuf_iterator<char>(in)), {});
  absl::StripTrailingAsciiWhitespace(&text);
  auto signer = NoteSigner::Parse(text);
  return signer.ok() ? signer : Annotate(signer.status(), path);
}

absl::Status WriteSigner(const std::string& data_dir, const NoteSigner& signer) {
  YZ_RETURN_IF_ERROR(MakePrivateFolder(data_dir + "/keys"));
  return ReplaceFile(SignerPath(data_dir), signer.ToString() + "\n");
}

absl::StatusOr<std::string> GoOnAsRestored(ledger::Ledger& ledger, const std::string& data_dir,
                                           yizhan::audit::v1::Restored restored) {
  YZ_ASSIGN_OR_RETURN(const NoteSigner former, ReadSigner(data_dir));
  const std::string name(former.key().name());
  YZ_ASSIGN_OR_RETURN(const NoteSigner signer,
                      former.Named(absl::StrCat(name.substr(0, name.find(kSuffix)), kSuffix,
                                                absl::FormatTime("%Y%m%dT%H%M%SZ", absl::Now(), absl::UTCTimeZone()))));
  restored.set_former_key(former.key().ToString());
  restored.set_key(signer.key().ToString());

  absl::Notification done;
  absl::Status status;
  ledger::Command command;
  command.partition = kPartition;
  command.actor = std::string(kActor);
  command.decide = [&](const ledger::DecideContext&,
                       const ledger::StateReader& state) -> absl::StatusOr<ledger::Proposal> {
    YZ_ASSIGN_OR_RETURN(const CompactTree tree, TreeState(&state).Tree());
    yizhan::audit::v1::AuditRecord record;
    *record.mutable_restored() = restored;
    ledger::Proposal proposal;
    proposal.records.push_back({std::string(kRestored), record.SerializeAsString()});
    const Checkpoint checkpoint{std::string(signer.key().name()), tree.size(), tree.Root(), {}};
    auto& signed_one = *record.mutable_checkpoint();
    signed_one.set_tree_size(checkpoint.size);
    signed_one.set_root(std::string(checkpoint.root.view()));
    YZ_ASSIGN_OR_RETURN(*signed_one.mutable_note(), SignCheckpoint(checkpoint, {signer}));
    proposal.records.push_back({std::string(kCheckpointSigned), record.SerializeAsString()});
    return proposal;
  };
  command.done = [&](absl::StatusOr<ledger::Command::Outcome> outcome) {
    status = outcome.status();
    done.Notify();
  };
  ledger.Submit(std::move(command));
  done.WaitForNotification();
  YZ_RETURN_IF_ERROR(status);
  YZ_RETURN_IF_ERROR(WriteSigner(data_dir, signer));
  return signer.key().ToString();
}

}  // namespace yizhan::audit
