// Which services there are where each is a process of its own: who decides for what, who follows whom, who answers what.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "appliance/options.h"
#include "base/tls.h"
#include "ledger/partition.h"

namespace yizhan::appliance {

struct ServicePlan {
  std::string name;
  // Whose partitions it decides for; none: a process without a ledger.
  std::vector<std::string> owns;
  // Whose it reads: it follows them, and holds what they hold.
  std::vector<std::string> follows;
  // Whether it seals or opens content, and so needs the installation's key.
  bool keyed = false;

  bool has_ledger() const { return !owns.empty(); }
};

// In the order in which they are best started.
const std::vector<ServicePlan>& ServicePlans();
// InvalidArgument (NO_SERVICE) names those that there are.
absl::StatusOr<ServicePlan> PlanOf(std::string_view service);
// The process that answers a method ("/yizhan.im.v1…", or "im" for short); empty: none.
std::string ProcessFor(std::string_view method);
// The partitions of some services.
std::vector<ledger::PartitionId> PartitionsOf(const std::vector<std::string>& services, const RunOptions& options);

// Where a service's process has its data, and its inner face.
std::string FolderOf(const RunOptions& options, std::string_view service);
std::string InnerAddressOf(const RunOptions& options, std::string_view service);
// Where it tells its metrics.
int MetricsPortOf(const RunOptions& options, std::string_view service);
// The files by which the processes know one another: DATA/SERVICE/inner/{ca.pem,HOUSE.pem,HOUSE.key}.
TlsPaths InnerTlsOf(const RunOptions& options, std::string_view service);
// The node's name in their certificates.
inline constexpr char kHouse[] = "house";

}  // namespace yizhan::appliance
