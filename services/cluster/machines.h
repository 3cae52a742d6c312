// The other machines of the cluster, by their inner faces.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/rpc/channel.h"
#include "cluster/node.h"
#include "cluster/replica.h"

namespace yizhan::cluster {

// Thread-safe. Channels are made at the first use and kept.
class Machines {
 public:
  using Connect =
      std::function<absl::StatusOr<std::unique_ptr<rpc::Channel>>(const std::string& node, const std::string& address)>;
  explicit Machines(Connect connect) : connect_(std::move(connect)) {}

  // Lives as long as this. Unavailable when it cannot be made.
  absl::StatusOr<rpc::Channel*> To(const std::string& node, const std::string& address);

 private:
  const Connect connect_;
  absl::Mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<rpc::Channel>> channels_ ABSL_GUARDED_BY(mutex_);
};

// Reads other machines' records by LedgerService/ReadRecords. `view` finds a machine's name by its address. All outlive
// it.
std::unique_ptr<Peers> MakePeers(Machines* machines, Loop* loop, std::function<std::shared_ptr<const View>()> view);

}  // namespace yizhan::cluster
