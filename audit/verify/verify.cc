#include "audit/verify/verify.h"

#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "audit/export_format/item.h"
#include "audit/export_format/render.h"
#include "audit/tlog/entry.h"
#include "audit/tlog/proof.h"
#include "audit/tlog/text.h"
#include "audit/tlog/tlog_proof.h"
#include "audit/verify/files.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

using Kind = Problem::Kind;

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

Kind KindOf(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  if (status.code() == absl::StatusCode::kUnimplemented) return Kind::kVersion;
  if (reason == "UNKNOWN_SIGNER" || reason == "BAD_SIGNATURE" || reason == "WRONG_ORIGIN") return Kind::kSignature;
  if (reason == "PROOF_MISMATCH") return Kind::kProof;
  if (reason == "MANIFEST_MODIFIED") return Kind::kModified;
  if (reason == "CONTENT_MISMATCH") return Kind::kContent;
  return Kind::kMalformed;
}

class Verifier {
 public:
  Verifier(const std::string& dir, absl::Span<const NoteKey> keys) : dir_(dir), keys_(keys) {}

  Report Run() {
    CheckManifest();
    OpenFileList();
    std::optional<uint64_t> items;
    if (report_.manifest) items = report_.manifest->items;
    const uint64_t highest = CheckFolder(dir_, items, &report_);
    if (!items) items = highest;
    CheckReadme();
    CheckCheckpoint();
    if (csv_.Open(dir_, kCsvFile, &report_)) {
      if (csv_.ReadCsvRow() != CsvHead()) CsvDiffers(0, "the row of column names is not the one that exports have");
    }
    for (uint64_t number = 1; number <= *items; ++number) CheckItem(number);
    CheckCsvEnd();
    return std::move(report_);
  }

 private:
  void CheckManifest() {
    const auto bytes = ReadExportFile(dir_, kManifestFile, 0, &report_);
    const auto note = ReadExportFile(dir_, kManifestNoteFile, 0, &report_);
    if (!bytes) return;
    if (note) {
      const auto signer = VerifyManifest(*note, *bytes, keys_);
      if (signer.ok()) {
        report_.manifest_signer = *signer;
      } else {
        const Kind kind = KindOf(signer.status());
        report_.Add(kind, kind == Kind::kModified ? kManifestFile : kManifestNoteFile, 0, MessageOf(signer.status()));
      }
    }
    const auto json = ParseJson(*bytes);
    if (!json.ok()) {
      report_.Add(Kind::kMalformed, kManifestFile, 0, MessageOf(json.status()));
      return;
    }
    auto manifest = ParseManifestJson(*json);
    if (!manifest.ok()) {
      report_.Add(KindOf(manifest.status()), kManifestFile, 0, MessageOf(manifest.status()));
      return;
    }
    report_.manifest = *std::move(manifest);
    // A manifest that says things beside what was read would say them to people only.
    if (const auto again = ManifestJson(*report_.manifest); !again.ok() || again->Write() != *bytes) {
      report_.Add(Kind::kMalformed, kManifestFile, 0, "it is not written as manifests are, or says more than they do");
    }
  }

  // The list's lines are used only when the list is the one that the manifest names: a spoilt list would accuse files
  // that are whole.
  void OpenFileList() {
    FileStream whole;
    if (!whole.Open(dir_, kFileListFile, &report_)) return;
    if (!report_.manifest) return;
    if (whole.FinishHash() != report_.manifest->file_list) {
      report_.Add(Kind::kModified, kFileListFile, 0,
                  "it is not the list that the manifest names: its SHA-256 is another");
      return;
    }
    list_ = std::make_unique<FileStream>();
    if (!list_->Open(dir_, kFileListFile, &report_)) list_.reset();
  }

  // Compares a file's hash with its line, which is the list's next: the list is sorted as files are checked.
  void CheckListed(std::string_view path, uint64_t item, const std::optional<Hash>& hash) {
    if (list_ == nullptr) return;
    const auto line = list_->ReadLine();
    if (!line || line->size() < 66 || line->substr(66) != path) {
      report_.Add(Kind::kMalformed, kFileListFile, item, Cat("it does not list ", path, " where it belongs"));
      list_.reset();
      return;
    }
    if (!hash) return;  // reported as missing or unreadable
    const std::string expected = FileListLine(*hash, path);
    if (Cat(*line, '\n') != expected) {
      report_.Add(Kind::kModified, path, item,
                  Cat("its SHA-256 is ", expected.substr(0, 64), ", the list says ", line->substr(0, 64)));
    }
  }

  std::optional<std::string> ReadListed(std::string_view path, uint64_t item) {
    auto bytes = ReadExportFile(dir_, path, item, &report_);
    CheckListed(path, item, bytes ? std::optional(Sha256(*bytes)) : std::nullopt);
    return bytes;
  }

  void CheckReadme() {
    const auto bytes = ReadListed(kReadmeFile, 0);
    if (bytes && *bytes != ReadmeText())
      report_.Add(Kind::kText, kReadmeFile, 0, "it is not the text that exports have");
  }

  void CheckCheckpoint() {
    auto bytes = ReadListed(kCheckpointFile, 0);
    if (!bytes) return;
    checkpoint_note_ = *std::move(bytes);
    auto checkpoint = OpenCheckpoint(*checkpoint_note_, keys_);
    if (!checkpoint.ok()) {
      report_.Add(KindOf(checkpoint.status()), kCheckpointFile, 0, MessageOf(checkpoint.status()));
      return;
    }
    report_.checkpoint = *std::move(checkpoint);
    if (report_.manifest && (report_.manifest->checkpoint.origin != report_.checkpoint->origin ||
                             report_.manifest->checkpoint.size != report_.checkpoint->size ||
                             report_.manifest->checkpoint.root != report_.checkpoint->root)) {
      report_.Add(Kind::kCheckpoint, kCheckpointFile, 0, "the manifest names another checkpoint");
    }
    if (!report_.manifest_signer.empty() && report_.manifest_signer != report_.checkpoint->origin) {
      report_.Add(Kind::kSignature, kManifestNoteFile, 0,
                  Cat("it is signed by ", report_.manifest_signer, ", not by the log ", report_.checkpoint->origin));
    }
  }

  void CheckItem(uint64_t number) {
    ++report_.items;
    const auto path = [&](std::string_view extension) { return ItemPath(number, extension); };
    const auto eml = ReadListed(path("eml"), number);
    const auto json_bytes = ReadListed(path("json"), number);
    const auto leaf = ReadListed(path("leaf"), number);
    const auto record = ReadListed(path("record"), number);
    const auto proof = ReadListed(path("tlog-proof"), number);

    std::optional<uint64_t> index;
    if (leaf && proof) index = CheckProof(number, *leaf, *proof);
    std::optional<Item> item;
    if (json_bytes && record) item = CheckRecord(number, *json_bytes, *record, leaf, index);
    const std::string row = csv_.is_open() ? csv_.ReadCsvRow() : std::string();
    if (!item) return;
    if (eml && *eml != RenderEml(*item)) {
      report_.Add(Kind::kText, path("eml"), number, "it does not say what the item's record and JSON say");
    }
    if (csv_.is_open() && csv_good_ && row != CsvRow(*item)) {
      CsvDiffers(number, Cat("the row of item ", number, " does not say what the item's record and JSON say"));
    }
  }

  // The way from the leaf to the root that the log has signed. Returns the leaf's index when all is well.
  std::optional<uint64_t> CheckProof(uint64_t number, const std::string& leaf, const std::string& proof_bytes) {
    const std::string path = ItemPath(number, "tlog-proof");
    const auto proof = ParseTlogProof(proof_bytes);
    if (!proof.ok()) {
      report_.Add(KindOf(proof.status()), path, number, MessageOf(proof.status()));
      return std::nullopt;
    }
    if (checkpoint_note_ && proof->checkpoint != *checkpoint_note_) {
      report_.Add(Kind::kCheckpoint, path, number, "its checkpoint is not the export's");
    }
    if (proof->extra) report_.Add(Kind::kMalformed, path, number, "it carries extra data, which exports do not have");
    if (const auto first = by_leaf_.emplace(proof->index, number); !first.second) {
      report_.Add(Kind::kDuplicate, path, number, Cat("leaf ", proof->index, " is already item ", first.first->second));
    }
    if (!report_.checkpoint) return std::nullopt;  // reported; there is no root to lead to
    const absl::Status included = VerifyInclusion(LeafHash(leaf), proof->index, report_.checkpoint->size, proof->hashes,
                                                  report_.checkpoint->root);
    if (!included.ok()) {
      report_.Add(KindOf(included), path, number, Cat("with the item's leaf: ", MessageOf(included)));
      return std::nullopt;
    }
    return proof->index;
  }

  // The record behind the leaf, the content behind the record, and what the JSON tells of both.
  std::optional<Item> CheckRecord(uint64_t number, const std::string& json_bytes, const std::string& record,
                                  const std::optional<std::string>& leaf, std::optional<uint64_t> index) {
    const std::string json_path = ItemPath(number, "json"), record_path = ItemPath(number, "record");
    const auto json = ParseJson(json_bytes);
    if (!json.ok()) {
      report_.Add(Kind::kMalformed, json_path, number, MessageOf(json.status()));
      return std::nullopt;
    }
    const auto source = ParseItemJson(*json);
    if (!source.ok()) {
      report_.Add(KindOf(source.status()), json_path, number, MessageOf(source.status()));
      return std::nullopt;
    }
    if (source->number != number) {
      report_.Add(Kind::kText, json_path, number, Cat("it calls itself item ", source->number));
    }
    if (index && source->leaf_index != *index) {
      report_.Add(Kind::kText, json_path, number,
                  Cat("it names leaf ", source->leaf_index, ", the proof is of leaf ", *index));
    }
    if (leaf) CheckLeaf(number, *leaf, source->leaf_salt, record);
    const auto item = BuildItem(*source, record);
    if (!item.ok()) {
      const std::string reason = ReasonOf(item.status());
      report_.Add(KindOf(item.status()), reason == "RECORD_MALFORMED" ? record_path : json_path, number,
                  MessageOf(item.status()));
      return std::nullopt;
    }
    if (!item->undisclosed.empty()) ++report_.undisclosed;
    const Json expected = ItemJson(*item);
    if (const std::string where = FirstDifference(expected, *json); !where.empty()) {
      report_.Add(Kind::kText, json_path, number, Cat("its ", where, " is not what the record and its content say"));
    } else if (expected.Write() != json_bytes) {
      report_.Add(Kind::kMalformed, json_path, number, "it is not written as items are");
    }
    return *item;
  }

  void CheckLeaf(uint64_t number, const std::string& leaf, const std::string& salt, const std::string& record) {
    const std::string leaf_path = ItemPath(number, "leaf"), record_path = ItemPath(number, "record");
    const auto entry = DecodeEntry(leaf);
    if (!entry.ok()) {
      report_.Add(KindOf(entry.status()), leaf_path, number, MessageOf(entry.status()));
      return;
    }
    const auto commitment = RecordCommitment(salt, record);
    if (!commitment.ok() || *commitment != entry->commitment) {
      report_.Add(Kind::kCommitment, record_path, number,
                  "with the salt in the item's JSON, the record is not the one that the leaf commits to");
      return;
    }
    const auto view = ReadRecord(record);
    if (!view.ok()) return;  // reported with the item
    if (view->partition != entry->partition || view->seq != entry->seq || view->time_us != entry->time_micros ||
        view->type != entry->record_type) {
      report_.Add(Kind::kCommitment, leaf_path, number,
                  "it names another partition, seq, time or type than its record");
    }
  }

  // After the first difference the rows are no longer compared: one spoilt quote would accuse all that follow.
  void CsvDiffers(uint64_t item, std::string_view message) {
    report_.Add(Kind::kText, kCsvFile, item, message);
    csv_good_ = false;
  }

  void CheckCsvEnd() {
    std::optional<Hash> hash;
    if (csv_.is_open()) {
      if (csv_good_ && !csv_.Read(1).empty()) CsvDiffers(0, "there is something behind the last item's row");
      hash = csv_.FinishHash();
    }
    CheckListed(kCsvFile, 0, hash);
    if (list_ != nullptr && list_->ReadLine()) {
      report_.Add(Kind::kMalformed, kFileListFile, 0, "it goes on behind the export's last file");
    }
  }

  const std::string dir_;
  const absl::Span<const NoteKey> keys_;
  Report report_;
  std::unique_ptr<FileStream> list_;
  std::optional<std::string> checkpoint_note_;
  FileStream csv_;
  bool csv_good_ = true;
  std::unordered_map<uint64_t, uint64_t> by_leaf_;
};

}  // namespace

Report VerifyExport(const std::string& dir, absl::Span<const NoteKey> keys) { return Verifier(dir, keys).Run(); }

}  // namespace yizhan::audit
