#include "audit/archive/restored.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "audit/archive/leaf.h"
#include "audit/archive/machine.h"
#include "audit/archive/tables.h"
#include "audit/tlog/entry.h"
#include "audit/tlog/tiles.h"
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

absl::StatusOr<std::vector<Run>> Runs(const ledger::StateReader& state) {
  std::vector<Run> runs;
  const std::string prefix = RunKey(0).substr(0, 1);
  YZ_RETURN_IF_ERROR(state.Scan(prefix, prefix, [&](std::string_view key, std::string_view row) {
    if (auto run = DecodeRun(key, row)) runs.push_back(*std::move(run));
    return true;
  }));
  return runs;
}

// Replaces the file: its new content is on the disk before the old is gone.
absl::Status ReplaceSecret(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written =
      fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  if (fd >= 0) close(fd);
  if (!written || std::rename(fresh.c_str(), path.c_str()) != 0)
    return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
  return absl::OkStatus();
}

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
  YZ_ASSIGN_OR_RETURN(const std::vector<Run> runs, Runs(*view));
  for (const Run& run : runs) {
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
        const uint32_t at = tree.size() % kTileWidth;
        YZ_ASSIGN_OR_RETURN(const std::string tile, state.ReadTile(0, tree.size() / kTileWidth, at + 1));
        if (std::string_view(tile).substr(at * kHashBytes, kHashBytes) != hash.view())
          return Other(run.partition, raw.seq, tree.size());
        YZ_RETURN_IF_ERROR(tree.Append(hash));
        if (tree.size() == check.checkpoint.size) root = tree.Root();
        seq = raw.seq + 1;
      }
      if (on_progress) on_progress(tree.size(), stored.size());
    }
  }
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
  const std::string path = data_dir + "/keys/archive.key";
  std::ifstream in(path);
  if (!in) return absl::NotFoundError(absl::StrCat("there is no ", path));
  std::string text((std::istreambuf_iterator<char>(in)), {});
  absl::StripTrailingAsciiWhitespace(&text);
  auto signer = NoteSigner::Parse(text);
  return signer.ok() ? signer : Annotate(signer.status(), path);
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
  YZ_RETURN_IF_ERROR(ReplaceSecret(data_dir + "/keys/archive.key", signer.ToString() + "\n"));
  return signer.key().ToString();
}

}  // namespace yizhan::audit
