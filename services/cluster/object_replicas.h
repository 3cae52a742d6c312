// Files on the disks of a cluster's machines: written on several, read from wherever they are.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/objects/object_store.h"
#include "base/rpc/executor.h"
#include "base/rpc/service.h"
#include "cluster/machines.h"
#include "cluster/node.h"

namespace yizhan::cluster {

// Objects of at most 4 MiB. Every machine's local store is one replica.
//
// Put() is ok when the object is on this machine's disk and, where others are there, on another one's at least; it asks
// all of them. Get() of what is not here asks the others, and keeps what it got. List() is what this machine has.
// Delete() is ok when this machine has it no more; one that is away keeps it. Errors as ObjectStore, and Unavailable
// (REPLICAS_AWAY) when those who are asked do not answer. Calls wait for the network: not from a callback.
class ObjectReplicas : public objects::ObjectStore {
 public:
  static constexpr size_t kMaxBytes = 4 << 20;

  struct Parts {
    std::string node;  // this machine's name
    std::unique_ptr<objects::ObjectStore> local;
    Machines* machines = nullptr;
    std::function<std::shared_ptr<const View>()> view;
  };
  // What is pointed to outlives it.
  explicit ObjectReplicas(Parts parts);

  absl::Status Put(const std::string& name, std::string_view bytes) override;
  absl::StatusOr<std::string> Get(const std::string& name) override;
  absl::StatusOr<std::vector<Object>> List(const std::string& prefix) override { return parts_.local->List(prefix); }
  absl::Status Delete(const std::string& name) override;
  const std::string& place() const override { return parts_.local->place(); }

  // ClusterService's methods about objects, for the others. It outlives the table's use; Stop() before that.
  void Register(rpc::ServiceTable* table);
  // Carries out what others have asked for, and nothing more.
  void Stop() { disk_.Stop(); }

 private:
  std::vector<View::Member> Others() const;

  const Parts parts_;
  rpc::Executor disk_{1};
};

}  // namespace yizhan::cluster
