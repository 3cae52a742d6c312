#include "ledger/ledger_commands.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ledger/core.h"
#include "ledger/record_json.h"
#include "ledger/replay.h"
#include "ledger/snapshot.h"
#include "ledger/snapshot_file.h"

namespace yizhan::ledger {
namespace {
constexpr size_t kReadBytes = 4 << 20;

// Every record of a partition from a seq on; `visit` may end it with an error.
absl::Status ForEach(const Store& store, const PartitionCore& partition, uint64_t from,
                     absl::FunctionRef<absl::Status(const Record&)> visit) {
  for (uint64_t next = std::max(from, partition.first.load()); next <= partition.head.load();) {
    YZ_ASSIGN_OR_RETURN(auto records, ReadRawRecords(store, partition, next, partition.head.load(), kReadBytes));
    for (const auto& raw : records) {
      YZ_ASSIGN_OR_RETURN(Record record, ParseRecord(partition, raw.seq, raw.bytes));
      YZ_RETURN_IF_ERROR(visit(record));
    }
    next = records.back().seq + 1;
  }
  return absl::OkStatus();
}

absl::Status Wrong(const PartitionCore& partition, uint64_t seq, std::string_view what) {
  return Refuse(absl::StatusCode::kDataLoss, "DAMAGED_STORE",
                absl::StrCat("partition ", partition.name, ", seq ", seq, ": ", std::string(what)));
}

struct Verified {
  uint64_t records = 0;
  std::string digest;
};

absl::StatusOr<Verified> VerifyPartition(const Folder& folder, const PartitionCore& partition) {
  const Store& store = *folder.store;
  Verified verified;
  int64_t time_us = 0;
  Requests requests(partition.requests.window());
  YZ_RETURN_IF_ERROR(ForEach(store, partition, 1, [&](const Record& record) -> absl::Status {
    ++verified.records;
    if (record.time_us() < time_us) return Wrong(partition, record.seq(), "its time goes backwards");
    time_us = record.time_us();
    requests.Add(record.seq(), record.request_id().empty()
                                   ? 0
                                   : RequestFingerprint(folder.fingerprint_key, record.actor(), record.request_id()));
    if (record.seq() % kRequestBlock == 0 && record.seq() - kRequestBlock + 1 >= partition.first.load()) {
      YZ_ASSIGN_OR_RETURN(
          auto block, store.Get(Table::kRequests, RequestBlockKey(partition.number, record.seq() / kRequestBlock - 1)));
      if (block && *block != requests.EncodeBlock(record.seq()))
        return Wrong(partition, record.seq(), "the request memory does not follow from the records");
    }
    return absl::OkStatus();
  }));
  if (time_us != partition.head_time_us.load())
    return Wrong(partition, partition.head.load(), "the head's time is not that of the last record");
  auto mark = MarkOf(store, partition);
  if (mark.ok() && partition.first.load() > 1) {
    YZ_RETURN_IF_ERROR(Annotate(SnapshotReader::Open(mark->path).status(), absl::StrCat("partition ", partition.name)));
  } else if (!mark.ok() && (partition.first.load() > 1 || !absl::IsNotFound(mark.status()))) {
    return mark.status();
  }
  YZ_ASSIGN_OR_RETURN(const std::string digest, DigestState(store, partition.number, nullptr));
  verified.digest = absl::BytesToHexString(digest);
  return verified;
}

void Print(std::ostream& out, bool json, const PartitionCore& partition, uint64_t seq, uint64_t records,
           std::string_view digest, const absl::Status& status) {
  if (json) {
    nlohmann::ordered_json line = {
        {"partition", partition.name}, {"seq", seq}, {"first", partition.first.load()}, {"records", records}};
    if (status.ok()) {
      line["digest"] = digest;
    } else {
      line["problem"] = std::string(status.message());
    }
    out << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  } else if (status.ok()) {
    out << absl::StrCat(partition.name, "  seq ", seq, "  records ", records, "  digest ", std::string(digest), "\n");
  } else {
    out << absl::StrCat(partition.name, "  seq ", seq, "  PROBLEM: ", status.message(), "\n");
  }
}

absl::Status Verify(const LedgerCommand& command, const Folder& folder, std::ostream& out) {
  absl::Status first = folder.store->VerifyChecksums();
  if (!first.ok()) out << "PROBLEM: " << std::string(first.message()) << "\n";
  for (const auto& partition : folder.partitions) {
    if (command.partition && partition->id != *command.partition) continue;
    auto verified = VerifyPartition(folder, *partition);
    if (first.ok()) first = verified.status();
    Print(out, command.json, *partition, partition->head.load(), verified.ok() ? verified->records : 0,
          verified.ok() ? verified->digest : "", verified.status());
  }
  return first;
}

absl::Status Dump(const LedgerCommand& command, const Folder& folder, std::ostream& out) {
  for (const auto& partition : folder.partitions) {
    if (command.partition && partition->id != *command.partition) continue;
    YZ_RETURN_IF_ERROR(ForEach(*folder.store, *partition, command.from, [&](const Record& record) {
      out << RecordJson(record) << "\n";
      return out ? absl::OkStatus() : absl::UnavailableError("nobody reads the output any more");
    }));
  }
  return absl::OkStatus();
}

absl::Status Replay(const LedgerCommand& command, Folder& folder, absl::Span<StateMachine* const> machines,
                    std::ostream& out) {
  for (StateMachine* machine : machines) {
    if (ServiceCore* service = folder.FindService(machine->service())) service->machine = machine;
  }
  const std::string scratch =
      command.scratch_dir.empty() ? std::filesystem::temp_directory_path().string() : command.scratch_dir;
  absl::Status first;
  for (const auto& partition : folder.partitions) {
    if (command.partition && partition->id != *command.partition) continue;
    if (partition->head.load() == 0) continue;
    auto replayed = ReplayFolder(folder, scratch, partition->id);
    if (first.ok()) first = replayed.status();
    Print(out, command.json, *partition, partition->head.load(), replayed.ok() ? replayed->front().records : 0,
          replayed.ok() ? replayed->front().digest : "", replayed.status());
  }
  return first;
}
}  // namespace

absl::StatusOr<LedgerCommand> ParseLedgerCommand(absl::Span<const std::string> arguments) {
  LedgerCommand command;
  if (arguments.empty()) return absl::InvalidArgumentError("say what to do: dump, verify or replay");
  if (arguments[0] == "dump") {
    command.action = LedgerCommand::Action::kDump;
  } else if (arguments[0] == "verify") {
    command.action = LedgerCommand::Action::kVerify;
  } else if (arguments[0] == "replay") {
    command.action = LedgerCommand::Action::kReplay;
  } else {
    return absl::InvalidArgumentError(absl::StrCat("'", arguments[0], "' is none of dump, verify and replay"));
  }
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (name == "--json") {
      command.json = true;
      continue;
    }
    if (name != "--data" && name != "--partition" && name != "--from" && name != "--scratch") {
      return absl::InvalidArgumentError(absl::StrCat("unknown option '", name, "'"));
    }
    if (++i == arguments.size()) return absl::InvalidArgumentError(absl::StrCat(name, " needs a value"));
    const std::string& value = arguments[i];
    if (name == "--data") {
      command.data_dir = value;
    } else if (name == "--partition") {
      YZ_ASSIGN_OR_RETURN(command.partition, PartitionId::Parse(value));
    } else if (name == "--scratch") {
      command.scratch_dir = value;
    } else if (!absl::SimpleAtoi(value, &command.from) || command.from == 0) {
      return absl::InvalidArgumentError(absl::StrCat("--from ", value, " is not a seq; they begin with 1"));
    }
  }
  if (command.data_dir.empty()) return absl::InvalidArgumentError("--data says which folder");
  return command;
}

absl::Status RunLedgerCommand(const LedgerCommand& command, absl::Span<StateMachine* const> machines,
                              std::ostream& out) {
  YZ_ASSIGN_OR_RETURN(auto folder, OpenFolder(command.data_dir, Store::Mode::kReadOnly, {}, {}));
  if (command.partition && folder->Find(*command.partition) == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("there is no partition ", command.partition->ToString(), " in ", command.data_dir));
  }
  switch (command.action) {
    case LedgerCommand::Action::kDump:
      return Dump(command, *folder, out);
    case LedgerCommand::Action::kVerify:
      return Verify(command, *folder, out);
    case LedgerCommand::Action::kReplay:
      return Replay(command, *folder, machines, out);
  }
  return absl::InternalError("unknown action");
}

absl::StatusOr<std::vector<PartitionInfo>> ReadHeads(const std::string& data_dir) {
  YZ_ASSIGN_OR_RETURN(auto folder, OpenFolder(data_dir, Store::Mode::kReadOnly, {}, {}));
  std::vector<PartitionInfo> heads;
  for (const auto& partition : folder->partitions)
    heads.push_back({partition->id, partition->head, partition->first, partition->head_time_us, partition->status()});
  return heads;
}

int LedgerMain(absl::Span<const std::string> arguments, absl::Span<StateMachine* const> machines, std::ostream& out,
               std::ostream& err) {
  auto command = ParseLedgerCommand(arguments);
  if (!command.ok()) {
    err << "yizhan ledger: " << std::string(command.status().message()) << "\n" << kLedgerUsage;
    return 2;
  }
  absl::Status status = RunLedgerCommand(*command, machines, out);
  out.flush();
  if (status.ok()) return 0;
  err << "yizhan ledger: " << std::string(status.message()) << "\n";
  return 1;
}

}  // namespace yizhan::ledger
