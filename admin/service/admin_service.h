// What the console and the command line show of the installation. Reads no content.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "admin/backup/schedule.h"
#include "base/rpc/service.h"
#include "ledger/ledger.h"
#include "yizhan/admin/v1/admin_service.pb.h"

namespace yizhan::admin {

struct AdminOptions {
  // Null: a process without one.
  ledger::Ledger* ledger = nullptr;
  std::string data_dir;
  std::string version;
  // Each part's health, asked when somebody looks.
  std::vector<std::function<yizhan::admin::v1::ComponentHealth()>> checks;
  // The last seq of a partition that the archive holds; null where the archive is another process.
  std::function<uint64_t(const ledger::PartitionId&)> archived_seq;
  // Devices connected now.
  std::function<uint64_t()> sessions;
  // Who decides for the partitions, as the console shows it.
  std::string owner = "local";
  // Null: no place is configured.
  BackupSchedule* backup = nullptr;
};

// A part that works, or does not, with the sentence that says what to do.
yizhan::admin::v1::ComponentHealth Healthy(std::string name, std::string message);
yizhan::admin::v1::ComponentHealth Down(std::string name, const absl::Status& status);

// The worst of the parts.
yizhan::admin::v1::ComponentHealth::State Worst(const yizhan::admin::v1::GetHealthResponse& health);

class AdminService {
 public:
  explicit AdminService(AdminOptions options);
  void Register(rpc::ServiceTable& table);
  yizhan::admin::v1::GetHealthResponse Health() const;
  // Whether every part works: what readiness asks.
  bool ready() const;

 private:
  yizhan::admin::v1::ComponentHealth CheckLedger() const;
  yizhan::admin::v1::ComponentHealth CheckArchive() const;
  yizhan::admin::v1::ComponentHealth CheckDisk() const;
  yizhan::admin::v1::ListPartitionStatesResponse Partitions() const;

  const AdminOptions options_;
  const int64_t started_at_us_;
};

}  // namespace yizhan::admin
