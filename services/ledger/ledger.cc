#include "ledger/ledger.h"

#include <atomic>
#include <mutex>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ledger/commit.h"
#include "ledger/completion.h"
#include "ledger/core.h"
#include "ledger/replay.h"
#include "ledger/rocks.h"
#include "ledger/snapshot.h"
#include "ledger/writer.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace yizhan::ledger {
namespace {

absl::Status Unknown(const PartitionId& id) {
  return absl::NotFoundError(absl::StrCat("there is no partition ", id.ToString(), " here"));
}

class SnapshotView : private Pinned, public StoredState {
 public:
  SnapshotView(const Store* store, uint32_t partition) : Pinned(store), StoredState(store, partition, Pinned::get()) {}
};

class NoView : public StateReader {
 public:
  explicit NoView(absl::Status status) : status_(std::move(status)) {}
  absl::StatusOr<std::optional<std::string>> Get(std::string_view) const override { return status_; }
  absl::Status Scan(std::string_view, std::string_view,
                    absl::FunctionRef<bool(std::string_view, std::string_view)>) const override {
    return status_;
  }
  absl::Status ScanBack(std::string_view, std::string_view,
                        absl::FunctionRef<bool(std::string_view, std::string_view)>) const override {
    return status_;
  }

 private:
  const absl::Status status_;
};

class LedgerImpl : public Ledger {
 public:
  LedgerImpl(Options options, std::unique_ptr<Folder> folder)
      : options_(std::move(options)),
        folder_(std::move(folder)),
        embedded_(MakeEmbeddedCommitter()),
        writer_(&options_, folder_.get(), options_.committer != nullptr ? options_.committer : embedded_.get(),
                &completion_) {
    for (auto& partition : folder_->partitions) partition->owned = !options_.replicated;
  }
  ~LedgerImpl() override { Stop(); }

  void Register(StateMachine* machine) override {
    if (ServiceCore* service = folder_->FindService(machine->service())) {
      service->machine = machine;
    } else {
      mistake_ = absl::FailedPreconditionError(
          absl::StrCat("the service '", std::string(machine->service()), "' has no partitions in this ledger"));
    }
  }

  void Listen(std::string service, Listener listener) override {
    if (ServiceCore* core = folder_->FindService(service)) {
      core->listeners.push_back(std::move(listener));
    } else {
      mistake_ = absl::FailedPreconditionError(
          absl::StrCat("the service '", service, "' has no partitions in this ledger to listen to"));
    }
  }

  absl::Status Start() override {
    YZ_RETURN_IF_ERROR(mistake_);
    for (const auto& partition : folder_->partitions) {
      if (partition->service->machine == nullptr && partition->head > 0) {
        return absl::FailedPreconditionError(absl::StrCat("partition ", partition->name, " has ",
                                                          partition->head.load(),
                                                          " records, and nothing in this program understands them"));
      }
    }
    started_ = true;
    completion_.Start();
    writer_.Start();
    return absl::OkStatus();
  }

  void Stop() override {
    std::lock_guard lock(stop_mutex_);
    writer_.Stop();
    completion_.Stop();
  }

  void Submit(Command command) override {
    PartitionCore* partition = folder_->Find(command.partition);
    if (partition == nullptr) return command.done(Unknown(command.partition));
    if (partition->service->machine == nullptr) {
      return command.done(absl::FailedPreconditionError(
          absl::StrCat("nothing in this program understands partition ", partition->name)));
    }
    writer_.Submit(partition, std::move(command));
  }

  bool replicated() const override { return options_.replicated; }

  bool Owns(const PartitionId& id) const override {
    const PartitionCore* partition = folder_->Find(id);
    return partition != nullptr && partition->owned.load(std::memory_order_acquire);
  }

  void Own(const PartitionId& id, bool owned, absl::AnyInvocable<void(absl::Status)> done) override {
    PartitionCore* partition = folder_->Find(id);
    if (partition == nullptr) return done(Unknown(id));
    if (!started_) return done(Writer::SetOwned(*partition, owned));
    writer_.Own(partition, owned, std::move(done));
  }

  void Ingest(std::vector<Arrived> batch, absl::AnyInvocable<void(absl::Status)> done) override {
    writer_.Ingest(std::move(batch), std::move(done));
  }

  absl::StatusOr<std::vector<std::pair<PartitionId, uint64_t>>> Sync() override {
    std::vector<std::pair<PartitionId, uint64_t>> heads;
    heads.reserve(folder_->partitions.size());
    for (const auto& partition : folder_->partitions)
      heads.emplace_back(partition->id, partition->head.load(std::memory_order_acquire));
    absl::Status synced = folder_->store->Sync();
    if (!synced.ok()) {
      writer_.LookForRoom();  // there may be nothing else to do it
      return synced;
    }
    return heads;
  }

  std::unique_ptr<StateReader> View(const PartitionId& id) const override {
    const PartitionCore* partition = folder_->Find(id);
    if (partition == nullptr) return std::make_unique<NoView>(Unknown(id));
    return std::make_unique<SnapshotView>(folder_->store.get(), partition->number);
  }

  absl::StatusOr<std::vector<RawRecord>> ReadRaw(const PartitionId& id, uint64_t from_seq,
                                                 size_t max_bytes) const override {
    const PartitionCore* partition = folder_->Find(id);
    if (partition == nullptr) return Unknown(id);
    return ReadRawRecords(*folder_->store, *partition, from_seq, partition->head.load(std::memory_order_acquire),
                          max_bytes);
  }

  absl::StatusOr<std::vector<Record>> Read(const PartitionId& id, uint64_t from_seq, size_t max_bytes) const override {
    YZ_ASSIGN_OR_RETURN(auto raw, ReadRaw(id, from_seq, max_bytes));
    const PartitionCore& partition = *folder_->Find(id);
    std::vector<Record> records;
    records.reserve(raw.size());
    for (const RawRecord& one : raw) {
      YZ_ASSIGN_OR_RETURN(records.emplace_back(), ParseRecord(partition, one.seq, one.bytes));
    }
    return records;
  }

  uint32_t PartitionCount(std::string_view service) const override {
    const ServiceCore* core = folder_->FindService(service);
    return core == nullptr ? 0 : core->count;
  }

  std::vector<PartitionInfo> Partitions() const override {
    std::vector<PartitionInfo> all;
    all.reserve(folder_->partitions.size());
    for (const auto& partition : folder_->partitions) all.push_back(InfoOf(*partition));
    return all;
  }

  absl::StatusOr<PartitionInfo> Info(const PartitionId& id) const override {
    const PartitionCore* partition = folder_->Find(id);
    if (partition == nullptr) return Unknown(id);
    return InfoOf(*partition);
  }

  absl::StatusOr<Digest> StateDigest(const PartitionId& id) const override {
    const PartitionCore* partition = folder_->Find(id);
    if (partition == nullptr) return Unknown(id);
    const Pinned pinned(folder_->store.get());
    YZ_ASSIGN_OR_RETURN(Head head, HeadOf(*folder_->store, partition->number, pinned.get()));
    YZ_ASSIGN_OR_RETURN(std::string digest, DigestState(*folder_->store, partition->number, pinned.get()));
    return Digest{head.seq, absl::BytesToHexString(digest)};
  }

  absl::StatusOr<std::vector<ReplayResult>> Replay(const std::string& scratch_dir,
                                                   std::optional<PartitionId> only) const override {
    if (only && folder_->Find(*only) == nullptr) return Unknown(*only);
    return ReplayFolder(*folder_, scratch_dir, only);
  }

  absl::StatusOr<uint64_t> WriteSnapshot(const PartitionId& id, const std::string& path) override {
    PartitionCore* partition = folder_->Find(id);
    if (partition == nullptr) return Unknown(id);
    return SavePartition(*folder_->store, *partition, path);
  }

  absl::Status LoadSnapshot(const PartitionId& id, const std::string& path) override {
    PartitionCore* partition = folder_->Find(id);
    if (partition == nullptr) return Unknown(id);
    if (started_) return absl::FailedPreconditionError("a snapshot is loaded before the ledger starts");
    if (partition->head > 0)
      return absl::FailedPreconditionError(
          absl::StrCat("partition ", partition->name, " is not empty; a snapshot would replace it"));
    YZ_RETURN_IF_ERROR(LoadPartition(*folder_->store, *partition, path, Loading::kWhole).status());
    return RecoverPartition(*folder_, *partition);
  }

  absl::Status CutLog(const PartitionId& id, uint64_t upto) override {
    PartitionCore* partition = folder_->Find(id);
    if (partition == nullptr) return Unknown(id);
    return CutPartition(*folder_->store, *partition, upto);
  }

  absl::StatusOr<std::optional<std::string>> ProjectionGet(std::string_view name, std::string_view key) const override {
    YZ_RETURN_IF_ERROR(CheckName(name));
    return folder_->store->Get(Table::kProjections, ProjectionKey(name, key));
  }

  absl::Status ProjectionScan(std::string_view name, std::string_view prefix,
                              absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const override {
    YZ_RETURN_IF_ERROR(CheckName(name));
    const std::string from = ProjectionKey(name, prefix);
    return folder_->store->Scan(
        Table::kProjections, from, PrefixEnd(from), nullptr,
        [&](std::string_view key, std::string_view value) { return visit(key.substr(1 + name.size()), value); });
  }

  absl::Status ProjectionCommit(std::string_view name, const std::vector<ProjectionWrite>& writes) override {
    YZ_RETURN_IF_ERROR(CheckName(name));
    rocksdb::WriteBatch batch;
    auto* table = folder_->store->table(Table::kProjections);
    for (const ProjectionWrite& write : writes) {
      const std::string key = ProjectionKey(name, write.key);
      if (write.value) {
        batch.Put(table, key, *write.value);
      } else {
        batch.Delete(table, key);
      }
    }
    // Not synced: what a crash takes is derived again, cursor and writes alike, from records that are there.
    rocksdb::Status status = folder_->store->db()->Write({}, &batch);
    if (status.IsIOError() && !status.IsNoSpace()) Die(FromRocks(status, "writing a projection").message());
    return FromRocks(status, "writing a projection");
  }

  void OnCommit(absl::AnyInvocable<void()> wake) override { completion_.OnCommit(std::move(wake)); }

 private:
  static PartitionInfo InfoOf(const PartitionCore& partition) {
    PartitionInfo info;
    info.id = partition.id;
    info.head = partition.head.load(std::memory_order_acquire);
    info.first = partition.first.load(std::memory_order_relaxed);
    info.head_time_us = partition.head_time_us.load(std::memory_order_relaxed);
    info.status = partition.status();
    return info;
  }
  static absl::Status CheckName(std::string_view name) {
    if (name.empty() || name.size() > 255) return absl::InvalidArgumentError("a projection's name has 1 to 255 bytes");
    return absl::OkStatus();
  }

  const Options options_;
  const std::unique_ptr<Folder> folder_;
  const std::unique_ptr<Committer> embedded_;
  Completion completion_;
  Writer writer_;
  absl::Status mistake_;
  std::atomic<bool> started_{false};
  std::mutex stop_mutex_;
};
}  // namespace

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Open(Options options) {
  YZ_ASSIGN_OR_RETURN(auto folder,
                      OpenFolder(options.data_dir, Store::Mode::kReadWrite, options.partitions, options.hooks));
  return std::make_unique<LedgerImpl>(std::move(options), std::move(folder));
}

}  // namespace yizhan::ledger
