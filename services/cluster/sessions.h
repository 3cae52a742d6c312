// Devices that are connected to other machines. What people hear of one another beside the record (presence, who types,
// whether an agent is there) does not depend on which machine they came in at: each machine tells every other one which
// devices are connected to it and what they do, and each carries that out on its own services.
//
// Nothing of it is on the record. A machine that cannot be reached is told everything anew once it can; the devices of
// one that is no longer in the cluster are gone.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/rpc/hub.h"
#include "base/rpc/service.h"
#include "cluster/loop.h"
#include "cluster/machines.h"
#include "cluster/node.h"
#include "yizhan/cluster/v1/cluster_service.pb.h"

namespace yizhan::cluster {

class Sessions {
 public:
  struct Parts {
    std::string node;    // this machine's name
    uint64_t start = 0;  // random
    std::function<std::shared_ptr<const View>()> view;
    Loop* loop = nullptr;
    Machines* machines = nullptr;
    const rpc::ServiceTable* table = nullptr;
  };
  // All outlive it, and the loop has stopped before it goes.
  explicit Sessions(Parts parts);
  ~Sessions();

  // What a service's hub asks instead of the service's own handler. Lives as long as this. Before Start().
  rpc::LinkHandler* Share(std::string service, rpc::LinkHandler* handler);
  // Begins to tell the others.
  void Start();
  // Tells nobody any more, and takes nothing.
  void Stop();

  // A call was carried out here that others have to know (yizhan.common.v1.sharing). Any thread.
  void Called(const rpc::Context& context, const std::string& method, std::string request,
              yizhan::common::v1::Sharing sharing);

  // What another machine says. FailedPrecondition SESSIONS_UNKNOWN where it does not follow what is known here.
  absl::Status Take(const v1::ShareSessionsRequest& request);

  // Devices of other machines that are known here.
  size_t others() const;

 private:
  class Handler;
  class Telling;
  class Hearing;
  const std::shared_ptr<Telling> telling_;
  const std::shared_ptr<Hearing> hearing_;
  std::vector<std::unique_ptr<Handler>> handlers_;
};

// ClusterService/ShareSessions. `sessions` outlives the table's use; `ready` says whether this machine may answer yet.
void RegisterSessions(rpc::ServiceTable* table, Sessions* sessions, std::function<bool()> ready);

}  // namespace yizhan::cluster
