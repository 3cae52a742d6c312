// Where things lie in a backup, and its manifests. docs/formats/backup.md is the grammar.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/age.h"
#include "base/objects/object_store.h"
#include "ledger/partition.h"
#include "yizhan/admin/v1/backup.pb.h"

namespace yizhan::admin {

using yizhan::admin::v1::BackupManifest;
using yizhan::admin::v1::BackupObject;
using yizhan::admin::v1::BackupPartition;
using yizhan::admin::v1::BackupSegment;

// Whose records are the archive: of what it speaks has to be there.
inline const ledger::PartitionId kArchive{"audit", 0};

// What this program writes; a manifest of a greater one is refused.
inline constexpr uint32_t kBackupFormat = 1;

// Where a backup lies. The keys may be kept apart from what they open; both may be one store.
struct BackupStores {
  objects::ObjectStore* records = nullptr;
  objects::ObjectStore* keys = nullptr;  // the keys, and the keyring's records

  objects::ObjectStore& For(std::string_view partition) const {
    return partition.substr(0, 8) == "keyring/" ? *keys : *records;
  }
};

std::string Sha256(std::string_view bytes);

std::string ManifestName(uint64_t number);
std::string KeysName(uint64_t number);
std::string SegmentName(std::string_view partition, uint64_t first_seq, uint64_t last_seq);
// What all segments of a store begin with.
std::string_view SegmentsPrefix();

// Numbers of the manifests that are there, from the first.
absl::StatusOr<std::vector<uint64_t>> ListManifests(objects::ObjectStore& records);
// NotFound; FailedPrecondition NEWER_FORMAT; DataLoss for one that does not add up: a partition's segments have a gap.
absl::StatusOr<BackupManifest> ReadManifest(objects::ObjectStore& records, uint64_t number);
// The newest; NotFound NO_BACKUP when there is none.
absl::StatusOr<BackupManifest> ReadLatestManifest(objects::ObjectStore& records);
absl::Status WriteManifest(objects::ObjectStore& records, const BackupManifest& manifest);

// Puts bytes under a name, and says what the manifest has to.
absl::StatusOr<BackupObject> PutObject(objects::ObjectStore& store, std::string name, std::string_view bytes);
// DataLoss, naming it, when it is gone or is not what the manifest says.
absl::StatusOr<std::string> GetObject(objects::ObjectStore& store, const BackupObject& object);

// Records in the backup, and bytes of the objects that hold them.
uint64_t RecordsIn(const BackupManifest& manifest);
uint64_t BytesIn(const BackupManifest& manifest);

}  // namespace yizhan::admin
