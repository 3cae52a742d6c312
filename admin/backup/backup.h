// One run: what the ledger has now and the backup has not. Beside everything else that goes on.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "admin/backup/manifest.h"
#include "base/age.h"
#include "ledger/ledger.h"

namespace yizhan::admin {

// What is backed up.
struct BackupSource {
  const ledger::Ledger* ledger = nullptr;
  // Its folder keys/ goes into the backup as well.
  std::string data_dir;
  std::string program_version;
  // The archive's verifier key, and its latest signed note as of the call.
  std::function<std::string()> archive_key;
  std::function<absl::StatusOr<std::string>()> checkpoint;
  // The last seq of a partition that the archive speaks of.
  std::function<uint64_t(const ledger::PartitionId&)> archived_seq;
  // How long a machine that follows others may take to have what the archive, or the last backup, has.
  absl::Duration catch_up = absl::Seconds(10);
};

struct BackupProgress {
  // Now and then, with how many records are left.
  std::function<void(uint64_t records_left)> on_progress;
  // Whether to give up; what was put until then is used by the next run, or removed.
  std::function<bool()> stop;
};

// Puts what is new, each partition's in segments of up to 16 MiB of records: the last segments are made one with it
// while they are small beside it, so that there are few. Then the manifest, which counts; then removes what the last
// ten manifests do not name. Reads audit/0's head first, and waits for the rest where others are followed: whatever the
// restored archive speaks of is there.
//
// FailedPrecondition: BACKUP_OF_ANOTHER (the place holds another installation's), BACKUP_AHEAD (it holds records that
// this ledger has not, or has others: restored from an earlier backup), BACKUP_LOG_CUT (the ledger has dropped records
// that the place lacks); each says what to do. Cancelled when told to stop. Otherwise what the store says.
absl::StatusOr<BackupManifest> RunBackup(const BackupSource& source, const BackupStores& stores,
                                         absl::Span<const age::Recipient> recipients, const BackupProgress& progress);

}  // namespace yizhan::admin
