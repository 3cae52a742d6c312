#include "audit/archive/export_files.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status.h"
#include "ledger/seal.h"

namespace yizhan::audit {
namespace {
constexpr size_t kNonceBytes = 12;
constexpr char kFolder[] = "exports/";

std::string NameOf(const std::string& sha256, uint64_t piece) { return absl::StrFormat("%s%s/%06d", kFolder, sha256, piece); }
}  // namespace

ExportFiles::ExportFiles(objects::ObjectStore* store, const ledger::Keyring* keyring) : store_(store), key_(keyring->Derive("export-files")) {}

absl::Status ExportFiles::Store(const std::string& path, const std::string& sha256) {
  std::ifstream in(path, std::ios::binary);
  std::string plain;
  for (uint64_t piece = 0;; ++piece) {
    plain.resize(kPieceBytes);
    in.read(plain.data(), static_cast<std::streamsize>(plain.size()));
    plain.resize(static_cast<size_t>(in.gcount()));
    if (in.bad() || (!in && !in.eof())) return absl::UnavailableError(absl::StrCat("cannot read ", path));
    if (plain.empty()) return absl::OkStatus();
    const std::string name = NameOf(sha256, piece);
    std::string sealed(kNonceBytes, '\0');
    ledger::FillRandom(sealed.data(), sealed.size());
    sealed += ledger::AesGcmSeal(key_, sealed, name, plain);
    YZ_RETURN_IF_ERROR(store_->Put(name, sealed));
  }
}

absl::StatusOr<std::string> ExportFiles::Read(const std::string& sha256, uint64_t offset, uint64_t size) {
  const std::string name = NameOf(sha256, offset / kPieceBytes);
  auto sealed = store_->Get(name);
  if (absl::IsNotFound(sealed.status())) return Refuse(absl::StatusCode::kNotFound, "EXPORT_GONE", "the export's file is gone; start the export again");
  if (!sealed.ok()) return sealed.status();
  auto plain = sealed->size() < kNonceBytes ? absl::StatusOr<std::string>(absl::DataLossError("too short"))
                                            : ledger::AesGcmOpen(key_, std::string_view(*sealed).substr(0, kNonceBytes), name, std::string_view(*sealed).substr(kNonceBytes));
  if (!plain.ok()) {
    return Refuse(absl::StatusCode::kDataLoss, "EXPORT_DAMAGED", absl::StrCat("the export's file is damaged: ", store_->place(), "/", name, "; start the export again"));
  }
  const uint64_t from = offset % kPieceBytes;
  if (from >= plain->size()) return std::string();
  return plain->substr(from, size);
}

absl::StatusOr<std::set<std::string>> ExportFiles::Here() {
  YZ_ASSIGN_OR_RETURN(auto objects, store_->List(kFolder));
  std::set<std::string> names;
  for (auto& object : objects) names.insert(std::move(object.name));
  return names;
}

absl::Status ExportFiles::Fetch(const std::string& sha256, uint64_t size_bytes, const std::set<std::string>& here) {
  for (uint64_t piece = 0; piece * kPieceBytes < size_bytes; ++piece) {
    const std::string name = NameOf(sha256, piece);
    if (!here.contains(name)) YZ_RETURN_IF_ERROR(store_->Get(name).status());
  }
  return absl::OkStatus();
}

}  // namespace yizhan::audit
