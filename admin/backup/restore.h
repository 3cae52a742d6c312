// A backup into an empty ledger again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "admin/backup/manifest.h"
#include "base/age.h"
#include "ledger/ledger.h"

namespace yizhan::admin {

// Up to where: a moment, or a record and what had been decided up to its moment.
struct RestorePoint {
  int64_t time_us = INT64_MAX;
  std::optional<ledger::PartitionId> partition;
  uint64_t seq = 0;  // of `partition`

  // "im/3@4711", or a time as RFC 3339 has it ("2026-11-30T18:00:00+08:00"). InvalidArgument with both shapes.
  static absl::StatusOr<RestorePoint> Parse(std::string_view text);
};

struct Restoration {
  BackupStores stores;
  absl::Span<const age::Identity> identities;
  const BackupManifest* manifest = nullptr;
  RestorePoint until;
  // Records behind the backup's that are known otherwise: contiguous from `from`, as first written; empty for none.
  std::function<absl::StatusOr<std::vector<std::string>>(const ledger::PartitionId&, uint64_t from)> more;
  // Now and then: records taken, of how many.
  std::function<void(uint64_t done, uint64_t all)> on_progress;
};

// Writes the keys into DATA_DIR/keys. PermissionDenied when the identities are not those that it was made for;
// AlreadyExists for a key that is there.
absl::Status RestoreKeys(const Restoration& restoration, const std::string& data_dir);

// How many partitions each service had: what the ledger is to be made with.
std::vector<std::pair<std::string, uint32_t>> PartitionsOf(const BackupManifest& manifest);

// The last record taken of each partition.
using Heads = std::map<ledger::PartitionId, uint64_t>;

// Hands the records to an empty ledger (Options::replicated, started), syncs it, and compares each head with the
// manifest's. The archive's own partition comes last, and of it only what speaks of records that are there. Every
// record's state has been applied when it returns. DataLoss for what is missing or damaged in the backup (names it);
// NotFound when `until` names a record that the backup has not.
absl::StatusOr<Heads> RestoreRecords(const Restoration& restoration, ledger::Ledger& ledger);

}  // namespace yizhan::admin
