// The ledger: where records live, durable before they are acknowledged.
//
// A service registers a state machine, then submits commands. A command's decide() runs on the ledger's writer, alone
// for its partition, over the state that includes every earlier command, committed or on the way; it returns the
// records to append, or a refusal. The writer appends them, applies them to state, commits everything that came
// together in one write and one sync (through a Committer), and only then tells listeners and answers the commands.
// Nobody sees what is not durable.
//
// A ledger may be one replica of several. Each holds every partition; one of them owns a partition and decides its
// commands, the others follow: they are handed the very same records (Ingest), and so have the same state. Who owns
// what is for the caller to say (Own).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "ledger/hooks.h"
#include "ledger/partition.h"
#include "ledger/state.h"
#include "yizhan/ledger/v1/record.pb.h"

namespace yizhan::ledger {

using Record = yizhan::ledger::v1::Record;
class Committer;  // commit.h

// What a service makes of its records. Deterministic: no clock, no I/O, no randomness.
class StateMachine {
 public:
  virtual ~StateMachine() = default;
  // The service's name: partitions "NAME/*" are its.
  virtual std::string_view service() const = 0;
  // Applies one record, in order. An error while a command is carried out takes back everything of that command and
  // refuses it with this status: nothing was recorded. An error while committed records are replayed is DataLoss: the
  // state no longer follows from its records.
  virtual absl::Status Apply(const Record& record, StateWriter& state) = 0;
};

// A payload to append: type ("im.MessageSent") and the service's serialised record message.
struct NewRecord {
  std::string type;
  std::string payload;
};

// What decide() returns. No records and a result: nothing to change (an idempotent no-op), answered without a commit of
// its own.
struct Proposal {
  std::vector<NewRecord> records;
  // The command's answer: kept with the request id, so that a retry gets the same one.
  std::string result;
};

// What decide() may know beside the state.
struct DecideContext {
  PartitionId partition;
  // The time that all records of the command will carry: microseconds since the epoch, greater than that of the
  // partition's last record, whatever the clock does.
  int64_t time_us = 0;
  // The seq that the first record will carry.
  uint64_t next_seq = 0;
};

struct Command {
  PartitionId partition;
  // "person:ID", "visitor:ID", "service:NAME"; at most 256 bytes.
  std::string actor;
  // Idempotence key, unique for the actor; empty: none; at most 256 bytes. Remembered for the last 65,536 records of
  // the partition at least.
  std::string request_id;
  // Called at most once, on the writer. At most 4,096 records of at most 4 MiB each, 16 MiB together (or what the
  // Committer's limits allow, if that is less), or the command is refused.
  absl::AnyInvocable<absl::StatusOr<Proposal>(const DecideContext&, const StateReader&)> decide;
  struct Outcome {
    std::string result;
    // Seqs of the records appended; both 0 when there were none.
    uint64_t first_seq = 0;
    uint64_t last_seq = 0;
    // An earlier command with this request id had already done it.
    bool repeated = false;
  };
  // Called once, on the ledger's completion thread, in order of commit: must not block. A refusal is decide()'s own
  // status, or Unavailable (not committed; try again), NotOwner() (partition.h), ResourceExhausted (DISK_FULL; try
  // again), DataLoss (the store is damaged). What is refused before it is queued (queue full, unknown partition, one
  // that is not owned here, a Committer that does not answer, ledger not running, ids too long) is answered at once on
  // the submitting thread.
  absl::AnyInvocable<void(absl::StatusOr<Outcome>)> done;
};

struct Options {
  // The data folder; the ledger lives in DIR/ledger.
  std::string data_dir;
  // Partitions by service at creation: {"im", 16}. Fixed for the life of the folder.
  std::vector<std::pair<std::string, uint32_t>> partitions;
  // Commands waiting at most; beyond, Submit answers ResourceExhausted.
  size_t max_queued = 65'536;
  // Commands in one commit at most.
  size_t max_batch = 4'096;
  // Below this many free bytes on the disk, commands that would append records are refused with DISK_FULL; reading goes
  // on, and so do retries of what was done before and commands that change nothing.
  uint64_t min_free_bytes = 256ull << 20;
  // What makes a batch durable; outlives the ledger. Null: the embedded engine.
  Committer* committer = nullptr;
  // With a `committer`: while one commit has taken longer than this, Submit refuses at once with Unavailable NO_QUORUM;
  // what is queued stays. 0: never.
  absl::Duration stalled_after = absl::Seconds(2);
  // One replica of several: every partition is followed until Own() says otherwise. Without it all are owned.
  bool replicated = false;
  // For tests.
  Hooks hooks;
};

struct PartitionInfo {
  PartitionId id;
  uint64_t head = 0;
  uint64_t first = 1;
  int64_t head_time_us = 0;
  // Ok, or why the partition has stopped.
  absl::Status status;
};

// Records of a partition that another machine has committed: contiguous from first_seq, serialised as first written.
struct Arrived {
  PartitionId partition;
  uint64_t first_seq = 0;
  std::vector<std::string> records;
};

// What a replay found for one partition whose state follows from its records.
struct ReplayResult {
  PartitionId id;
  uint64_t seq = 0;      // up to which
  uint64_t records = 0;  // how many were applied
  std::string digest;    // hex
};

class Ledger {
 public:
  // Opens or creates. Refuses a folder of a newer format (FailedPrecondition, says which and what to do), one that
  // another process holds, or one with other partition counts; a damaged one is DataLoss and names the file or the
  // partition. A service that is new to the folder gets its partitions; one that the folder has and the options have
  // not is kept. {"keyring", 1} is always there.
  static absl::StatusOr<std::unique_ptr<Ledger>> Open(Options options);
  virtual ~Ledger() = default;

  // Before Start. The machine outlives the ledger. A service without partitions here is a mistake that Start reports.
  virtual void Register(StateMachine* machine) = 0;

  // Called on the completion thread for each partition of `service` whenever records have been applied to it, here as
  // its owner or after Ingest, in order of seq, before the done() of the commands or of the Ingest. Must not block.
  // Before Start.
  using Listener = absl::AnyInvocable<void(const PartitionId&, absl::Span<const Record>)>;
  virtual void Listen(std::string service, Listener listener) = 0;

  // Starts the writer. FailedPrecondition when a service has records and no machine.
  virtual absl::Status Start() = 0;
  // Refuses new commands, finishes those that wait, stops. Not from a callback of the ledger's. Once is enough; the
  // destructor calls it.
  virtual void Stop() = 0;

  virtual void Submit(Command command) = 0;

  // Options::replicated.
  virtual bool replicated() const = 0;
  // Whether commands on the partition are decided here; false for an unknown one.
  virtual bool Owns(const PartitionId& partition) const = 0;
  // Makes the partition one that is owned or one that is followed. Any thread; never waits: it is carried out on the
  // writer, in one order with Ingest, between two batches, so a Commit under way comes first. Commands that wait in the
  // queue are refused with NotOwner() when their turn comes after Own(false). `done` runs on the completion thread
  // behind everything that was committed before; before Start all happens at once. Refused: NotFound, an unknown
  // partition; DataLoss, its own status, when one that has stopped is to be owned; at once and on the calling thread,
  // Unavailable when the ledger has stopped, ResourceExhausted when 65,536 calls wait already.
  virtual void Own(const PartitionId& partition, bool owned, absl::AnyInvocable<void(absl::Status)> done) = 0;
  // Takes records that have been committed elsewhere into partitions that are followed: all of the batch in one write
  // (not synced: see Sync), byte for byte, with the state that follows from them and the memory of their requests.
  // Several entries may be of one partition. What is at or below the head already is skipped. Any thread; never waits:
  // it is carried out on the writer in the order of calls, between two batches. Then, on the completion thread and in
  // order with commits, listeners hear of the records, projections are woken, and `done` is called.
  //
  // `done` gets the first error; the entries without one have been taken all the same. OutOfRange: the entry begins
  // beyond head + 1, and nothing of it was taken. FailedPrecondition: the partition is owned here, or nothing in this
  // program understands it. NotFound: it is unknown. InvalidArgument: first_seq is 0. DataLoss: the bytes are not the
  // record of that partition and seq, or Apply refuses it: the partition has stopped before that record
  // (PartitionInfo::status) until the ledger is opened again. ResourceExhausted DISK_FULL: nothing was taken.
  // At once, on the calling thread: Unavailable when the ledger does not run; ResourceExhausted QUEUE_FULL beyond
  // 64 MiB of waiting records, or 65,536 waiting calls.
  virtual void Ingest(std::vector<Arrived> batch, absl::AnyInvocable<void(absl::Status)> done) = 0;
  // Brings what was ingested, or committed without a sync, onto the disk, and answers each partition's head as of
  // before the call: up to there the disk has it. Blocks as long as the disk takes; any thread, but not a callback of
  // the ledger's. ResourceExhausted DISK_FULL: not synced, call again. A disk that fails otherwise ends the process.
  virtual absl::StatusOr<std::vector<std::pair<PartitionId, uint64_t>>> Sync() = 0;

  // Committed state as of now: a consistent snapshot, for one thread. Bounded life: a view older than a minute hinders
  // compaction. Every call on the view of an unknown partition is NotFound.
  virtual std::unique_ptr<StateReader> View(const PartitionId& partition) const = 0;

  // Records from `from_seq` on, whole and in order, at least one if there is one, at most max_bytes; empty at the head.
  // OutOfRange before the first kept seq.
  virtual absl::StatusOr<std::vector<Record>> Read(const PartitionId& partition, uint64_t from_seq,
                                                   size_t max_bytes) const = 0;
  // The same, as stored bytes (what the archive commits to).
  struct RawRecord {
    uint64_t seq;
    std::string bytes;
  };
  virtual absl::StatusOr<std::vector<RawRecord>> ReadRaw(const PartitionId& partition, uint64_t from_seq,
                                                         size_t max_bytes) const = 0;

  virtual uint32_t PartitionCount(std::string_view service) const = 0;
  virtual std::vector<PartitionInfo> Partitions() const = 0;
  virtual absl::StatusOr<PartitionInfo> Info(const PartitionId& partition) const = 0;

  // SHA-256 over the partition's state in key order (big-endian u32 lengths of key and value before them), in hex, with
  // the seq it belongs to.
  struct Digest {
    uint64_t seq;
    std::string hex;
  };
  virtual absl::StatusOr<Digest> StateDigest(const PartitionId& partition) const = 0;

  // Applies the partition's records (all partitions', without one) from the first again, in a store of their own below
  // `scratch_dir`, and compares: state that does not follow from its records is DataLoss and says so. A log that was
  // cut is replayed from the snapshot that it was cut behind. Removes what it made. Beside a running ledger it replays
  // up to the heads as of now.
  virtual absl::StatusOr<std::vector<ReplayResult>> Replay(const std::string& scratch_dir,
                                                           std::optional<PartitionId> only) const = 0;

  // Writes the partition's state, and the records that idempotence needs, as of now into a file
  // (docs/formats/ledger.md). Answers its seq.
  virtual absl::StatusOr<uint64_t> WriteSnapshot(const PartitionId& partition, const std::string& path) = 0;
  // Fills an empty partition from a snapshot file. Before Start.
  virtual absl::Status LoadSnapshot(const PartitionId& partition, const std::string& path) = 0;
  // Drops the records up to and including `upto`. FailedPrecondition unless the newest snapshot covers them, its file
  // is there, and they are older than what idempotence remembers (65,536 records).
  virtual absl::Status CutLog(const PartitionId& partition, uint64_t upto) = 0;

  // A projection's own small store beside the partitions: keys under `name`, written with its cursor in one write.
  virtual absl::StatusOr<std::optional<std::string>> ProjectionGet(std::string_view name,
                                                                   std::string_view key) const = 0;
  virtual absl::Status ProjectionScan(std::string_view name, std::string_view prefix,
                                      absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const = 0;
  struct ProjectionWrite {
    std::string key;
    std::optional<std::string> value;  // nullopt deletes
  };
  virtual absl::Status ProjectionCommit(std::string_view name, const std::vector<ProjectionWrite>& writes) = 0;

  // Called on the completion thread after each commit or Ingest, whatever it touched: wakes projections. Must not
  // block.
  virtual void OnCommit(absl::AnyInvocable<void()> wake) = 0;
};

}  // namespace yizhan::ledger
