#include "ledger/padded_logs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "rocksdb/file_system.h"

namespace yizhan::ledger {
namespace {
// So much is written when less than half of it is left. The sync that comes next writes it too.
constexpr uint64_t kAhead = 128 << 10;
constexpr uint64_t kPage = 4'096;

class PaddedLog : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  // `fd`: the same file, opened again; owned.
  PaddedLog(std::unique_ptr<rocksdb::FSWritableFile> file, int fd)
      : FSWritableFileOwnerWrapper(std::move(file)), fd_(fd) {}
  ~PaddedLog() override { close(fd_); }

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* dbg) override {
    auto status = FSWritableFileOwnerWrapper::Append(data, options, dbg);
    if (status.ok()) Advance(data.size());
    return status;
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& info, rocksdb::IODebugContext* dbg) override {
    auto status = FSWritableFileOwnerWrapper::Append(data, options, info, dbg);
    if (status.ok()) Advance(data.size());
    return status;
  }
  // The padding is the preallocation.
  void PrepareWrite(size_t, size_t, const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {}
  rocksdb::IOStatus Allocate(uint64_t, uint64_t, const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Close(const rocksdb::IOOptions& options, rocksdb::IODebugContext* dbg) override {
    // Padding that stays is dropped at the next start.
    if (padded_ > size_) (void)!ftruncate(fd_, static_cast<off_t>(size_));
    padded_ = 0;
    return FSWritableFileOwnerWrapper::Close(options, dbg);
  }

 private:
  void Advance(size_t bytes) {
    static const std::string padding(kAhead + kPage, kLogPadding);
    size_ += bytes;
    padded_ = std::max(padded_, size_);
    if (padded_ - size_ > kAhead / 2) return;
    const uint64_t end = (size_ / kPage + 1) * kPage + kAhead;
    // A full disk is said by the next append.
    const ssize_t written = pwrite(fd_, padding.data(), end - padded_, static_cast<off_t>(padded_));
    if (written > 0) padded_ += static_cast<uint64_t>(written);
  }

  const int fd_;
  uint64_t size_ = 0;    // of the entries
  uint64_t padded_ = 0;  // of the file
};

class FileSystem : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  static const char* kClassName() { return "YizhanPaddedLogs"; }
  const char* Name() const override { return kClassName(); }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* dbg) override {
    auto status = FileSystemWrapper::NewWritableFile(path, options, file, dbg);
    if (!status.ok() || !path.ends_with(".log")) return status;
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd >= 0) *file = std::make_unique<PaddedLog>(std::move(*file), fd);
    return status;
  }
};
}  // namespace

std::shared_ptr<rocksdb::FileSystem> PadLogs(std::shared_ptr<rocksdb::FileSystem> base) {
  return std::make_shared<FileSystem>(std::move(base));
}

}  // namespace yizhan::ledger
