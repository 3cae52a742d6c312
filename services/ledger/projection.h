// A reader of partitions with its own durable cursor, on a thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ledger/ledger.h"

namespace yizhan::ledger {

struct ProjectionOptions {
  // Unique; names the cursor's and the projection's own keys.
  std::string name;
  // The services whose partitions are read.
  std::vector<std::string> services;
  size_t max_bytes = 1 << 20;
};

// Reads every record of the sources once, in order within a partition, and hands them on in batches. The handler's
// writes are committed with the cursor in one write, unsynced: after a kill it goes on behind the last batch that was
// committed; a power cut may take the last batches back, cursor and writes together, and they are derived again. An
// effect outside of these writes may therefore happen twice: give it a request id made from the record's partition and
// seq.
class Projection {
 public:
  // Returns what to write under the projection's name; no key begins with a zero byte (those are the cursors). Called
  // on the projection's thread (during Start: on the caller's). An error is logged and the batch is tried again after a
  // second; the error is shown by problem().
  using Handler = std::function<absl::StatusOr<std::vector<Ledger::ProjectionWrite>>(const PartitionId&,
                                                                                     const std::vector<Record>&)>;

  Projection(Ledger* ledger, ProjectionOptions options, Handler handler);
  ~Projection();  // stops

  // Catches up with the heads as of now on the calling thread, then goes on in the background. After Ledger::Open;
  // before or after Ledger::Start. An error of the handler's is returned, and nothing goes on. Stop it before the
  // ledger goes.
  absl::Status Start();
  void Stop();

  // The last seq handled of a partition.
  uint64_t Cursor(const PartitionId& partition) const;
  // Why it does not get on; ok when it does.
  absl::Status problem() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace yizhan::ledger
