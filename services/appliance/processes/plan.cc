#include "appliance/processes/plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"

namespace yizhan::appliance {

const std::vector<ServicePlan>& ServicePlans() {
  static const auto& plans = *new std::vector<ServicePlan>{
      {"directory", {"directory", "keyring"}, {}, true},
      {"im", {"im"}, {"directory", "keyring"}, true},
      {"desk", {"desk"}, {"directory", "keyring"}, true},
      {"audit", {"audit"}, {"directory", "keyring", "im", "desk"}, true},
      {"admin", {}, {}, false},
      {"edge", {}, {}, false},
  };
  return plans;
}

absl::StatusOr<ServicePlan> PlanOf(std::string_view service) {
  std::vector<std::string> names;
  for (const ServicePlan& plan : ServicePlans()) {
    if (plan.name == service) return plan;
    names.push_back(plan.name);
  }
  return Refuse(absl::StatusCode::kInvalidArgument, "NO_SERVICE",
                absl::StrCat("there is no service \"", std::string(service), "\"; there are ", absl::StrJoin(names, ", ")));
}

std::string ProcessFor(std::string_view method) {
  constexpr std::string_view kPrefix = "/yizhan.";
  if (method.substr(0, kPrefix.size()) == kPrefix) {
    method.remove_prefix(kPrefix.size());
    method = method.substr(0, method.find('.'));
  }
  // The ledger of all services, as far as people may look at it, is the archive's copy.
  if (method == "ledger") method = "audit";
  return PlanOf(method).ok() ? std::string(method) : "";
}

std::vector<ledger::PartitionId> PartitionsOf(const std::vector<std::string>& services, const RunOptions& options) {
  std::vector<ledger::PartitionId> partitions;
  for (const std::string& service : services) {
    const uint32_t count = service == "im" ? static_cast<uint32_t>(options.im_partitions) : 1;
    for (uint32_t i = 0; i < count; ++i) partitions.push_back({service, i});
  }
  return partitions;
}

namespace {
int IndexOf(std::string_view service) {
  const auto& plans = ServicePlans();
  return static_cast<int>(std::find_if(plans.begin(), plans.end(), [&](const ServicePlan& plan) { return plan.name == service; }) -
                          plans.begin());
}
}  // namespace

std::string FolderOf(const RunOptions& options, std::string_view service) {
  return absl::StrCat(options.data_dir, "/", std::string(service));
}

std::string InnerAddressOf(const RunOptions& options, std::string_view service) {
  return absl::StrCat("127.0.0.1:", options.inner_port_base + IndexOf(service));
}

int MetricsPortOf(const RunOptions& options, std::string_view service) {
  return service == "edge" ? PortOf(options, 4) : options.inner_port_base + 10 + IndexOf(service);
}

TlsPaths InnerTlsOf(const RunOptions& options, std::string_view service) {
  const std::string dir = FolderOf(options, service) + "/inner/";
  return {dir + "ca.pem", absl::StrCat(dir, kHouse, ".pem"), absl::StrCat(dir, kHouse, ".key")};
}

}  // namespace yizhan::appliance
