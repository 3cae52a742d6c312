#include "ledger/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::ledger {

absl::Status FileError(std::string_view doing, const std::string& path, int error) {
  const std::string message = absl::StrCat(std::string(doing), " ", path, ": ", strerror(error));
  if (error == ENOSPC) return RefuseForNow(absl::StatusCode::kResourceExhausted, "DISK_FULL", message, 1'000);
  return absl::FailedPreconditionError(message);
}

absl::Status SyncFolder(const std::string& folder) {
  const int fd = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FileError("opening", folder, errno);
  const int synced = fsync(fd), error = errno;
  close(fd);
  return synced == 0 ? absl::OkStatus() : FileError("syncing", folder, error);
}

absl::Status MakeFolder(const std::string& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return absl::OkStatus();
  const std::filesystem::path parent = std::filesystem::path(folder).parent_path();
  if (!parent.empty() && parent != folder) YZ_RETURN_IF_ERROR(MakeFolder(parent.string()));
  if (!std::filesystem::create_directory(folder, error) && error) return FileError("making", folder, error.value());
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (error) return FileError("making", folder, error.value());
  return SyncFolder(parent.string());
}

}  // namespace yizhan::ledger
