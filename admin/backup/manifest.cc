#include "admin/backup/manifest.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "google/protobuf/util/json_util.h"
#include "ledger/seal.h"

namespace yizhan::admin {
namespace {

constexpr char kManifests[] = "manifests/", kSegments[] = "records/", kJson[] = ".json", kAge[] = ".age";

absl::Status Damaged(uint64_t number, const std::string& what) {
  return Refuse(
      absl::StatusCode::kDataLoss, "DAMAGED_BACKUP",
      absl::StrCat("the backup's manifest ", number, " does not add up: ", what, ". Take an earlier one (--number)"));
}

absl::Status Check(const BackupManifest& manifest) {
  if (manifest.archive_key().empty() || manifest.keys().name().empty())
    return Damaged(manifest.number(), "it names no keys");
  for (const BackupPartition& partition : manifest.partitions()) {
    if (!ledger::PartitionId::Parse(partition.partition()).ok())
      return Damaged(manifest.number(), absl::StrCat("\"", partition.partition(), "\" is no partition"));
    uint64_t next = 1;
    for (const BackupSegment& segment : partition.segments()) {
      if (segment.first_seq() != next || segment.last_seq() < segment.first_seq())
        return Damaged(manifest.number(),
                       absl::StrCat(partition.partition(), " has a gap before record ", segment.first_seq()));
      next = segment.last_seq() + 1;
    }
    if (next != partition.head() + 1)
      return Damaged(manifest.number(),
                     absl::StrCat(partition.partition(), " has records up to ", next - 1, " of ", partition.head()));
  }
  return absl::OkStatus();
}

}  // namespace

std::string Sha256(std::string_view bytes) {
  const auto digest = ledger::Sha256({bytes});
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string ManifestName(uint64_t number) {
  return absl::StrCat(kManifests, absl::Dec(number, absl::kZeroPad10), kJson);
}
std::string KeysName(uint64_t number) { return absl::StrCat("keys/", absl::Dec(number, absl::kZeroPad10), kAge); }
std::string_view SegmentsPrefix() { return kSegments; }

std::string SegmentName(std::string_view partition, uint64_t first_seq, uint64_t last_seq) {
  std::string folder(partition);
  std::replace(folder.begin(), folder.end(), '/', '-');
  return absl::StrCat(kSegments, folder, "/", absl::Hex(first_seq, absl::kZeroPad16), "-",
                      absl::Hex(last_seq, absl::kZeroPad16), kAge);
}

absl::StatusOr<std::vector<uint64_t>> ListManifests(objects::ObjectStore& records) {
  YZ_ASSIGN_OR_RETURN(auto objects, records.List(kManifests));
  std::vector<uint64_t> numbers;
  for (const auto& object : objects) {
    absl::string_view name = object.name;
    uint64_t number = 0;
    if (absl::ConsumePrefix(&name, kManifests) && absl::ConsumeSuffix(&name, kJson) &&
        absl::SimpleAtoi(name, &number) && number > 0)
      numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

absl::StatusOr<BackupManifest> ReadManifest(objects::ObjectStore& records, uint64_t number) {
  auto text = records.Get(ManifestName(number));
  if (absl::IsNotFound(text.status()))
    return absl::NotFoundError(absl::StrCat("the backup in ", records.place(), " has no manifest ", number,
                                            "; `yizhan backup list` shows those that it has"));
  YZ_RETURN_IF_ERROR(text.status());
  BackupManifest manifest;
  google::protobuf::util::JsonParseOptions newer;
  newer.ignore_unknown_fields = true;
  if (!google::protobuf::util::JsonStringToMessage(*text, &manifest, newer).ok() || manifest.number() != number)
    return Damaged(number, "it is not what this program writes");
  if (manifest.format_version() > kBackupFormat) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "NEWER_FORMAT",
                  absl::StrCat("the backup in ", records.place(), " has format ", manifest.format_version(),
                               ", written by ", manifest.program_version(), "; this version knows formats up to ",
                               kBackupFormat, ". Use that version"));
  }
  YZ_RETURN_IF_ERROR(Check(manifest));
  return manifest;
}

absl::StatusOr<BackupManifest> ReadLatestManifest(objects::ObjectStore& records) {
  YZ_ASSIGN_OR_RETURN(const std::vector<uint64_t> numbers, ListManifests(records));
  if (numbers.empty()) {
    return Refuse(absl::StatusCode::kNotFound, "NO_BACKUP",
                  absl::StrCat("there is no backup in ", records.place(), " (no ", kManifests, "NUMBER", kJson, ")"));
  }
  return ReadManifest(records, numbers.back());
}

absl::Status WriteManifest(objects::ObjectStore& records, const BackupManifest& manifest) {
  std::string text;
  google::protobuf::util::JsonPrintOptions readable;
  readable.add_whitespace = true;
  readable.preserve_proto_field_names = true;
  if (!google::protobuf::util::MessageToJsonString(manifest, &text, readable).ok())
    return absl::InternalError("the manifest cannot be written as JSON");
  return records.Put(ManifestName(manifest.number()), text);
}

absl::StatusOr<BackupObject> PutObject(objects::ObjectStore& store, std::string name, std::string_view bytes) {
  YZ_RETURN_IF_ERROR(store.Put(name, bytes));
  BackupObject object;
  object.set_name(std::move(name));
  object.set_bytes(bytes.size());
  object.set_sha256(Sha256(bytes));
  return object;
}

absl::StatusOr<std::string> GetObject(objects::ObjectStore& store, const BackupObject& object) {
  auto bytes = store.Get(object.name());
  if (absl::IsNotFound(bytes.status()))
    return Refuse(absl::StatusCode::kDataLoss, "DAMAGED_BACKUP",
                  absl::StrCat(object.name(), " is gone from the backup in ", store.place()));
  YZ_RETURN_IF_ERROR(bytes.status());
  if (bytes->size() != object.bytes() || Sha256(*bytes) != object.sha256()) {
    return Refuse(
        absl::StatusCode::kDataLoss, "DAMAGED_BACKUP",
        absl::StrCat(object.name(), " in the backup in ", store.place(), " is not what was written: ", bytes->size(),
                     " bytes of ", object.bytes(), bytes->size() == object.bytes() ? ", with another SHA-256" : ""));
  }
  return bytes;
}

uint64_t RecordsIn(const BackupManifest& manifest) {
  uint64_t records = 0;
  for (const BackupPartition& partition : manifest.partitions()) records += partition.head();
  return records;
}

uint64_t BytesIn(const BackupManifest& manifest) {
  uint64_t bytes = manifest.keys().bytes();
  for (const BackupPartition& partition : manifest.partitions())
    for (const BackupSegment& segment : partition.segments()) bytes += segment.object().bytes();
  return bytes;
}

}  // namespace yizhan::admin
