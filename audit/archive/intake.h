// Takes every record of every partition into the log: leaf, tree, signed checkpoint, the archive's own copy. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "audit/archive/item_store.h"
#include "audit/tlog/note.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"

namespace yizhan::audit {

class Intake {
 public:
  struct Options {
    ledger::Ledger* ledger;
    const ledger::Keyring* keyring;
    ItemStore* items;
    NoteSigner signer;
    // Called on the intake's thread after items were added.
    std::function<void()> on_items;
    // At least this long between two checkpoints while nobody waits for one.
    absl::Duration interval = absl::Milliseconds(50);
  };

  static std::unique_ptr<Intake> Make(Options options);
  virtual ~Intake() = default;  // stops

  // Restores the item store where a crash cut it, then goes on in the background.
  virtual absl::Status Start() = 0;
  virtual void Stop() = 0;

  // Waits until a record is in the log under a signed checkpoint. DeadlineExceeded says that the archive is behind, and why.
  virtual absl::Status WaitFor(const ledger::PartitionId& partition, uint64_t seq, absl::Duration timeout) = 0;

  // The last seq of a partition that is in the log (or is the log itself).
  virtual uint64_t Taken(const ledger::PartitionId& partition) const = 0;
  // Why it does not get on; ok when it does.
  virtual absl::Status problem() const = 0;
  // The time of the latest checkpoint, microseconds since the epoch; 0 before the first.
  virtual int64_t checkpoint_time_us() const = 0;
};

}  // namespace yizhan::audit
