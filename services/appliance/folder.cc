#include "appliance/folder.h"

#include <sys/resource.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::appliance {

namespace fs = std::filesystem;

absl::Status MakeFolder(const std::string& dir) {
  std::error_code error;
  fs::create_directories(dir, error);
  if (!error) fs::permissions(dir, fs::perms::owner_all, error);
  if (error) return absl::UnavailableError(absl::StrCat("the data folder ", dir, " cannot be made: ", error.message()));
  return absl::OkStatus();
}

absl::Status CheckSingle(const std::string& dir) {
  std::error_code error;
  if (!fs::exists(dir + "/directory/ledger", error)) return absl::OkStatus();
  return Refuse(absl::StatusCode::kFailedPrecondition, "PROCESSES",
                absl::StrCat("the folder ", dir, " already holds the data of services that run as processes of their own: start them (yizhan run --processes, or their units), or name another folder"));
}

absl::Status CheckRoom(const std::string& dir) {
  constexpr uintmax_t kRoomToOpen = 64 << 20;
  std::error_code error;
  const uintmax_t available = fs::space(dir, error).available;
  if (error || available >= kRoomToOpen) return absl::OkStatus();
  return Refuse(absl::StatusCode::kResourceExhausted, "DISK_FULL",
                absl::StrCat("the disk of the data folder ", dir, " has ", available >> 20, " MiB free and opening it needs ", kRoomToOpen >> 20,
                             " MiB; nothing was changed. Free some space and start again"));
}

void RaiseFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace yizhan::appliance
