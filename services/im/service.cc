#include "im/service.h"

#include <utility>

#include "base/status.h"
#include "im/machine.h"
#include "im/parts.h"

namespace yizhan::im {
namespace {

// Without state of its own: one serves every ledger of the process.
Machine& TheMachine() {
  static Machine machine;
  return machine;
}

}  // namespace

ImService::ImService(ledger::Ledger* ledger, ledger::Keyring* keyring, const Clock* clock)
    : parts_(std::make_unique<Parts>(ledger, keyring, clock)) {
  ledger->Register(&TheMachine());
  ledger->Listen(std::string(kServiceName),
                 [events = &parts_->events](const ledger::PartitionId& partition, absl::Span<const ledger::Record> records) {
                   events->OnCommitted(partition, records);
                 });
}

ImService::~ImService() = default;

absl::Status ImService::Start() { return parts_->people.Start(); }
void ImService::Stop() { parts_->people.Stop(); }
void ImService::Register(rpc::ServiceTable& table) { RegisterMethods(*parts_, table); }
void ImService::SetHub(rpc::Hub* hub) { parts_->events.SetHub(hub); }

absl::StatusOr<std::vector<std::string>> ImService::OnOpen(const std::string& edge_id, uint64_t session,
                                                           const rpc::Principal& principal) {
  YZ_ASSIGN_OR_RETURN(Caller caller, CallerOf(principal));
  YZ_ASSIGN_OR_RETURN(std::vector<std::string> topics, parts_->sync.ConversationIds(caller.no));
  topics.push_back(PersonTopic(caller.id));
  parts_->presence.Open({edge_id, session}, caller.no);
  return topics;
}

void ImService::OnClose(const std::string& edge_id, uint64_t session, const rpc::Principal& principal) {
  parts_->presence.Close({edge_id, session});
}

}  // namespace yizhan::im
