// What a cluster whose machines are all dead has left in etcd: who had committed what, and the latest records.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "appliance/cluster_part.h"
#include "cluster/kv.h"
#include "ledger/partition.h"

namespace yizhan::appliance {

class ClusterLog {
 public:
  // Reads it. FailedPrecondition CLUSTER_ALIVE, naming them, while machines of it are registered; Unavailable when etcd
  // cannot be asked: whether they live is not known then. A cluster that never was has no heads.
  static absl::StatusOr<std::unique_ptr<ClusterLog>> OfDeadCluster(const ClusterOptions& options);

  // The last record that was committed, by partition.
  const std::map<ledger::PartitionId, uint64_t>& heads() const { return heads_; }
  // Committed records from `from` on, some 1 MiB; empty when the log does not have that one (any more).
  absl::StatusOr<std::vector<std::string>> Read(const ledger::PartitionId& partition, uint64_t from);

 private:
  explicit ClusterLog(std::unique_ptr<cluster::Kv> kv) : kv_(std::move(kv)) {}
  absl::StatusOr<cluster::RangeResult> Get(cluster::Range range);
  absl::StatusOr<cluster::RangeResult> GetAll(std::string_view prefix);

  const std::unique_ptr<cluster::Kv> kv_;
  std::map<ledger::PartitionId, uint64_t> heads_;
};

}  // namespace yizhan::appliance
