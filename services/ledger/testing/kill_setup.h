// What kill_test and the process that it kills have to agree on.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/ledger.h"

namespace yizhan::ledger::testing {

inline constexpr char kProjection[] = "copy";

inline Options KillOptions(const std::string& dir) {
  Options options;
  options.data_dir = dir;
  options.partitions = {{"im", 4}};
  options.min_free_bytes = 1;
  options.hooks.idempotence_window = 1'024;
  options.hooks.write_buffer_bytes = 64 << 10;
  return options;
}

inline PartitionId PartitionOfThread(int thread) { return {"im", static_cast<uint32_t>(thread) % 4}; }
inline std::string KeyOfThread(int thread) { return absl::StrCat("thread ", thread); }

inline std::string SnapshotPath(const std::string& dir, const PartitionId& id) {
  return absl::StrCat(dir, "/snapshot-", id.index);
}

// Counts, for each partition, the records that it has been handed, and remembers the last one's seq: both are the
// cursor, or something is wrong.
inline absl::StatusOr<std::vector<Ledger::ProjectionWrite>> KillProjection(const PartitionId& id,
                                                                           const std::vector<Record>& records) {
  return std::vector<Ledger::ProjectionWrite>{{id.ToString(), absl::StrCat(records.back().seq())}};
}

}  // namespace yizhan::ledger::testing
