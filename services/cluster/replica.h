// This machine's copies of the partitions, as the cluster sees them: the ledger in production (ledger_replica.h), a
// simulated one in the simulator. Called on the loop; every `done` runs on the loop, never inside the call.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace yizhan::cluster {

// Contiguous records of one partition, serialised, as first written.
struct Run {
  std::string partition;
  uint64_t first_seq = 0;
  std::vector<std::string> records;

  uint64_t last_seq() const { return first_seq + records.size() - 1; }
};

class Replica {
 public:
  virtual ~Replica() = default;

  // "im/17", the same on every machine, in the order of their names.
  virtual const std::vector<std::string>& Partitions() const = 0;
  // The last record that is here; whole and applied.
  virtual uint64_t Head(const std::string& partition) const = 0;
  // Takes in what others have committed, in the order of calls. Overlap is skipped; OutOfRange for a gap, DataLoss for
  // bytes that do not fit.
  virtual void Ingest(std::vector<Run> runs, absl::AnyInvocable<void(absl::Status)> done) = 0;
  // From `done` on, commands are decided here; or not any more, and none is under way.
  virtual void Own(const std::string& partition, bool owned, absl::AnyInvocable<void(absl::Status)> done) = 0;
  // Puts on the disk what is here, and says how far that is.
  virtual void Sync(absl::AnyInvocable<void(absl::StatusOr<std::map<std::string, uint64_t>>)> done) = 0;
};

// The other machines' replicas, for what the cluster's log no longer holds.
class Peers {
 public:
  virtual ~Peers() = default;
  // Committed records from `from_seq` on, up to about 4 MiB, at least one if there is one; from the machine at
  // `address`. `done` as above.
  virtual void Fetch(const std::string& address, const std::string& partition, uint64_t from_seq,
                     absl::AnyInvocable<void(absl::StatusOr<std::vector<std::string>>)> done) = 0;
};

}  // namespace yizhan::cluster
