#include "ledger/room.h"

#include <sys/statvfs.h>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ledger/rocks.h"
#include "rocksdb/db.h"

namespace yizhan::ledger {

absl::Status Room::Check() {
  const int64_t now = NowUs(options_.hooks);
  if (now >= checked_us_ && now - checked_us_ < 1'000'000 && checked_us_ != 0) return room_;
  checked_us_ = now;
  room_ = FreeSpace();
  if (room_.ok()) room_ = Resume();
  return room_;
}

absl::Status Room::FreeSpace() const {
  uint64_t free_bytes = 0;
  if (options_.hooks.free_bytes) {
    free_bytes = options_.hooks.free_bytes();
  } else {
    struct statvfs disk;
    if (statvfs(store_.path().c_str(), &disk) == 0) free_bytes = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
  }
  if (free_bytes >= options_.min_free_bytes) return absl::OkStatus();
  return RefuseForNow(absl::StatusCode::kResourceExhausted, "DISK_FULL",
                      absl::StrCat("the data folder's disk has ", free_bytes >> 20, " MiB free and needs ",
                                   options_.min_free_bytes >> 20, " MiB; free some space, then it goes on by itself"),
                      1'000);
}

absl::Status Room::Resume() {
  if (!store_refuses_ && !store_.sync_failed()) return absl::OkStatus();
  YZ_RETURN_IF_ERROR(FreeSpace());
  YZ_RETURN_IF_ERROR(store_.Resume());
  store_refuses_ = false;
  room_ = absl::OkStatus();
  return room_;
}

absl::Status Room::Refused(const rocksdb::Status& status) {
  absl::Status refused = FromRocks(status, "committing");
  if (status.IsIOError() && !(status.IsNoSpace() && store_.Resumable())) Die(refused.message());
  store_refuses_ = true;
  room_ = refused;
  checked_us_ = NowUs(options_.hooks);
  return refused;
}

}  // namespace yizhan::ledger
