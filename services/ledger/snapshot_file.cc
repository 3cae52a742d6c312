#include "ledger/snapshot_file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status.h"
#include "ledger/tables.h"

namespace yizhan::ledger {
namespace {
constexpr size_t kChecksum = 32;
}  // namespace

SnapshotWriter::SnapshotWriter(std::string path) : path_(std::move(path)), hash_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  EVP_DigestInit_ex(hash_.get(), EVP_sha256(), nullptr);
}

absl::StatusOr<std::unique_ptr<SnapshotWriter>> SnapshotWriter::Create(const std::string& path) {
  std::unique_ptr<SnapshotWriter> writer(new SnapshotWriter(path));
  const std::string fresh = path + ".new";
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return FileError("making", fresh, errno);
  writer->file_ = fdopen(fd, "wb");
  return writer;
}

SnapshotWriter::~SnapshotWriter() {
  if (file_ == nullptr) return;
  fclose(file_);
  unlink((path_ + ".new").c_str());
}

void SnapshotWriter::Bytes(std::string_view bytes) {
  EVP_DigestUpdate(hash_.get(), bytes.data(), bytes.size());
  if (fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size() && error_ == 0) error_ = errno;
}

void SnapshotWriter::U8(uint8_t value) { Bytes({reinterpret_cast<const char*>(&value), 1}); }
void SnapshotWriter::U32(uint32_t value) {
  std::string bytes;
  AppendU32(bytes, value);
  Bytes(bytes);
}
void SnapshotWriter::U64(uint64_t value) {
  std::string bytes;
  AppendU64(bytes, value);
  Bytes(bytes);
}
void SnapshotWriter::Text(std::string_view bytes) {
  U32(static_cast<uint32_t>(bytes.size()));
  Bytes(bytes);
}

absl::Status SnapshotWriter::Finish() {
  std::string checksum(kChecksum, '\0');
  EVP_DigestFinal_ex(hash_.get(), reinterpret_cast<unsigned char*>(checksum.data()), nullptr);
  if (fwrite(checksum.data(), 1, checksum.size(), file_) != checksum.size() && error_ == 0) error_ = errno;
  if ((fflush(file_) != 0 || fsync(fileno(file_)) != 0) && error_ == 0) error_ = errno;
  const std::string fresh = path_ + ".new";
  if (error_ != 0) return FileError("writing", fresh, error_);
  fclose(std::exchange(file_, nullptr));
  if (rename(fresh.c_str(), path_.c_str()) != 0) return FileError("naming", path_, errno);
  return SyncFolder(std::filesystem::path(path_).parent_path().string());
}

absl::Status SnapshotReader::Damaged(std::string_view what) const {
  return Refuse(absl::StatusCode::kDataLoss, "DAMAGED_SNAPSHOT",
                absl::StrCat("the snapshot ", path_, " ", std::string(what)));
}

absl::StatusOr<std::unique_ptr<SnapshotReader>> SnapshotReader::Open(const std::string& path) {
  std::unique_ptr<SnapshotReader> reader(new SnapshotReader(path));
  reader->file_ = fopen(path.c_str(), "rbe");
  if (reader->file_ == nullptr) return FileError("opening the snapshot", path, errno);
  struct stat info;
  if (fstat(fileno(reader->file_), &info) != 0) return FileError("reading", path, errno);
  const uint64_t size = static_cast<uint64_t>(info.st_size);
  if (!S_ISREG(info.st_mode) || size < kSnapshotMagic.size() + kChecksum)
    return reader->Damaged("is too short to be one");
  reader->left_ = size - kChecksum;

  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> hash(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr);
  std::vector<char> buffer(1 << 20);
  for (uint64_t left = reader->left_; left > 0;) {
    const size_t part = static_cast<size_t>(std::min<uint64_t>(left, buffer.size()));
    if (fread(buffer.data(), 1, part, reader->file_) != part) return reader->Damaged("cannot be read to its end");
    EVP_DigestUpdate(hash.get(), buffer.data(), part);
    left -= part;
  }
  unsigned char expected[kChecksum], stored[kChecksum];
  EVP_DigestFinal_ex(hash.get(), expected, nullptr);
  if (fread(stored, 1, kChecksum, reader->file_) != kChecksum || memcmp(expected, stored, kChecksum) != 0) {
    return reader->Damaged("does not fit its checksum: it is damaged or not whole");
  }
  rewind(reader->file_);
  YZ_ASSIGN_OR_RETURN(std::string magic, reader->Bytes(kSnapshotMagic.size()));
  if (magic != kSnapshotMagic) return reader->Damaged("is not a snapshot of a ledger");
  YZ_ASSIGN_OR_RETURN(uint32_t version, reader->U32());
  if (version > kSnapshotVersion) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "NEWER_FORMAT",
                  absl::StrCat("the snapshot ", path, " has version ", version, ", this program knows versions up to ",
                               kSnapshotVersion));
  }
  return reader;
}

SnapshotReader::~SnapshotReader() {
  if (file_ != nullptr) fclose(file_);
}

absl::StatusOr<std::string> SnapshotReader::Bytes(size_t size) {
  if (size > left_) return Damaged("ends within an entry");
  std::string bytes(size, '\0');
  if (fread(bytes.data(), 1, size, file_) != size) return Damaged("cannot be read to its end");
  left_ -= size;
  return bytes;
}
absl::StatusOr<uint8_t> SnapshotReader::U8() {
  YZ_ASSIGN_OR_RETURN(std::string bytes, Bytes(1));
  return static_cast<uint8_t>(bytes[0]);
}
absl::StatusOr<uint32_t> SnapshotReader::U32() {
  YZ_ASSIGN_OR_RETURN(std::string bytes, Bytes(4));
  return ReadU32(bytes);
}
absl::StatusOr<uint64_t> SnapshotReader::U64() {
  YZ_ASSIGN_OR_RETURN(std::string bytes, Bytes(8));
  return ReadU64(bytes);
}
absl::StatusOr<std::string> SnapshotReader::Text() {
  YZ_ASSIGN_OR_RETURN(uint32_t size, U32());
  return Bytes(size);
}

}  // namespace yizhan::ledger
