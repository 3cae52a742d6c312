// What a process of the product looks at before it opens its folder, and what it serves.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace yizhan::appliance {

// The services of the contract that people's programs may call: served in full.
inline constexpr const char* kServedServices[] = {
    "yizhan.admin.v1.AdminService",         "yizhan.audit.v1.ArchiveService",    "yizhan.desk.v1.AgentService",
    "yizhan.desk.v1.VisitorService",        "yizhan.directory.v1.DirectoryService", "yizhan.directory.v1.SessionService",
    "yizhan.im.v1.ConversationService",     "yizhan.im.v1.MessageService",       "yizhan.ledger.v1.LedgerService",
};

// Makes the data folder, readable by this user only.
absl::Status MakeFolder(const std::string& dir);

// FailedPrecondition (PROCESSES) for a folder that services as processes of their own have their data in.
absl::Status CheckSingle(const std::string& dir);

// The stores write files of their own when they are opened (logs are replayed into tables), and Debian's RocksDB aborts
// where a disk is full to the last byte. With less than the ledger wants for writing, but more than this, the product
// starts and reads. ResourceExhausted (DISK_FULL).
absl::Status CheckRoom(const std::string& dir);

// As many open files as this process may have.
void RaiseFileLimit();

}  // namespace yizhan::appliance
