// yizhan.audit.v1.ArchiveService: each act of an auditor is recorded and in the log before its answer is given.
#pragma once

#include <memory>

#include "audit/archive/exports.h"
#include "audit/archive/intake.h"
#include "audit/archive/prover.h"
#include "audit/archive/searcher.h"
#include "base/rpc/service.h"
#include "ledger/ledger.h"

namespace yizhan::audit {

class ArchiveRpc {
 public:
  struct Parts {
    ledger::Ledger* ledger;
    Intake* intake;
    const Prover* prover;
    const Searcher* searcher;
    Exports* exports;
  };
  static std::unique_ptr<ArchiveRpc> Make(Parts parts);
  virtual ~ArchiveRpc() = default;
  virtual void Register(rpc::ServiceTable& table) = 0;
  virtual void Stop() = 0;
};

}  // namespace yizhan::audit
