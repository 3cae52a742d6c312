// `yizhan backup`: keys for backups, what lies in one, and getting it back.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "absl/status/status.h"
#include "appliance/options.h"

namespace yizhan::appliance {

// Makes the key pair that opens backups: the identity into `file` (which must not be there), the recipient to `out`.
absl::Status MakeBackupKey(const std::string& file, std::ostream& out);

// The runs that the place still has the manifests of.
absl::Status ListBackups(const RunOptions& options, bool json, std::ostream& out);

// Which backup, and who may open it.
struct BackupChoice {
  uint64_t number = 0;   // of the manifest; 0: the newest
  std::string identity;  // the file
};

// Reads every object that the manifest names, and compares it with what was written. Needs no identity.
absl::Status CheckBackup(const RunOptions& options, uint64_t number, std::ostream& out);

// Restores into a folder below `scratch`, compares all of it with the archive's log, and removes it again.
absl::Status VerifyBackup(const RunOptions& options, const BackupChoice& choice, const std::string& scratch,
                          std::ostream& out);

struct RestoreRequest {
  BackupChoice choice;
  std::string until;   // RestorePoint; empty: all
  std::string beside;  // the data folder of before, if there is one; compared with
};
// Makes the data folder (options.data_dir), which must not be there or be empty, whole or not at all. Refuses while a
// machine of the configured cluster is alive; takes what its etcd still has of records behind the backup's. Says which
// acknowledged records are known to be lacking.
absl::Status RestoreBackup(const RunOptions& options, const RestoreRequest& request, std::ostream& out);

}  // namespace yizhan::appliance
