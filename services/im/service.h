// Messaging, composed. A main (or a test) does, in this order:
//
//   auto im = std::make_unique<im::ImService>(ledger, keyring);   // before Ledger::Start: registers machine and listener
//   ledger->Start();
//   im->Start();                                                  // people, as the directory has them now
//   im->Register(table);                                          // MessageService and ConversationService
//   im->SetHub(server->ServeLink("im", im->link_handler()));      // live events begin
//   ... and at the end, when the server has stopped: ledger->Stop(), then let go of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/rpc/hub.h"
#include "base/rpc/service.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"

namespace yizhan::im {

struct Parts;

class ImService final : public rpc::LinkHandler {
 public:
  // All outlive the service; `keyring` must be open. Before Ledger::Start.
  ImService(ledger::Ledger* ledger, ledger::Keyring* keyring, const Clock* clock = &RealClock());
  // After Ledger::Stop: commands on their way still answer through the service.
  ~ImService() override;

  // After Ledger::Start. Fails when the directory cannot be read.
  absl::Status Start();
  // Ends the reading of the directory. Before Ledger::Stop or after it.
  void Stop();

  // All methods of yizhan.im.v1.MessageService and ConversationService.
  void Register(rpc::ServiceTable& table);

  rpc::LinkHandler* link_handler() { return this; }
  // Where events go from now on; nullptr: nowhere.
  void SetHub(rpc::Hub* hub);

  // rpc::LinkHandler. A person's device hears all of the person's conversations and "person:ID". PermissionDenied NOT_A_PERSON for
  // others.
  absl::StatusOr<std::vector<std::string>> OnOpen(const std::string& edge_id, uint64_t session,
                                                  const rpc::Principal& principal) override;
  void OnClose(const std::string& edge_id, uint64_t session, const rpc::Principal& principal) override;

 private:
  std::unique_ptr<Parts> parts_;
};

}  // namespace yizhan::im
