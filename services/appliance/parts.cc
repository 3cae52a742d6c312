#include "appliance/parts.h"

#include <signal.h>

#include <filesystem>

#include "absl/synchronization/notification.h"
#include "base/secret.h"

namespace yizhan::appliance {

directory::Options DirectoryOptions(const RunOptions& options, const ledger::Keyring& keyring) {
  directory::Options directory;
  const auto install_key = keyring.Derive("directory-fake-salt");
  directory.install_key = Secret<std::string>(std::string(install_key.begin(), install_key.end()));
  directory.ldap_sources = options.ldap_sources;
  return directory;
}

absl::Status TieToKey(ledger::Keyring& keyring) {
  absl::Notification done;
  absl::Status status;
  keyring.Ensure("installation", 0, [&](absl::StatusOr<ledger::DataKeyPtr> key) {
    status = key.status();
    done.Notify();
  });
  done.WaitForNotification();
  return status;
}

absl::StatusOr<std::unique_ptr<objects::ObjectStore>> OpenFiles(const RunOptions& options, const std::string& data_dir) {
  objects::StoreOptions files = options.files;
  if (files.place.empty()) files.place = std::filesystem::absolute(data_dir).string() + "/files";
  return objects::OpenObjectStore(files);
}

admin::v1::ComponentHealth ArchiveHealth(const audit::Service& archive) {
  const absl::Status status = archive.health();
  return status.ok() ? admin::Healthy("archive", "takes in every record and signs its log") : admin::Down("archive", status);
}

admin::BackupSource BackupOf(const ledger::Ledger* ledger, const audit::Service* archive, const std::string& data_dir) {
  return {ledger,
          data_dir,
          YIZHAN_VERSION,
          [archive] { return archive->public_key(); },
          [archive] { return archive->checkpoint(); },
          [archive](const ledger::PartitionId& partition) { return archive->archived_seq(partition); }};
}

bool ToldToStop() {
  sigset_t pending;
  return sigpending(&pending) == 0 && (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

}  // namespace yizhan::appliance
