#include "base/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan {

absl::Status FileError(std::string_view doing, const std::string& path, int error) {
  const std::string message = absl::StrCat(std::string(doing), " ", path, ": ", strerror(error));
  if (error == ENOSPC || error == EDQUOT)
    return RefuseForNow(absl::StatusCode::kResourceExhausted, "DISK_FULL", message, 1'000);
  return error == EEXIST ? absl::AlreadyExistsError(message) : absl::FailedPreconditionError(message);
}

absl::Status SyncFolder(const std::string& folder) {
  const int fd = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FileError("opening", folder, errno);
  const int synced = fsync(fd), error = errno;
  close(fd);
  return synced == 0 ? absl::OkStatus() : FileError("syncing", folder, error);
}

absl::Status MakePrivateFolder(const std::string& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return absl::OkStatus();
  const std::filesystem::path parent = std::filesystem::path(folder).parent_path();
  if (!parent.empty() && parent != folder) YZ_RETURN_IF_ERROR(MakePrivateFolder(parent.string()));
  if (!std::filesystem::create_directory(folder, error) && error) return FileError("making", folder, error.value());
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (error) return FileError("making", folder, error.value());
  return SyncFolder(parent.string());
}

absl::Status WriteNewFile(const std::string& path, std::string_view bytes) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return FileError("making", path, errno);
  absl::Cleanup close_fd = [fd] { close(fd); };
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return FileError("writing", path, errno);
    if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(fd) != 0) return FileError("syncing", path, errno);
  return SyncFolder(std::filesystem::path(path).parent_path().string());
}

absl::Status ReplaceFile(const std::string& path, std::string_view bytes) {
  const std::string fresh = path + ".new";
  unlink(fresh.c_str());
  YZ_RETURN_IF_ERROR(WriteNewFile(fresh, bytes));
  if (rename(fresh.c_str(), path.c_str()) != 0) return FileError("renaming", fresh, errno);
  return SyncFolder(std::filesystem::path(path).parent_path().string());
}

}  // namespace yizhan
