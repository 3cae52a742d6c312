// Backing up by itself: every so often, at once when asked, again when it failed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "admin/backup/backup.h"
#include "admin/backup/manifest.h"
#include "admin/backup/options.h"
#include "base/age.h"
#include "base/objects/object_store.h"
#include "yizhan/admin/v1/admin_service.pb.h"

namespace yizhan::admin {

// Both stores; the same one twice where the keys are not kept apart.
struct OpenedStores {
  std::unique_ptr<objects::ObjectStore> records, apart;
  BackupStores stores() const { return {records.get(), apart ? apart.get() : records.get()}; }
};
absl::StatusOr<OpenedStores> OpenBackupStores(const BackupOptions& options);

// InvalidArgument: which recipient is none.
absl::StatusOr<std::vector<age::Recipient>> ParseRecipients(const std::vector<std::string>& recipients);

class BackupSchedule {
 public:
  // Opens the stores. `here` tells whether it is this machine's turn: of several, one backs up.
  static absl::StatusOr<std::unique_ptr<BackupSchedule>> Make(const BackupOptions& options, BackupSource source,
                                                              std::function<bool()> here);
  ~BackupSchedule();  // stops

  // The first run begins at once.
  void Start();
  // Gives up a run that is under way; the next start's goes on with what it has put.
  void Stop();
  // Begins a run now, if none is under way. FailedPrecondition where it is not this machine's turn.
  absl::Status RunNow();

  yizhan::admin::v1::GetBackupResponse state() const;
  yizhan::admin::v1::ComponentHealth health() const;

 private:
  BackupSchedule(const BackupOptions& options, BackupSource source, std::function<bool()> here);
  void Loop();
  absl::Status RunOnce();

  const BackupSource source_;
  const std::function<bool()> here_;
  const absl::Duration every_;
  OpenedStores stores_;
  std::vector<age::Recipient> recipients_;
  std::thread thread_;
  mutable absl::Mutex mutex_;
  yizhan::admin::v1::GetBackupResponse state_ ABSL_GUARDED_BY(mutex_);
  bool asked_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace yizhan::admin
