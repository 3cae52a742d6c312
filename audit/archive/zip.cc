#include "audit/archive/zip.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"

namespace yizhan::audit {

namespace fs = std::filesystem;

absl::Status ZipFolder(const std::string& folder, const std::string& root, const std::string& path) {
  std::unique_ptr<archive, decltype(&archive_write_free)> zip(archive_write_new(), &archive_write_free);
  auto failed = [&](std::string_view what) {
    return absl::UnavailableError(absl::StrCat("cannot pack ", path, ": ", std::string(what), ": ", archive_error_string(zip.get()) ? archive_error_string(zip.get()) : "?"));
  };
  const std::string partial = path + ".partial";
  if (archive_write_set_format_zip(zip.get()) != ARCHIVE_OK || archive_write_open_filename(zip.get(), partial.c_str()) != ARCHIVE_OK) return failed("open");

  std::error_code error;
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_regular_file()) files.push_back(it->path());
  }
  if (error) return absl::UnavailableError(absl::StrCat("cannot read ", folder, ": ", error.message()));
  std::sort(files.begin(), files.end());

  std::array<char, 65'536> buffer;
  for (const fs::path& file : files) {
    std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(), &archive_entry_free);
    archive_entry_set_pathname(entry.get(), absl::StrCat(root, "/", fs::relative(file, folder).generic_string()).c_str());
    archive_entry_set_size(entry.get(), static_cast<int64_t>(fs::file_size(file)));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_mtime(entry.get(), 0, 0);  // the manifest says when
    if (archive_write_header(zip.get(), entry.get()) != ARCHIVE_OK) return failed(file.string());
    std::ifstream in(file, std::ios::binary);
    while (in) {
      in.read(buffer.data(), buffer.size());
      if (in.gcount() > 0 && archive_write_data(zip.get(), buffer.data(), static_cast<size_t>(in.gcount())) < 0) return failed(file.string());
    }
    if (!in.eof()) return absl::UnavailableError(absl::StrCat("cannot read ", file.string()));
  }
  if (archive_write_close(zip.get()) != ARCHIVE_OK) return failed("close");
  fs::rename(partial, path, error);
  if (error) return absl::UnavailableError(absl::StrCat("cannot rename ", partial, ": ", error.message()));
  return absl::OkStatus();
}

}  // namespace yizhan::audit
