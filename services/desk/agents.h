// The agent's side.
#pragma once

#include "base/rpc/service.h"
#include "desk/core.h"
#include "yizhan/desk/v1/agent_service.pb.h"

namespace yizhan::rpc {
class Hub;
}

namespace yizhan::desk {

class Agents {
 public:
  explicit Agents(const Core* core) : core_(core) {}
  // Registers yizhan.desk.v1.AgentService.
  void Register(rpc::ServiceTable& table, rpc::Hub* const* hub);

 private:
  // Submits a decision about one reception and answers with the reception as it is then. `Response` has a field `reception`.
  template <typename Response>
  void Change(const rpc::Context& context, const std::string& request_id, Core::Decide decide, rpc::Reply<Response> reply);

  absl::StatusOr<yizhan::desk::v1::GetWorkbenchResponse> Workbench(const rpc::Context& context) const;
  absl::StatusOr<yizhan::desk::v1::ListReceptionsResponse> ListReceptions(const rpc::Context& context, const yizhan::desk::v1::ListReceptionsRequest& request) const;
  absl::StatusOr<yizhan::desk::v1::ListReceptionLinesResponse> ListLines(const rpc::Context& context, const yizhan::desk::v1::ListReceptionLinesRequest& request) const;
  void SetState(const rpc::Context& context, const yizhan::desk::v1::SetStateRequest& request, rpc::Reply<yizhan::desk::v1::SetStateResponse> reply);
  void SendReply(const rpc::Context& context, const yizhan::desk::v1::SendReplyRequest& request, rpc::Reply<yizhan::desk::v1::SendReplyResponse> reply);
  void Transfer(const rpc::Context& context, const yizhan::desk::v1::TransferRequest& request, rpc::Reply<yizhan::desk::v1::TransferResponse> reply);
  void PutGroup(const rpc::Context& context, const yizhan::desk::v1::PutServiceGroupRequest& request, rpc::Reply<yizhan::desk::v1::PutServiceGroupResponse> reply);
  void PutChannel(const rpc::Context& context, const yizhan::desk::v1::PutChannelRequest& request, rpc::Reply<yizhan::desk::v1::PutChannelResponse> reply);

  const Core* core_;
};

// Who asks, as rights go.
struct Asker {
  std::string id;
  bool supervisor = false;
};
Asker AskerOf(const rpc::Context& context);

// Whether someone may see a reception: its agent, who had it, a colleague while it waits in their group, a supervisor. NO_SUCH_RECEPTION
// otherwise.
absl::Status MaySee(const Rows& rows, const Asker& asker, const Reception& reception);

}  // namespace yizhan::desk
