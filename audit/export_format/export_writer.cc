#include "audit/export_format/export_writer.h"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "audit/export_format/render.h"
#include "audit/tlog/entry.h"
#include "audit/tlog/proof.h"
#include "audit/tlog/text.h"
#include "audit/tlog/tlog_proof.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

absl::Status CannotWrite(const std::filesystem::path& path, std::string_view why) {
  return absl::UnavailableError(Cat("cannot write ", path.string(), ": ", why));
}

}  // namespace

ExportWriter::ExportWriter(std::filesystem::path dir, std::string checkpoint_note, Checkpoint checkpoint)
    : dir_(std::move(dir)), checkpoint_note_(std::move(checkpoint_note)), checkpoint_(std::move(checkpoint)) {}

absl::StatusOr<std::unique_ptr<ExportWriter>> ExportWriter::Create(std::filesystem::path dir, std::string checkpoint) {
  YZ_ASSIGN_OR_RETURN(Note note, ParseNote(checkpoint));
  YZ_ASSIGN_OR_RETURN(Checkpoint parsed, ParseCheckpoint(note.text));
  std::unique_ptr<ExportWriter> writer(new ExportWriter(std::move(dir), std::move(checkpoint), std::move(parsed)));
  YZ_RETURN_IF_ERROR(writer->Begin());
  return writer;
}

absl::Status ExportWriter::Begin() {
  std::error_code error;
  std::filesystem::create_directories(dir_, error);
  if (error) return CannotWrite(dir_, error.message());
  const bool empty = std::filesystem::is_empty(dir_, error);
  if (error) return CannotWrite(dir_, error.message());
  if (!empty) return absl::AlreadyExistsError(Cat(dir_.string(), " is not empty: an export wants a folder of its own"));
  csv_.open(dir_ / kCsvFile, std::ios::binary);
  list_.open(dir_ / kFileListFile, std::ios::binary);
  if (!csv_ || !list_) return CannotWrite(dir_, std::strerror(errno));
  // files.sha256 is sorted by path: README.txt, checkpoint, items/..., messages.csv.
  YZ_RETURN_IF_ERROR(WriteListed(kReadmeFile, ReadmeText()));
  YZ_RETURN_IF_ERROR(WriteListed(kCheckpointFile, checkpoint_note_));
  return AppendCsv(CsvHead());
}

absl::StatusOr<uint64_t> ExportWriter::Add(ItemSource source, std::string_view record,
                                           absl::Span<const Hash> inclusion) {
  if (items_ == kMaxItems) return absl::ResourceExhaustedError(Cat("an export has at most ", kMaxItems, " items"));
  source.number = items_ + 1;
  YZ_ASSIGN_OR_RETURN(Item item, BuildItem(source, record));
  if (item.record.secret) {
    return Refuse(absl::StatusCode::kPermissionDenied, "NOT_EXPORTABLE",
                  Cat(item.record.partition, " seq ", item.record.seq, " holds credentials or keys"));
  }
  YZ_ASSIGN_OR_RETURN(Hash commitment, RecordCommitment(source.leaf_salt, record));
  YZ_ASSIGN_OR_RETURN(std::string leaf, EncodeEntry({item.record.partition, item.record.seq, item.record.time_us,
                                                     item.record.type, commitment}));
  YZ_RETURN_IF_ERROR(VerifyInclusion(LeafHash(leaf), source.leaf_index, checkpoint_.size, inclusion, checkpoint_.root));
  const TlogProof proof{std::nullopt, source.leaf_index, {inclusion.begin(), inclusion.end()}, checkpoint_note_};
  if (const std::filesystem::path folder = (dir_ / ItemPath(source.number, "eml")).parent_path();
      items_ == 0 || source.number % 1000 == 0) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return CannotWrite(folder, error.message());
  }
  const std::string contents[] = {RenderEml(item), ItemJson(item).Write(), leaf, std::string(record),
                                  FormatTlogProof(proof)};
  size_t i = 0;
  for (std::string_view extension : kItemExtensions) {
    YZ_RETURN_IF_ERROR(WriteListed(ItemPath(source.number, extension), contents[i++]));
  }
  YZ_RETURN_IF_ERROR(AppendCsv(CsvRow(item)));
  return ++items_;
}

absl::StatusOr<Manifest> ExportWriter::Finish(Manifest about, absl::Span<const NoteSigner> signers) {
  csv_.close();
  if (!csv_) return CannotWrite(dir_ / kCsvFile, std::strerror(errno));
  YZ_RETURN_IF_ERROR(AppendList(csv_hash_.Finish(), kCsvFile, csv_bytes_));
  list_.close();
  if (!list_) return CannotWrite(dir_ / kFileListFile, std::strerror(errno));
  about.checkpoint = checkpoint_;
  about.checkpoint.extensions.clear();
  about.items = items_;
  about.file_list = list_hash_.Finish();
  about.file_count = file_count_;
  about.file_bytes = file_bytes_;
  YZ_ASSIGN_OR_RETURN(Json json, ManifestJson(about));
  const std::string bytes = json.Write();
  YZ_ASSIGN_OR_RETURN(std::string note, SignManifest(about.export_id, bytes, signers));
  YZ_RETURN_IF_ERROR(WriteFile(kManifestFile, bytes));
  YZ_RETURN_IF_ERROR(WriteFile(kManifestNoteFile, note));
  return about;
}

absl::Status ExportWriter::WriteFile(std::string_view path, std::string_view bytes) {
  const std::filesystem::path full = dir_ / path;
  std::ofstream out(full, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) return CannotWrite(full, std::strerror(errno));
  return absl::OkStatus();
}

absl::Status ExportWriter::WriteListed(std::string_view path, std::string_view bytes) {
  YZ_RETURN_IF_ERROR(WriteFile(path, bytes));
  return AppendList(Sha256(bytes), path, bytes.size());
}

absl::Status ExportWriter::AppendCsv(std::string_view row) {
  csv_hash_.Update(row);
  csv_bytes_ += row.size();
  csv_.write(row.data(), static_cast<std::streamsize>(row.size()));
  if (!csv_) return CannotWrite(dir_ / kCsvFile, std::strerror(errno));
  return absl::OkStatus();
}

absl::Status ExportWriter::AppendList(const Hash& hash, std::string_view path, uint64_t size) {
  const std::string line = FileListLine(hash, path);
  list_hash_.Update(line);
  list_.write(line.data(), static_cast<std::streamsize>(line.size()));
  if (!list_) return CannotWrite(dir_ / kFileListFile, std::strerror(errno));
  ++file_count_;
  file_bytes_ += size;
  return absl::OkStatus();
}

}  // namespace yizhan::audit
