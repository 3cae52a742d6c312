#include "desk/service.h"

#include "desk/events.h"

namespace yizhan::desk {

DeskService::DeskService(ledger::Ledger* ledger, ledger::Keyring* keyring) : core_(ledger, keyring), visitors_(&core_), agents_(&core_) {
  ledger->Register(&machine_);
  ledger->Listen("desk", [this](const ledger::PartitionId&, absl::Span<const ledger::Record> records) {
    if (hub_ != nullptr) PublishRecords(core_, *hub_, records);
  });
}

void DeskService::Register(rpc::ServiceTable& table) {
  visitors_.Register(table, &hub_);
  agents_.Register(table, &hub_);
}

absl::StatusOr<std::vector<std::string>> DeskService::OnOpen(const std::string&, uint64_t, const rpc::Principal& principal) {
  return core_.Read([&](const Rows& rows) { return TopicsOf(rows, principal); });
}

void DeskService::OnClose(const std::string&, uint64_t, const rpc::Principal&) {}

}  // namespace yizhan::desk
