// A simulated machine's ledger: records on a disk that keeps what was synced, and the writer that decides, commits and
// takes in, one thing after another.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "cluster/commit_log.h"
#include "cluster/replica.h"
#include "cluster/testing/sim_world.h"

namespace yizhan::cluster::testing {

// Outlives the processes of its machine.
struct SimDisk {
  struct Partition {
    std::vector<std::string> records;
    uint64_t synced = 0;
  };
  std::map<std::string, Partition> partitions;
  std::string cluster_id;
};

class SimReplica : public Replica {
 public:
  struct Hooks {
    // A record came to stand at this seq of this machine's replica.
    std::function<void(const std::string& partition, uint64_t seq, const std::string& record)> on_record;
    // The partition is decided here from now on, or not any more.
    std::function<void(const std::string& partition, bool owned)> on_own;
    // Hands a batch to the node.
    std::function<void(std::vector<CommitEntry>, CommitLog::Done)> commit;
  };
  SimReplica(SimWorld* world, Loop* loop, SimDisk* disk, Hooks hooks);

  const std::vector<std::string>& Partitions() const override { return names_; }
  uint64_t Head(const std::string& partition) const override { return disk_->partitions.at(partition).records.size(); }
  void Ingest(std::vector<Run> runs, absl::AnyInvocable<void(absl::Status)> done) override;
  void Own(const std::string& partition, bool owned, absl::AnyInvocable<void(absl::Status)> done) override;
  void Sync(absl::AnyInvocable<void(absl::StatusOr<std::map<std::string, uint64_t>>)> done) override;

  // A command: the record is the request's id, so a request that comes again is known by it. `done`: whether it is
  // recorded; false leaves it open.
  void Submit(const std::string& partition, std::string record, absl::AnyInvocable<void(bool)> done);

 private:
  struct Queued {
    std::string partition, record;
    absl::AnyInvocable<void(bool)> done;
  };
  void Work();
  void Step();
  void Batch();
  void Append(const std::string& partition, const std::string& record);
  absl::Status Take(const Run& run);

  SimWorld* const world_;
  Loop* const loop_;
  SimDisk* const disk_;
  const Hooks hooks_;
  std::vector<std::string> names_;
  std::set<std::string> owned_;
  std::map<std::string, std::set<std::string>> known_;
  std::deque<absl::AnyInvocable<void()>> tasks_;
  std::deque<Queued> queue_;
  bool busy_ = false, working_ = false;
};

}  // namespace yizhan::cluster::testing
