// Customer service, composed. A main does, in this order: make it (before Ledger::Start), Ledger::Start, Register(table),
// SetHub(server->ServeLink("desk", link_handler())), Start; at the end Stop, Ledger::Stop, then let go of it.
#pragma once

#include <string>
#include <vector>

#include "base/rpc/hub.h"
#include "base/rpc/service.h"
#include "desk/agents.h"
#include "desk/attendance.h"
#include "desk/core.h"
#include "desk/machine.h"
#include "desk/visitors.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"

namespace yizhan::desk {

class DeskService final : public rpc::LinkHandler {
 public:
  // Both outlive the service. Before Ledger::Start: registers the state machine and the listener.
  DeskService(ledger::Ledger* ledger, ledger::Keyring* keyring, Attendance::Patience patience = {});

  void Register(rpc::ServiceTable& table);
  rpc::LinkHandler* link_handler() { return this; }
  // Where events go; before calls come.
  void SetHub(rpc::Hub* hub) { hub_ = hub; }
  // After Ledger::Start: from here on, agents who are gone are taken from work.
  absl::Status Start();
  // Before Ledger::Stop.
  void Stop() { attendance_.Stop(); }

  absl::StatusOr<std::vector<std::string>> OnOpen(const std::string& edge_id, uint64_t session, const rpc::Principal& principal) override;
  void OnClose(const std::string& edge_id, uint64_t session, const rpc::Principal& principal) override;

 private:
  DeskMachine machine_;
  Core core_;
  Visitors visitors_;
  Agents agents_;
  Attendance attendance_;
  rpc::Hub* hub_ = nullptr;
};

}  // namespace yizhan::desk
