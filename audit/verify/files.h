// Reading the files of a folder that nobody vouches for: regular files only, no links followed, sizes bounded.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "audit/tlog/hash.h"
#include "audit/verify/report.h"

namespace yizhan::audit {

inline constexpr size_t kMaxFileBytes = 256u << 20;

// The bytes of dir/path; nullopt, with the problem reported, when it is missing or cannot be read.
std::optional<std::string> ReadExportFile(const std::string& dir, std::string_view path, uint64_t item, Report* report);

// Reports everything in the folder that an export of `items` items does not have; returns the highest item number that
// occurs in a file's name. With items == nullopt every well-named item file is taken as one of the export's.
uint64_t CheckFolder(const std::string& dir, std::optional<uint64_t> items, Report* report);

// A file that is read from its beginning to its end, hashed on the way.
class FileStream {
 public:
  FileStream() = default;
  ~FileStream();
  FileStream(const FileStream&) = delete;
  FileStream& operator=(const FileStream&) = delete;

  // Reports and returns false when it is missing or cannot be read.
  bool Open(const std::string& dir, std::string_view path, Report* report);
  bool is_open() const { return file_ != nullptr; }

  // Up to `size` bytes; fewer at the end only.
  std::string Read(size_t size);
  // A line without its LF; nullopt at the end, or when it is longer than 4096 bytes or has no LF.
  std::optional<std::string> ReadLine();
  // One row of a CSV with its line end: up to the first CRLF outside quotes; what there is at the end of the file.
  std::string ReadCsvRow();
  // Reads the rest and returns the hash of the whole file. Once.
  Hash FinishHash();

 private:
  int Get();

  std::FILE* file_ = nullptr;
  Report* report_ = nullptr;
  Sha256Stream hash_;
  std::string pending_;  // read from the file, not yet hashed
};

}  // namespace yizhan::audit
