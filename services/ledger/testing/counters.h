// A small service for tests of the ledger: counters, and a list for each key. Its records are text, so that a failing
// test reads well.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/ledger.h"

namespace yizhan::ledger::testing {

// A folder of its own, removed at the end: in memory (/dev/shm) where there is one and TMPDIR does not say otherwise,
// because most tests open and sync much and ask nothing of the disk.
class TempDir {
 public:
  TempDir();
  explicit TempDir(const std::string& below);
  ~TempDir();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Records of "NAME.Add": payload KEY '\t' VALUE. State: 'n' KEY -> how many (decimal), 'v' KEY '\0' u64 n -> VALUE. The
// value "!fail" makes Apply fail after it has written.
class Counters : public StateMachine {
 public:
  explicit Counters(std::string service = "im") : service_(std::move(service)) {}
  std::string_view service() const override { return service_; }
  absl::Status Apply(const Record& record, StateWriter& state) override;

 private:
  const std::string service_;
};

// Adds values to a key; the result is the count after the last of them.
Command Add(PartitionId partition, std::string key, std::vector<std::string> values, std::string request_id = "",
            std::string actor = "person:a");

// Submits and waits for the answer.
absl::StatusOr<Command::Outcome> Do(Ledger& ledger, Command command);

// The count of a key; 0 when unknown.
uint64_t CountOf(const StateReader& state, std::string_view key);

// Opens with {"im", 4}, registers `machine` and starts.
absl::StatusOr<std::unique_ptr<Ledger>> OpenAndStart(Options options, StateMachine* machine);
Options OptionsFor(const TempDir& dir);

}  // namespace yizhan::ledger::testing
