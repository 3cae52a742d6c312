// AdminService where the services are processes of their own: each tells of itself, and this puts it together.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "admin/service/admin_service.h"
#include "base/rpc/channel.h"
#include "base/rpc/service.h"

namespace yizhan::admin {

class Federation {
 public:
  struct Process {
    // "im": its name, before its parts' names.
    std::string name;
    rpc::Channel* channel = nullptr;
    // Whose partitions are decided there: "directory", "keyring".
    std::vector<std::string> owns;
  };
  // `own`: this process, whose parts come first. `archive`: which of the processes has the archive, and makes the
  // backups. All outlive it.
  Federation(AdminService* own, std::vector<Process> processes, std::string archive)
      : own_(own), processes_(std::move(processes)), archive_(std::move(archive)) {}

  // All of AdminService.
  void Register(rpc::ServiceTable& table);

 private:
  void GetHealth(const rpc::Context& context, rpc::Reply<yizhan::admin::v1::GetHealthResponse> reply);
  void ListPartitions(const rpc::Context& context, rpc::Reply<yizhan::admin::v1::ListPartitionStatesResponse> reply);

  AdminService* const own_;
  const std::vector<Process> processes_;
  const std::string archive_;
};

}  // namespace yizhan::admin
