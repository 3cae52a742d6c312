#include "base/objects/folder_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/objects/object_name.h"
#include "base/status.h"

namespace yizhan::objects {
namespace {
constexpr char kUnfinished[] = "~put-";  // no object's name has a tilde
constexpr time_t kLeftoverSeconds = 24 * 3600;
// A folder goes when its last object does, perhaps between a writer's look and its rename().
constexpr int kAttempts = 100;

// As base/files.h says it, and what it means here.
absl::Status FileError(const char* doing, const std::string& path, int error) {
  const absl::Status status = yizhan::FileError(doing, path, error);
  if (error == EISDIR || error == ENOTDIR) {
    return absl::FailedPreconditionError(absl::StrCat(
        std::string(status.message()), ". An object's name cannot go on where another's ends: choose another name"));
  }
  return status;
}

bool IsAway(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP; }

absl::Status Write(int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return FileError("writing", path, errno);
    if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
  }
  return fsync(fd) == 0 ? absl::OkStatus() : FileError("syncing", path, errno);
}

// "" for a name without a folder.
std::string FolderOf(const std::string& name) {
  const size_t slash = name.rfind('/');
  return slash == name.npos ? std::string() : name.substr(0, slash);
}

// Makes the names in a folder durable. Ok when it is not there: then it has none.
absl::Status SyncFolder(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return IsAway(errno) ? absl::OkStatus() : FileError("opening", path, errno);
  const int synced = fsync(fd), error = errno;
  close(fd);
  // EINVAL: a file system of a network that has no such call for folders; what was renamed is at its server.
  return synced == 0 || error == EINVAL ? absl::OkStatus() : FileError("syncing", path, error);
}

class FolderStore : public ObjectStore {
 public:
  explicit FolderStore(std::string folder) : folder_(std::move(folder)) {}

  absl::Status Put(const std::string& name, std::string_view bytes) override;
  absl::StatusOr<std::string> Get(const std::string& name) override;
  absl::StatusOr<std::vector<Object>> List(const std::string& prefix) override;
  absl::Status Delete(const std::string& name) override;
  const std::string& place() const override { return folder_; }

 private:
  std::string Path(const std::string& name) const { return name.empty() ? folder_ : absl::StrCat(folder_, "/", name); }
  absl::Status MakeFolders(const std::string& name) const;
  absl::Status SyncFolders(std::string folder) const;
  absl::Status Walk(const std::string& inside, const std::string& prefix, std::vector<Object>* objects) const;
  void RemoveLeftovers() const;

  const std::string folder_;
  std::once_flag looked_for_leftovers_;
};

absl::Status FolderStore::MakeFolders(const std::string& name) const {
  for (size_t slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1)) {
    const std::string path = Path(name.substr(0, slash));
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST && errno != ENOENT) return FileError("making", path, errno);
  }
  return absl::OkStatus();
}

// This folder and those above it: another writer may have made one and not have synced it yet.
absl::Status FolderStore::SyncFolders(std::string folder) const {
  for (;; folder = FolderOf(folder)) {
    YZ_RETURN_IF_ERROR(SyncFolder(Path(folder)));
    if (folder.empty()) return absl::OkStatus();
  }
}

absl::Status FolderStore::Put(const std::string& name, std::string_view bytes) {
  YZ_RETURN_IF_ERROR(CheckObject(name, bytes));
  std::call_once(looked_for_leftovers_, [this] { RemoveLeftovers(); });
  const std::string path = Path(name);
  std::string fresh = absl::StrCat(folder_, "/", kUnfinished, "XXXXXX");
  const int fd = mkostemp(fresh.data(), O_CLOEXEC);
  if (fd < 0) return FileError("making a file in", folder_, errno);
  absl::Cleanup unlink_fresh = [&] { unlink(fresh.c_str()); };
  absl::Status written = Write(fd, fresh, bytes);
  // Some file systems say only here that there was no room.
  if (close(fd) != 0 && written.ok()) written = FileError("writing", fresh, errno);
  if (!written.ok()) return Annotate(written, absl::StrCat("storing ", path));
  for (int attempt = 1;; ++attempt) {
    YZ_RETURN_IF_ERROR(MakeFolders(name));
    if (rename(fresh.c_str(), path.c_str()) == 0) break;
    if (errno != ENOENT || attempt == kAttempts) return FileError("naming", path, errno);
  }
  std::move(unlink_fresh).Cancel();
  return SyncFolders(FolderOf(name));
}

absl::StatusOr<std::string> FolderStore::Get(const std::string& name) {
  YZ_RETURN_IF_ERROR(CheckName(name));
  const std::string path = Path(name);
  const auto no_object = [&] {
    return Refuse(absl::StatusCode::kNotFound, "NO_SUCH_OBJECT", absl::StrCat("there is no object ", path));
  };
  // O_NONBLOCK: a pipe that somebody has put there does not hold us.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return IsAway(errno) ? no_object() : FileError("opening", path, errno);
  absl::Cleanup close_fd = [fd] { close(fd); };
  struct stat info = {};
  if (fstat(fd, &info) != 0) return FileError("reading", path, errno);
  if (!S_ISREG(info.st_mode)) return no_object();
  if (static_cast<uint64_t>(info.st_size) > kMaxObjectBytes) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "OBJECT_SIZE",
                  absl::StrCat(path, " has ", info.st_size, " bytes and is not one of ours: an object has at most ",
                               kMaxObjectBytes));
  }
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  for (size_t got = 0; got < bytes.size();) {
    const ssize_t read_now = read(fd, bytes.data() + got, bytes.size() - got);
    if (read_now == 0) return absl::DataLossError(absl::StrCat(path, " became shorter while it was read: try again"));
    if (read_now < 0 && errno != EINTR) return FileError("reading", path, errno);
    if (read_now > 0) got += static_cast<size_t>(read_now);
  }
  return bytes;
}

absl::Status FolderStore::Walk(const std::string& inside, const std::string& prefix,
                               std::vector<Object>* objects) const {
  const std::string path = Path(inside);
  DIR* folder = opendir(path.c_str());
  if (folder == nullptr) {
    // One that has gone meanwhile has nothing; the place itself does not go.
    return !inside.empty() && IsAway(errno) ? absl::OkStatus() : FileError("listing", path, errno);
  }
  absl::Cleanup close_folder = [folder] { closedir(folder); };
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(folder);
    if (entry == nullptr) return errno == 0 ? absl::OkStatus() : FileError("listing", path, errno);
    std::string name = inside.empty() ? entry->d_name : absl::StrCat(inside, "/", entry->d_name);
    if (!IsName(name)) continue;
    const size_t common = std::min(name.size(), prefix.size());
    if (name.compare(0, common, prefix, 0, common) != 0) continue;
    struct stat info = {};
    if (fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (IsAway(errno)) continue;
      return FileError("listing", Path(name), errno);
    }
    if (S_ISDIR(info.st_mode)) {
      YZ_RETURN_IF_ERROR(Walk(name, prefix, objects));
    } else if (S_ISREG(info.st_mode) && name.size() >= prefix.size()) {
      if (objects->size() == kMaxListed) return TooManyObjects(folder_, prefix);
      objects->push_back({std::move(name), static_cast<uint64_t>(info.st_size)});
    }
  }
}

absl::StatusOr<std::vector<ObjectStore::Object>> FolderStore::List(const std::string& prefix) {
  YZ_RETURN_IF_ERROR(CheckNamePrefix(prefix));
  std::vector<Object> objects;
  YZ_RETURN_IF_ERROR(Walk("", prefix, &objects));
  std::sort(objects.begin(), objects.end(), [](const Object& a, const Object& b) { return a.name < b.name; });
  return objects;
}

absl::Status FolderStore::Delete(const std::string& name) {
  YZ_RETURN_IF_ERROR(CheckName(name));
  const std::string path = Path(name);
  if (unlink(path.c_str()) != 0 && !IsAway(errno) && errno != EISDIR) return FileError("deleting", path, errno);
  // At S3 there are no folders, so an empty one is not there either.
  std::string folder = FolderOf(name);
  while (!folder.empty() && rmdir(Path(folder).c_str()) == 0) folder = FolderOf(folder);
  return SyncFolders(folder);
}

void FolderStore::RemoveLeftovers() const {
  DIR* folder = opendir(folder_.c_str());
  if (folder == nullptr) return;
  while (const dirent* entry = readdir(folder)) {
    if (!std::string_view(entry->d_name).starts_with(kUnfinished)) continue;
    struct stat info = {};
    if (fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
        info.st_mtime < time(nullptr) - kLeftoverSeconds) {
      unlinkat(dirfd(folder), entry->d_name, 0);
    }
  }
  closedir(folder);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ObjectStore>> OpenFolderStore(const std::string& folder) {
  std::string path = folder;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (mkdir(path.c_str(), 0700) == 0) {
    const std::string above = FolderOf(path);
    YZ_RETURN_IF_ERROR(SyncFolder(above.empty() ? "/" : above));
  } else if (errno == ENOENT) {
    return absl::FailedPreconditionError(
        absl::StrCat("making ", path, ": the folder above it is not there; make it, or mount its disk"));
  } else if (errno != EEXIST) {
    return FileError("making", path, errno);
  }
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return FileError("opening", path, errno);
  if (!S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is not a folder: give one, or move what is there away"));
  }
  return std::make_unique<FolderStore>(std::move(path));
}

}  // namespace yizhan::objects
