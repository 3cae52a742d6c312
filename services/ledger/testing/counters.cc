#include "ledger/testing/counters.h"

#include <stdlib.h>

#include <filesystem>
#include <future>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ledger/tables.h"

namespace yizhan::ledger::testing {

namespace {
std::string Below() {
  if (getenv("TMPDIR") == nullptr && std::filesystem::is_directory("/dev/shm")) return "/dev/shm";
  return std::filesystem::temp_directory_path().string();
}
}  // namespace

TempDir::TempDir() : TempDir(Below()) {}

TempDir::TempDir(const std::string& below) : path_(below + "/yizhan-ledger-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) abort();
}

TempDir::~TempDir() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

uint64_t CountOf(const StateReader& state, std::string_view key) {
  auto count = state.Get("n" + std::string(key));
  uint64_t n = 0;
  if (count.ok() && *count) (void)absl::SimpleAtoi(**count, &n);
  return n;
}

absl::Status Counters::Apply(const Record& record, StateWriter& state) {
  const std::string_view payload = record.payload();
  const size_t tab = payload.find('\t');
  if (tab == std::string_view::npos) return absl::DataLossError("not a counter's record");
  const std::string key(payload.substr(0, tab));
  const std::string_view value = payload.substr(tab + 1);
  const uint64_t n = CountOf(state, key) + 1;
  state.Put("n" + key, std::to_string(n));
  std::string list_key = "v" + key + '\0';
  AppendU64(list_key, n);
  state.Put(list_key, value);
  if (value == "!fail") return absl::InternalError("asked to fail");
  return absl::OkStatus();
}

Command Add(PartitionId partition, std::string key, std::vector<std::string> values, std::string request_id,
            std::string actor) {
  Command command;
  command.partition = std::move(partition);
  command.actor = std::move(actor);
  command.request_id = std::move(request_id);
  command.decide = [key = std::move(key), values = std::move(values)](
                       const DecideContext&, const StateReader& state) -> absl::StatusOr<Proposal> {
    Proposal proposal;
    for (const std::string& value : values) proposal.records.push_back({"test.Add", key + "\t" + value});
    proposal.result = std::to_string(CountOf(state, key) + values.size());
    return proposal;
  };
  command.done = [](absl::StatusOr<Command::Outcome>) {};
  return command;
}

absl::StatusOr<Command::Outcome> Do(Ledger& ledger, Command command) {
  std::promise<absl::StatusOr<Command::Outcome>> promise;
  auto answer = promise.get_future();
  command.done = [&](absl::StatusOr<Command::Outcome> outcome) { promise.set_value(std::move(outcome)); };
  ledger.Submit(std::move(command));
  return answer.get();
}

Options OptionsFor(const TempDir& dir) {
  Options options;
  options.data_dir = dir.path();
  options.partitions = {{"im", 4}};
  options.min_free_bytes = 1;
  return options;
}

absl::StatusOr<std::unique_ptr<Ledger>> OpenAndStart(Options options, StateMachine* machine) {
  YZ_ASSIGN_OR_RETURN(auto ledger, Ledger::Open(std::move(options)));
  ledger->Register(machine);
  YZ_RETURN_IF_ERROR(ledger->Start());
  return ledger;
}

}  // namespace yizhan::ledger::testing
