// What the one process and the processes of single services compose alike.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "admin/backup/backup.h"
#include "admin/service/admin_service.h"
#include "appliance/options.h"
#include "audit/archive/service.h"
#include "base/objects/object_store.h"
#include "ldap/service/service.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"

namespace yizhan::appliance {

// Of the directory: what comes from the configuration and the installation's key.
directory::Options DirectoryOptions(const RunOptions& options, const ledger::Keyring& keyring);

// A data key from the first start on: the installation's key has wrapped something before anything is derived from it,
// so that another installation's key is refused at the next start, even where nobody has written yet. Waits; where
// keyring/0 is decided.
absl::Status TieToKey(ledger::Keyring& keyring);

// Where files go (files.to): a store for all, or the folder files/ here, which may be one replica of several.
absl::StatusOr<std::unique_ptr<objects::ObjectStore>> OpenFiles(const RunOptions& options, const std::string& data_dir);

// The archive's line in the health, and what is backed up where it runs. All outlive what is returned.
admin::v1::ComponentHealth ArchiveHealth(const audit::Service& archive);
admin::BackupSource BackupOf(const ledger::Ledger* ledger, const audit::Service* archive, const std::string& data_dir);

// Whether this process has been told to end, which main() hears once everything has started.
bool ToldToStop();

}  // namespace yizhan::appliance
