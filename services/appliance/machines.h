// What every service makes of its records: for tools that replay or restore them.
#pragma once

#include <vector>

#include "audit/archive/machine.h"
#include "desk/machine.h"
#include "im/machine.h"
#include "ldap/service/machine.h"
#include "ledger/ledger.h"

namespace yizhan::appliance {

// All state machines but the keyring's, which its owner registers.
class Machines {
 public:
  std::vector<ledger::StateMachine*> services() { return {&audit_, &desk_, &directory_, &im_}; }

 private:
  audit::AuditMachine audit_;
  desk::DeskMachine desk_;
  directory::Machine directory_;
  im::Machine im_;
};

}  // namespace yizhan::appliance
