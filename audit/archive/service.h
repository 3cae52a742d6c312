// The archive as a service: what the mains start, and its calls.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/objects/object_store.h"
#include "base/rpc/service.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"

namespace yizhan::audit {

struct ServiceOptions {
  // The data folder: items in DIR/archive, the index in DIR/search, an export that is being written in DIR/exports, the signing key in DIR/keys/archive.key.
  std::string data_dir;
  // The log's name in checkpoints: "bank.example/archive".
  std::string origin;
  // Where the files of exports go. Outlives the service.
  objects::ObjectStore* files = nullptr;
  // Whether that is one replica of several: this machine then gets all files that it lacks.
  bool replicated_files = false;
};

class Service {
 public:
  // Before Ledger::Start: registers audit's state machine. Makes the signing key beside an empty log; FailedPrecondition when the log
  // has checkpoints and the key is gone.
  static absl::StatusOr<std::unique_ptr<Service>> Make(ledger::Ledger* ledger, const ledger::Keyring* keyring, ServiceOptions options);
  virtual ~Service() = default;

  // After Ledger::Start.
  virtual absl::Status Start() = 0;
  // Before Ledger::Stop: the exports end, the index is put on disk.
  virtual void Stop() = 0;
  // Before Start.
  virtual void Register(rpc::ServiceTable& table) = 0;

  // The verifier key (C2SP vkey).
  virtual std::string public_key() const = 0;
  // The latest signed note; empty before the first.
  virtual absl::StatusOr<std::string> checkpoint() const = 0;
  // The last seq of a partition that the archive holds.
  virtual uint64_t archived_seq(const ledger::PartitionId& partition) const = 0;
  // Ok, or why the archive does not get on.
  virtual absl::Status health() const = 0;
};

}  // namespace yizhan::audit
