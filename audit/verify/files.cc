#include "audit/verify/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "audit/export_format/item.h"
#include "audit/export_format/manifest.h"
#include "audit/tlog/text.h"

namespace yizhan::audit {
namespace {

namespace fs = std::filesystem;

// Opens a regular file; -1, with the problem reported, otherwise. O_NONBLOCK: a pipe must not hold us up.
int OpenFile(const std::string& dir, std::string_view path, uint64_t item, Report* report) {
  const std::string full = Cat(dir, '/', path);
  const int fd = ::open(full.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    const int error = errno;
    if (error == ENOENT) {
      report->Add(Problem::Kind::kMissing, path, item, "the file is not there");
    } else if (error == ELOOP) {
      report->Add(Problem::Kind::kUnreadable, path, item, "a symbolic link stands where the file belongs");
    } else {
      report->Add(Problem::Kind::kUnreadable, path, item,
                  Cat(std::strerror(error), ": this says nothing about whether it was changed"));
    }
    return -1;
  }
  struct stat info;
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    report->Add(Problem::Kind::kUnreadable, path, item, "it is not a regular file");
    ::close(fd);
    return -1;
  }
  return fd;
}

bool IsKnown(const std::string& path, std::optional<uint64_t> items, uint64_t* highest) {
  for (std::string_view name :
       {kManifestFile, kManifestNoteFile, kFileListFile, kCheckpointFile, kCsvFile, kReadmeFile}) {
    if (path == name) return true;
  }
  // items/000/000042.eml: the number is read, and the path written again.
  const size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (name.size() < 7 || name[6] != '.') return false;
  std::string_view digits = std::string_view(name).substr(0, 6);
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  const auto number = ParseDecimal(digits, items.value_or(kMaxItems));
  const std::string extension = name.substr(7);
  if (!number || path != ItemPath(*number, extension)) return false;
  if (std::find(std::begin(kItemExtensions), std::end(kItemExtensions), extension) == std::end(kItemExtensions))
    return false;
  *highest = std::max(*highest, *number);
  return true;
}

void Walk(const std::string& dir, const std::string& path, int depth, std::optional<uint64_t> items, uint64_t* highest,
          Report* report) {
  std::error_code error;
  fs::directory_iterator at(path.empty() ? dir : Cat(dir, '/', path), error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    const std::string relative = path.empty() ? name : Cat(path, '/', name);
    std::error_code status_error;
    const fs::file_type type = at->symlink_status(status_error).type();
    if (type == fs::file_type::directory) {
      const bool item_folder =
          depth == 1 && name.size() == 3 && name.find_first_not_of("0123456789") == std::string::npos;
      if ((depth == 0 && name == "items") || item_folder) {
        Walk(dir, relative, depth + 1, items, highest, report);
      } else {
        report->Add(Problem::Kind::kExtra, relative, 0, "a folder that is not part of the export");
      }
    } else if (!IsKnown(relative, items, highest)) {
      report->Add(Problem::Kind::kExtra, relative, 0, "it is not part of the export");
    }
  }
  if (error) {
    report->Add(Problem::Kind::kUnreadable, path.empty() ? "." : path, 0,
                Cat("the folder cannot be listed: ", error.message()));
  }
}

}  // namespace

std::optional<std::string> ReadExportFile(const std::string& dir, std::string_view path, uint64_t item,
                                          Report* report) {
  const int fd = OpenFile(dir, path, item, report);
  if (fd < 0) return std::nullopt;
  std::string bytes;
  std::array<char, 65536> buffer;
  ssize_t got;
  while ((got = ::read(fd, buffer.data(), buffer.size())) > 0 && bytes.size() <= kMaxFileBytes) {
    bytes.append(buffer.data(), static_cast<size_t>(got));
  }
  const int error = errno;
  ::close(fd);
  report->bytes += bytes.size();
  if (got < 0) {
    report->Add(Problem::Kind::kUnreadable, path, item, std::strerror(error));
    return std::nullopt;
  }
  if (bytes.size() > kMaxFileBytes) {
    report->Add(Problem::Kind::kMalformed, path, item, "it is larger than such a file can be");
    return std::nullopt;
  }
  return bytes;
}

uint64_t CheckFolder(const std::string& dir, std::optional<uint64_t> items, Report* report) {
  uint64_t highest = 0;
  Walk(dir, "", 0, items, &highest, report);
  return highest;
}

FileStream::~FileStream() {
  if (file_ != nullptr) std::fclose(file_);
}

bool FileStream::Open(const std::string& dir, std::string_view path, Report* report) {
  const int fd = OpenFile(dir, path, 0, report);
  if (fd < 0) return false;
  report_ = report;
  file_ = ::fdopen(fd, "rb");
  if (file_ == nullptr) ::close(fd);
  return file_ != nullptr;
}

int FileStream::Get() {
  const int c = getc_unlocked(file_);
  if (c == EOF) return c;
  pending_.push_back(static_cast<char>(c));
  if (pending_.size() >= 65536) {
    hash_.Update(pending_);
    report_->bytes += pending_.size();
    pending_.clear();
  }
  return c;
}

std::string FileStream::Read(size_t size) {
  std::string out;
  for (int c; out.size() < size && (c = Get()) != EOF;) out.push_back(static_cast<char>(c));
  return out;
}

std::optional<std::string> FileStream::ReadLine() {
  std::string line;
  for (int c; line.size() <= 4096 && (c = Get()) != EOF;) {
    if (c == '\n') return line;
    line.push_back(static_cast<char>(c));
  }
  return std::nullopt;
}

std::string FileStream::ReadCsvRow() {
  std::string row;
  bool quoted = false;
  for (int c; row.size() < kMaxFileBytes && (c = Get()) != EOF;) {
    row.push_back(static_cast<char>(c));
    if (c == '"') quoted = !quoted;
    if (c == '\n' && !quoted && row.size() >= 2 && row[row.size() - 2] == '\r') break;
  }
  return row;
}

Hash FileStream::FinishHash() {
  std::array<char, 65536> buffer;
  hash_.Update(pending_);
  report_->bytes += pending_.size();
  pending_.clear();
  for (size_t got; (got = std::fread(buffer.data(), 1, buffer.size(), file_)) > 0;) {
    hash_.Update({buffer.data(), got});
    report_->bytes += got;
  }
  return hash_.Finish();
}

}  // namespace yizhan::audit
