// The visitor's side.
#pragma once

#include "base/rpc/service.h"
#include "desk/core.h"
#include "yizhan/desk/v1/visitor_service.pb.h"

namespace yizhan::rpc {
class Hub;
}

namespace yizhan::desk {

class Visitors {
 public:
  explicit Visitors(const Core* core) : core_(core) {}
  // Registers yizhan.desk.v1.VisitorService.
  void Register(rpc::ServiceTable& table, rpc::Hub* const* hub);

  // What a visitor's token stands for. Unauthenticated for an unknown or expired one.
  absl::StatusOr<rpc::Principal> Introspect(std::string_view token) const;

 private:
  void StartVisit(const rpc::Context& context, const yizhan::desk::v1::StartVisitRequest& request, rpc::Reply<yizhan::desk::v1::StartVisitResponse> reply);
  void SendLine(const rpc::Context& context, const yizhan::desk::v1::SendLineRequest& request, rpc::Reply<yizhan::desk::v1::SendLineResponse> reply);
  absl::StatusOr<yizhan::desk::v1::ListLinesResponse> ListLines(const std::string& customer_id, const yizhan::desk::v1::ListLinesRequest& request) const;
  void Rate(const rpc::Context& context, const yizhan::desk::v1::RateRequest& request, rpc::Reply<yizhan::desk::v1::RateResponse> reply);
  void EndVisit(const rpc::Context& context, rpc::Reply<yizhan::desk::v1::EndVisitResponse> reply);

  const Core* core_;
};

// A customer's place in their group's queue: 1 is next; 0 when they do not wait (or far behind the first thousand).
absl::StatusOr<uint32_t> QueuePlace(const Rows& rows, const Reception& reception);

// A reception as its customer may see it.
absl::StatusOr<Reception> ForCustomer(const Rows& rows, Reception reception, const ledger::Keyring& keyring);

}  // namespace yizhan::desk
