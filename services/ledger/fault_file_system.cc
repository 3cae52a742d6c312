#include "ledger/fault_file_system.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "rocksdb/file_system.h"

namespace yizhan::ledger {
namespace {
using Fault = std::function<int(std::string_view, std::string_view)>;

rocksdb::IOStatus Ask(const Fault& fault, const char* operation, const std::string& path) {
  const int error = fault(operation, path);
  if (error == 0) return rocksdb::IOStatus::OK();
  const std::string what = std::string("While ") + operation + ": " + path;
  if (error == ENOSPC) return rocksdb::IOStatus::NoSpace(what, strerror(error));
  return rocksdb::IOStatus::IOError(what, strerror(error));
}

class File : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path, const Fault* fault)
      : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), fault_(fault) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* dbg) override {
    auto status = Ask(*fault_, "append", path_);
    return status.ok() ? FSWritableFileOwnerWrapper::Append(data, options, dbg) : status;
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& info, rocksdb::IODebugContext* dbg) override {
    auto status = Ask(*fault_, "append", path_);
    return status.ok() ? FSWritableFileOwnerWrapper::Append(data, options, info, dbg) : status;
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* dbg) override {
    auto status = Ask(*fault_, "sync", path_);
    return status.ok() ? FSWritableFileOwnerWrapper::Sync(options, dbg) : status;
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* dbg) override {
    auto status = Ask(*fault_, "sync", path_);
    return status.ok() ? FSWritableFileOwnerWrapper::Fsync(options, dbg) : status;
  }

 private:
  const std::string path_;
  const Fault* const fault_;
};

class FileSystem : public rocksdb::FileSystemWrapper {
 public:
  FileSystem(std::shared_ptr<rocksdb::FileSystem> base, Fault fault)
      : FileSystemWrapper(std::move(base)), fault_(std::move(fault)) {}
  static const char* kClassName() { return "YizhanFaultFileSystem"; }
  const char* Name() const override { return kClassName(); }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* dbg) override {
    std::unique_ptr<rocksdb::FSWritableFile> inner;
    auto status = FileSystemWrapper::NewWritableFile(path, options, &inner, dbg);
    if (status.ok()) *file = std::make_unique<File>(std::move(inner), path, &fault_);
    return status;
  }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* dbg) override {
    auto status = Ask(fault_, "rename", to);
    return status.ok() ? FileSystemWrapper::RenameFile(from, to, options, dbg) : status;
  }

 private:
  const Fault fault_;
};
}  // namespace

std::shared_ptr<rocksdb::FileSystem> FailOnDemand(std::shared_ptr<rocksdb::FileSystem> base, Fault fault) {
  return std::make_shared<FileSystem>(std::move(base), std::move(fault));
}

}  // namespace yizhan::ledger
