// Writes an export's folder, file by file, in constant memory. docs/formats/export.md describes the folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "audit/export_format/item.h"
#include "audit/export_format/manifest.h"
#include "audit/tlog/checkpoint.h"
#include "audit/tlog/hash.h"

namespace yizhan::audit {

// Not thread-safe. A folder without manifest.note is no export: whatever fails before Finish() leaves nothing that
// verifies.
class ExportWriter {
 public:
  // `dir` must not exist or be empty. `checkpoint` is the signed note that every item's proof will lead to; it is not
  // verified here. Unavailable with the system's message when something cannot be written.
  static absl::StatusOr<std::unique_ptr<ExportWriter>> Create(std::filesystem::path dir, std::string checkpoint);

  // Adds the next item (source.number is set here) and returns its number. Refused, with nothing written: what
  // BuildItem refuses; PROOF_MISMATCH and PROOF_MALFORMED when the record, its salt and `inclusion` do not lead to the
  // checkpoint's root; NOT_EXPORTABLE for records that hold credentials or keys; ResourceExhausted beyond kMaxItems.
  absl::StatusOr<uint64_t> Add(ItemSource source, std::string_view record, absl::Span<const Hash> inclusion);

  // Ends the export. Takes who, what and why from `about` (down to coverage) and fills in the rest; signs it, and
  // returns the whole.
  absl::StatusOr<Manifest> Finish(Manifest about, absl::Span<const NoteSigner> signers);

 private:
  ExportWriter(std::filesystem::path dir, std::string checkpoint_note, Checkpoint checkpoint);
  absl::Status Begin();
  absl::Status WriteFile(std::string_view path, std::string_view bytes);
  absl::Status WriteListed(std::string_view path, std::string_view bytes);
  absl::Status AppendCsv(std::string_view row);
  absl::Status AppendList(const Hash& hash, std::string_view path, uint64_t size);

  const std::filesystem::path dir_;
  const std::string checkpoint_note_;
  const Checkpoint checkpoint_;
  uint64_t items_ = 0;
  std::ofstream csv_, list_;
  Sha256Stream csv_hash_, list_hash_;
  uint64_t csv_bytes_ = 0, file_count_ = 0, file_bytes_ = 0;
};

}  // namespace yizhan::audit
