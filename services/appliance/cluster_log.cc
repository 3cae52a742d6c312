#include "appliance/cluster_log.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/status.h"
#include "cluster/etcd/etcd_kv.h"
#include "cluster/keys.h"
#include "yizhan/cluster/v1/store.pb.h"

namespace yizhan::appliance {
namespace {
constexpr absl::Duration kTimeout = absl::Seconds(10);
constexpr int64_t kEntries = 64;
}  // namespace

absl::StatusOr<std::unique_ptr<ClusterLog>> ClusterLog::OfDeadCluster(const ClusterOptions& options) {
  YZ_ASSIGN_OR_RETURN(auto kv, cluster::ConnectEtcd(EtcdOptionsOf(options)));
  auto log = std::unique_ptr<ClusterLog>(new ClusterLog(std::move(kv)));
  auto members = log->GetAll(cluster::keys::kMembers);
  if (!members.ok())
    return Annotate(members.status(),
                    "whether machines of the cluster are alive must be known, and etcd does not tell");
  if (!members->kvs.empty()) {
    std::string names;
    for (const auto& kv : members->kvs)
      absl::StrAppend(&names, names.empty() ? "" : ", ", *cluster::keys::NameIn(kv.key, cluster::keys::kMembers));
    return Refuse(absl::StatusCode::kFailedPrecondition, "CLUSTER_ALIVE",
                  absl::StrCat("machines of the cluster \"", options.name, "\" are alive: ", names,
                               "; nothing was changed. They have what was recorded: add a machine (yizhan cluster "
                               "add). To go back to a backup all the "
                               "same, stop them first"));
  }
  YZ_ASSIGN_OR_RETURN(const auto heads, log->GetAll(cluster::keys::kHeads));
  for (const auto& kv : heads.kvs) {
    const auto name = cluster::keys::NameIn(kv.key, cluster::keys::kHeads);
    const auto partition = ledger::PartitionId::Parse(name.value_or(""));
    cluster::v1::HeadInfo head;
    if (partition.ok() && head.ParseFromString(kv.value)) log->heads_[*partition] = head.seq();
  }
  return log;
}

absl::StatusOr<std::vector<std::string>> ClusterLog::Read(const ledger::PartitionId& partition, uint64_t from) {
  const std::string name = partition.ToString();
  YZ_ASSIGN_OR_RETURN(const auto entries, Get({cluster::keys::Log(name, from), cluster::keys::LogEnd(name), kEntries}));
  std::vector<std::string> records;
  for (const auto& kv : entries.kvs) {
    cluster::v1::LogEntry entry;
    if (!entry.ParseFromString(kv.value))
      return absl::DataLossError(absl::StrCat("etcd's entry ", kv.key, " is unreadable"));
    const uint64_t next = from + records.size();
    if (entry.first_seq() > next) break;
    for (uint64_t i = next - entry.first_seq(); i < static_cast<uint64_t>(entry.records_size()); ++i)
      records.push_back(entry.records(static_cast<int>(i)));
  }
  return records;
}

absl::StatusOr<cluster::RangeResult> ClusterLog::Get(cluster::Range range) {
  absl::Notification done;
  absl::StatusOr<cluster::RangeResult> result;
  kv_->Get(std::move(range), kTimeout, [&](absl::StatusOr<cluster::RangeResult> answer) {
    result = std::move(answer);
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

absl::StatusOr<cluster::RangeResult> ClusterLog::GetAll(std::string_view prefix) {
  return Get({std::string(prefix), cluster::PrefixEnd(std::string(prefix)), 0});
}

}  // namespace yizhan::appliance
