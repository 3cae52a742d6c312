#include "desk/service.h"

#include <algorithm>

#include "base/status.h"
#include "desk/events.h"

namespace yizhan::desk {

namespace {

bool IsAgent(const rpc::Principal& principal) {
  const auto& roles = principal.roles();
  return principal.kind() == rpc::Principal::KIND_PERSON && std::find(roles.begin(), roles.end(), common::v1::ROLE_AGENT) != roles.end();
}

}  // namespace

DeskService::DeskService(ledger::Ledger* ledger, ledger::Keyring* keyring, Attendance::Patience patience)
    : core_(ledger, keyring), visitors_(&core_), agents_(&core_), attendance_(&core_, patience) {
  ledger->Register(&machine_);
  ledger->Listen("desk", [this](const ledger::PartitionId&, absl::Span<const ledger::Record> records) {
    if (hub_ != nullptr) PublishRecords(core_, *hub_, records);
  });
}

void DeskService::Register(rpc::ServiceTable& table) {
  visitors_.Register(table, &hub_);
  agents_.Register(table, &hub_);
}

absl::Status DeskService::Start() {
  YZ_ASSIGN_OR_RETURN(std::vector<std::string> at_work, core_.Read([](const Rows& rows) { return rows.AgentsAtWork(); }));
  attendance_.Start(at_work);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> DeskService::OnOpen(const std::string& edge_id, uint64_t session, const rpc::Principal& principal) {
  auto topics = core_.Read([&](const Rows& rows) { return TopicsOf(rows, principal); });
  if (topics.ok() && IsAgent(principal)) attendance_.Come(principal.id(), edge_id, session);
  return topics;
}

void DeskService::OnClose(const std::string& edge_id, uint64_t session, const rpc::Principal& principal) {
  if (IsAgent(principal)) attendance_.Go(principal.id(), edge_id, session);
}

}  // namespace yizhan::desk
