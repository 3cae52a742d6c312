// LedgerService: a service's partitions, read from outside of its process.
#pragma once

#include "base/rpc/service.h"
#include "ledger/follow.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"

namespace yizhan::ledger {

// Registers the methods of yizhan.ledger.v1.LedgerService. All outlive the table's use.
void ServeLedger(const Ledger* ledger, Keyring* keyring, FollowServer* follow, rpc::ServiceTable* table);

}  // namespace yizhan::ledger
