// LedgerService/Follow, the owner's side: followers are answered as soon as there is something for them.
#pragma once

#include <memory>
#include <string>

#include "base/rpc/service.h"
#include "ledger/ledger.h"
#include "yizhan/ledger/v1/ledger_service.pb.h"

namespace yizhan::ledger {

class FollowServer {
 public:
  // The ledger outlives it.
  static std::unique_ptr<FollowServer> Make(Ledger* ledger);
  virtual ~FollowServer() = default;  // stops

  // Answers at once, or when a record comes or the wait is over, on a thread of its own. InvalidArgument for positions
  // that are none, NotFound for an unknown partition, OutOfRange for records that were cut, PermissionDenied
  // (NOT_YOURS_TO_FOLLOW) for a partition that the calling service has no business with, ResourceExhausted beyond 256
  // calls that wait.
  virtual void Follow(const rpc::Context& context, const yizhan::ledger::v1::FollowRequest& request,
                      rpc::Reply<yizhan::ledger::v1::FollowResponse> reply) = 0;
  // Answers who waits. Once the ledger takes no more commands, or before.
  virtual void Stop() = 0;
};

// Whether a service may follow another one's partitions: employees' conversations are no business of customer service.
bool MayFollow(std::string_view follower, std::string_view service);

}  // namespace yizhan::ledger
