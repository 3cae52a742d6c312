// yizhan ledger dump|verify|replay: looking into a data folder that no process uses.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "ledger/ledger.h"

namespace yizhan::ledger {

struct LedgerCommand {
  enum class Action {
    // Every record as a line of JSON: the envelope, and the payload by its type where this program knows it; sealed
    // content stays sealed.
    kDump,
    // Reads everything and checks it: block checksums, contiguity, times, heads, request memory, snapshot files. Prints
    // each partition's digest.
    kVerify,
    // Applies all records again and compares the state (Ledger::Replay).
    kReplay,
  };
  Action action = Action::kDump;
  std::string data_dir;
  std::optional<PartitionId> partition;  // all without
  uint64_t from = 1;                     // kDump: the first seq
  bool json = false;                     // kVerify, kReplay: a line of JSON for each partition instead of text
  std::string scratch_dir;               // kReplay: where its store is made; empty: the system's temporary folder
};

inline constexpr char kLedgerUsage[] =
    "usage: yizhan ledger dump|verify|replay --data DIR [--partition im/3] [--from SEQ] [--json] [--scratch DIR]\n";

// Arguments behind "yizhan ledger". InvalidArgument says which one and why.
absl::StatusOr<LedgerCommand> ParseLedgerCommand(absl::Span<const std::string> arguments);

// Writes to `out` as it goes. The folder is opened for reading and held meanwhile: FailedPrecondition FOLDER_IN_USE
// when a process runs on it. The first problem found is the answer; verify goes on with the other partitions and prints
// theirs. `machines` are for replay (KeyringMachine among them).
absl::Status RunLedgerCommand(const LedgerCommand& command, absl::Span<StateMachine* const> machines,
                              std::ostream& out);

// Each partition's head in a folder that no process uses; opened for reading. Refused as RunLedgerCommand is.
absl::StatusOr<std::vector<PartitionInfo>> ReadHeads(const std::string& data_dir);

// The whole of it for a main(): parses, runs, prints errors and usage to `err`; the exit status (0 well, 1 not well, 2
// wrong arguments).
int LedgerMain(absl::Span<const std::string> arguments, absl::Span<StateMachine* const> machines, std::ostream& out,
               std::ostream& err);

}  // namespace yizhan::ledger
