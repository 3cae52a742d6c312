// What an export says about itself: manifest.json, the signed note that makes it the archive's, and files.sha256.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "audit/export_format/json.h"
#include "audit/tlog/checkpoint.h"
#include "audit/tlog/hash.h"
#include "audit/tlog/note.h"

namespace yizhan::audit {

// The names of an export's files beside its items.
inline constexpr std::string_view kManifestFile = "manifest.json";
inline constexpr std::string_view kManifestNoteFile = "manifest.note";
inline constexpr std::string_view kFileListFile = "files.sha256";
inline constexpr std::string_view kCheckpointFile = "checkpoint";
inline constexpr std::string_view kCsvFile = "messages.csv";
inline constexpr std::string_view kReadmeFile = "README.txt";
// Each item's files, in the order of files.sha256.
inline constexpr std::string_view kItemExtensions[] = {"eml", "json", "leaf", "record", "tlog-proof"};

struct Manifest {
  // Who asked for what, when and why.
  std::string export_id;  // 1..64 of [a-z0-9-]
  std::string case_id;
  std::string reason;
  std::string auditor_id;
  std::string auditor_name;
  std::string access_id;  // under which the request stands in the record of access
  int64_t created_us = 0;
  Json query;  // the search, as an object
  // How far the archive had taken in each source partition when the search was answered.
  struct Coverage {
    std::string partition;
    uint64_t archived_seq = 0;
    uint64_t head = 0;
    bool operator==(const Coverage&) const = default;
  };
  std::vector<Coverage> coverage;
  // The tree that the proofs lead to; without extension lines.
  Checkpoint checkpoint;
  uint64_t items = 0;
  // files.sha256: its own hash, and the number and total size of the files it lists.
  Hash file_list;
  uint64_t file_count = 0;
  uint64_t file_bytes = 0;

  bool operator==(const Manifest&) const = default;
};

// manifest.json. InvalidArgument for a bad export id.
absl::StatusOr<Json> ManifestJson(const Manifest& manifest);
// Its inverse. Reasons MANIFEST_MALFORMED and MANIFEST_VERSION (Unimplemented).
absl::StatusOr<Manifest> ParseManifestJson(const Json& json);

// manifest.note: a signed note with the text
//   yizhan-export/v1 LF  export <export id> LF  manifest <base64 of SHA-256 of manifest.json> LF
// by the log's key. No checkpoint has such a text: its second line is a number.
absl::StatusOr<std::string> SignManifest(std::string_view export_id, std::string_view manifest_json,
                                         absl::Span<const NoteSigner> signers);
// OK when a known key has signed this very manifest. Errors of OpenNote; FailedPrecondition, reason MANIFEST_MODIFIED,
// when the signed hash is not that of manifest_json; NOTE_MALFORMED when the note says something else. Returns the name
// of the key that has signed.
absl::StatusOr<std::string> VerifyManifest(std::string_view note, std::string_view manifest_json,
                                           absl::Span<const NoteKey> known);

// One line of files.sha256, as sha256sum writes and checks it: 64 hex digits, two spaces, the path, LF.
std::string FileListLine(const Hash& hash, std::string_view path);

// README.txt: how to check an export, in Chinese and English.
std::string_view ReadmeText();

}  // namespace yizhan::audit
