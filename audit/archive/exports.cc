#include "audit/archive/exports.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "audit/archive/machine.h"
#include "audit/archive/tables.h"
#include "audit/archive/workers.h"
#include "audit/archive/zip.h"
#include "audit/export_format/export_writer.h"
#include "base/ids.h"
#include "base/logging.h"
#include "base/status.h"
#include "base/thread_name.h"

namespace yizhan::audit {
namespace {

namespace fs = std::filesystem;
using yizhan::audit::v1::AuditRecord;
using yizhan::audit::v1::Export;

constexpr uint32_t kMaxPiece = ExportFiles::kPieceBytes;
constexpr uint32_t kMaxPage = 200;
constexpr absl::Duration kLookEvery = absl::Seconds(5);
constexpr absl::Duration kStopPatience = absl::Seconds(2);

ledger::NewRecord StartedRecord(const Export& job) {
  AuditRecord record;
  *record.mutable_export_started() = job;
  return {std::string(kExportStarted), record.SerializeAsString()};
}
ledger::NewRecord FinishedRecord(const Export& job) {
  AuditRecord record;
  *record.mutable_export_finished() = job;
  return {std::string(kExportFinished), record.SerializeAsString()};
}

absl::StatusOr<std::string> FileSha256(const std::string& path) {
  Sha256Stream hash;
  std::ifstream in(path, std::ios::binary);
  std::string buffer(1 << 16, '\0');
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    hash.Update(std::string_view(buffer.data(), static_cast<size_t>(in.gcount())));
  }
  if (!in.eof()) return absl::UnavailableError(absl::StrCat("cannot read ", path));
  return ToHex(hash.Finish().view());
}

class ExportsImpl : public Exports {
 public:
  explicit ExportsImpl(Options options) : options_(std::move(options)), workers_(1, 8) {}
  ~ExportsImpl() override { Stop(); }

  absl::Status Start() override {
    std::error_code error;
    fs::create_directories(options_.dir, error);
    fs::permissions(options_.dir, fs::perms::owner_all, error);
    if (error) return absl::UnavailableError(absl::StrCat("cannot make ", options_.dir, ": ", error.message()));
    YZ_RETURN_IF_ERROR(ClearAway());
    LookAfter();
    thread_ = std::thread([this] {
      NameThread("archive-exports");
      while (!stop_.WaitForNotificationWithTimeout(kLookEvery)) LookAfter();
    });
    return absl::OkStatus();
  }

  void Stop() override {
    if (!stop_.HasBeenNotified()) stop_.Notify();
    if (thread_.joinable()) thread_.join();
    workers_.Stop();
  }

  void StartExport(const std::string& auditor_id, const std::string& access_id, const yizhan::audit::v1::StartExportRequest& request,
                   absl::AnyInvocable<void(absl::StatusOr<Export>)> done) override {
    Export job;
    job.set_export_id(RandomId('e'));
    job.set_state(Export::STATE_RUNNING);
    *job.mutable_search() = request.search();
    job.mutable_search()->clear_page_token();
    job.mutable_search()->clear_page_size();
    job.set_auditor_id(auditor_id);
    job.set_started_at_us(absl::ToUnixMicros(absl::Now()));
    ledger::Command command;
    command.partition = kPartition;
    command.actor = "person:" + auditor_id;
    command.request_id = request.request_id();
    command.decide = [job](const ledger::DecideContext&, const ledger::StateReader&) -> absl::StatusOr<ledger::Proposal> {
      return ledger::Proposal{{StartedRecord(job)}, job.SerializeAsString()};
    };
    SetOurs(job.export_id(), true);  // before it can be seen
    command.done = [this, id = job.export_id(), access_id, done = std::move(done)](absl::StatusOr<ledger::Command::Outcome> outcome) mutable {
      Export job;
      const bool readable = outcome.ok() && job.ParseFromString(outcome->result);
      const bool posted = readable && !outcome->repeated && workers_.Post([this, job, access_id]() mutable { Run(std::move(job), access_id); });
      if (!posted) SetOurs(id, false);
      if (!outcome.ok()) return done(outcome.status());
      if (!readable) return done(absl::InternalError("unreadable result"));
      if (!posted && !outcome->repeated) {
        return done(RefuseForNow(absl::StatusCode::kResourceExhausted, "TOO_MANY_EXPORTS", "eight exports wait already; wait until one has ended", 10'000));
      }
      done(job);
    };
    options_.ledger->Submit(std::move(command));
  }

  absl::StatusOr<yizhan::audit::v1::ListExportsResponse> List(const yizhan::audit::v1::ListExportsRequest& request) const override {
    const size_t page = request.page_size() == 0 ? 50 : std::min(request.page_size(), kMaxPage);
    size_t from = 0;
    if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &from)) {
      return Refuse(absl::StatusCode::kInvalidArgument, "BAD_PAGE_TOKEN", "this page token was not made here; begin again without one");
    }
    YZ_ASSIGN_OR_RETURN(auto jobs, All());
    yizhan::audit::v1::ListExportsResponse response;
    for (size_t i = from; i < jobs.size() && i < from + page; ++i) {
      Export& job = jobs[i];
      if (job.state() == Export::STATE_RUNNING && job.export_id() == running_id()) {
        job.set_items_done(items_done_);
        job.set_items_total(items_total_);
      }
      *response.add_exports() = std::move(job);
    }
    if (from + page < jobs.size()) response.set_next_page_token(absl::StrCat(from + page));
    return response;
  }

  absl::StatusOr<yizhan::audit::v1::ReadExportResponse> Read(const yizhan::audit::v1::ReadExportRequest& request) const override {
    YZ_ASSIGN_OR_RETURN(auto jobs, All());
    auto job = std::find_if(jobs.begin(), jobs.end(), [&](const Export& e) { return e.export_id() == request.export_id(); });
    if (job == jobs.end()) return Refuse(absl::StatusCode::kNotFound, "NO_SUCH_EXPORT", "there is no export of this id");
    if (job->state() != Export::STATE_DONE) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "EXPORT_NOT_DONE", "this export has no file: it runs, or it failed");
    }
    yizhan::audit::v1::ReadExportResponse response;
    response.set_size_bytes(job->size_bytes());
    if (request.offset() >= job->size_bytes()) return response;
    const uint64_t size = std::min<uint64_t>(request.size() == 0 ? kMaxPiece : std::min(request.size(), kMaxPiece), job->size_bytes() - request.offset());
    YZ_ASSIGN_OR_RETURN(*response.mutable_data(), options_.files->Read(job->sha256(), request.offset(), size));
    if (response.data().empty()) {
      return Refuse(absl::StatusCode::kDataLoss, "EXPORT_DAMAGED", "the export's file is shorter than when it was written; start the export again");
    }
    return response;
  }

 private:
  std::string ZipPath(const std::string& id) const { return absl::StrCat(options_.dir, "/", id, ".zip"); }
  std::string running_id() const {
    absl::MutexLock lock(&mutex_);
    return running_id_;
  }

  absl::StatusOr<std::vector<Export>> All() const {
    std::vector<Export> jobs;
    YZ_RETURN_IF_ERROR(options_.ledger->View(kPartition)->Scan(ExportPrefix(), "", [&](std::string_view, std::string_view value) {
      Export job;
      if (job.ParseFromArray(value.data(), static_cast<int>(value.size()))) jobs.push_back(std::move(job));
      return true;
    }));
    return jobs;
  }

  void SetOurs(const std::string& id, bool ours) {
    absl::MutexLock lock(&mutex_);
    if (ours) {
      ours_.insert(id);
    } else {
      ours_.erase(id);
    }
  }
  bool IsOurs(const std::string& id) const {
    absl::MutexLock lock(&mutex_);
    return ours_.contains(id);
  }

  // What a process that was killed has left can be read; nothing runs yet. A finished export of an older version goes
  // where it belongs.
  absl::Status ClearAway() {
    YZ_ASSIGN_OR_RETURN(auto jobs, All());
    for (const Export& job : jobs) {
      if (job.state() == Export::STATE_DONE && fs::exists(ZipPath(job.export_id()))) YZ_RETURN_IF_ERROR(options_.files->Store(ZipPath(job.export_id()), job.sha256()));
    }
    std::error_code error;
    for (const auto& left : fs::directory_iterator(options_.dir, error)) fs::remove_all(left.path(), error);
    return error ? absl::UnavailableError(absl::StrCat("cannot clear ", options_.dir, ": ", error.message())) : absl::OkStatus();
  }

  // Jobs that nobody works on any more, and files that are not here. What fails is tried again the next time.
  void LookAfter() {
    auto jobs = All();
    if (!jobs.ok()) return;
    if (options_.ledger->Owns(kPartition)) {
      for (Export& job : *jobs) {
        if (job.state() != Export::STATE_RUNNING || IsOurs(job.export_id())) continue;
        job.set_state(Export::STATE_FAILED);
        job.set_problem("it was not carried out to its end: its process was stopped, or too many exports waited; start the export again");
        if (absl::Status status = Record(job); !status.ok()) log::Warning("audit", "an export that nobody works on is still recorded as running").With("export", job.export_id()).With("status", status);
      }
    }
    if (!options_.replicated_files) return;
    auto here = options_.files->Here();
    for (const Export& job : *jobs) {
      if (!here.ok() || stop_.HasBeenNotified()) return;
      if (job.state() != Export::STATE_DONE || gone_.contains(job.export_id())) continue;
      const absl::Status fetched = options_.files->Fetch(job.sha256(), job.size_bytes(), *here);
      if (absl::IsNotFound(fetched)) gone_.insert(job.export_id());
    }
  }

  // Commits how a job ended, once. Unavailable when this is stopped while nothing can be committed (a cluster without its quorum): LookAfter() does it
  // after the next start.
  absl::Status Record(Export job) {
    job.set_finished_at_us(absl::ToUnixMicros(absl::Now()));
    struct Outcome {
      absl::Notification known;
      absl::Status status;
    };
    auto outcome = std::make_shared<Outcome>();
    ledger::Command command;
    command.partition = kPartition;
    command.actor = "service:audit";
    command.decide = [job](const ledger::DecideContext&, const ledger::StateReader& state) -> absl::StatusOr<ledger::Proposal> {
      YZ_ASSIGN_OR_RETURN(auto known, state.Get(ExportKey(job.started_at_us(), job.export_id())));
      Export recorded;
      if (!known || !recorded.ParseFromString(*known) || recorded.state() != Export::STATE_RUNNING) {
        return Refuse(absl::StatusCode::kFailedPrecondition, "EXPORT_ENDED", "this export has been recorded as ended");
      }
      return ledger::Proposal{{FinishedRecord(job)}, ""};
    };
    command.done = [outcome](const absl::StatusOr<ledger::Command::Outcome>& result) {
      outcome->status = result.status();
      outcome->known.Notify();
    };
    options_.ledger->Submit(std::move(command));
    while (!outcome->known.WaitForNotificationWithTimeout(kStopPatience)) {
      if (stop_.HasBeenNotified()) return absl::UnavailableError("the process stops, and nothing can be committed");
    }
    return outcome->status;
  }

  void Run(Export job, const std::string& access_id) {
    {
      absl::MutexLock lock(&mutex_);
      running_id_ = job.export_id();
    }
    items_done_ = items_total_ = 0;
    const std::string folder = absl::StrCat(options_.dir, "/", job.export_id());
    const absl::Status status = Write(job, folder, access_id);
    std::error_code error;
    fs::remove_all(folder, error);
    if (status.ok()) {
      job.set_state(Export::STATE_DONE);
    } else {
      job.set_state(Export::STATE_FAILED);
      job.set_problem(std::string(status.message()));
    }
    fs::remove(ZipPath(job.export_id()), error);
    job.set_items_done(items_done_);
    job.set_items_total(items_total_);
    const absl::Status recorded = Record(job);
    log::Info("audit", "export ended").With("export", job.export_id()).With("items", job.items_done()).With("ok", status.ok() && recorded.ok());
    absl::MutexLock lock(&mutex_);
    running_id_.clear();
    ours_.erase(job.export_id());
  }

  absl::Status Write(Export& job, const std::string& folder, const std::string& access_id) {
    // What stands in the ledger now shall be found, under one checkpoint.
    const auto view = options_.ledger->View(kPartition);
    const TreeState tree(view.get());
    YZ_ASSIGN_OR_RETURN(std::string note, tree.Checkpoint());
    YZ_ASSIGN_OR_RETURN(Checkpoint checkpoint, OpenCheckpoint(note, {options_.signer.key()}));
    for (int waited = 0; options_.searcher->indexed_end() < checkpoint.size; ++waited) {
      if (waited > 3000 || stop_.HasBeenNotified()) return absl::UnavailableError("the search index is behind; try again later");
      absl::SleepFor(absl::Milliseconds(10));
    }
    std::vector<uint64_t> leaves;
    YZ_RETURN_IF_ERROR(options_.searcher->ForEach(job.search(), [&](uint64_t leaf, const OpenedItem&) {
      if (leaf < checkpoint.size) leaves.push_back(leaf);
      return !stop_.HasBeenNotified() && leaves.size() <= kMaxItems;
    }));
    if (leaves.size() > kMaxItems) {
      return absl::FailedPreconditionError(absl::StrCat("the search has more than ", kMaxItems, " hits, the most that an export holds; narrow it by time"));
    }
    std::reverse(leaves.begin(), leaves.end());  // oldest first
    items_total_ = leaves.size();

    YZ_ASSIGN_OR_RETURN(auto writer, ExportWriter::Create(folder, note));
    for (uint64_t leaf : leaves) {
      if (stop_.HasBeenNotified()) return absl::CancelledError("the process stops; start the export again");
      YZ_RETURN_IF_ERROR(AddItem(leaf, tree, checkpoint.size, *writer));
      ++items_done_;
    }
    Manifest about;
    about.export_id = job.export_id();
    about.case_id = job.search().purpose().case_id();
    about.reason = job.search().purpose().reason();
    about.auditor_id = job.auditor_id();
    about.auditor_name = options_.names->Who(job.auditor_id(), job.started_at_us()).name();
    about.access_id = access_id;
    about.created_us = job.started_at_us();
    std::string query;
    if (google::protobuf::util::MessageToJsonString(job.search(), &query).ok()) {
      auto json = ParseJson(query);
      if (json.ok()) about.query = *std::move(json);
    }
    for (const auto& partition : options_.ledger->Partitions()) {
      YZ_ASSIGN_OR_RETURN(uint64_t archived, tree.Cursor(partition.id.ToString()));
      about.coverage.push_back({partition.id.ToString(), archived, partition.head});
    }
    YZ_RETURN_IF_ERROR(writer->Finish(std::move(about), {options_.signer}).status());
    writer.reset();
    YZ_RETURN_IF_ERROR(ZipFolder(folder, job.export_id(), ZipPath(job.export_id())));
    job.set_size_bytes(fs::file_size(ZipPath(job.export_id())));
    YZ_ASSIGN_OR_RETURN(*job.mutable_sha256(), FileSha256(ZipPath(job.export_id())));
    return options_.files->Store(ZipPath(job.export_id()), job.sha256());
  }

  absl::Status AddItem(uint64_t leaf, const TreeState& tree, uint64_t size, ExportWriter& writer) {
    YZ_ASSIGN_OR_RETURN(OpenedItem opened, options_.searcher->Open(leaf));
    YZ_ASSIGN_OR_RETURN(auto proof, options_.prover->Prove(leaf));
    if (!proof.verified()) return absl::DataLossError(proof.message());
    ItemSource source;
    source.leaf_index = leaf;
    source.leaf_salt = proof.salt();
    if (!opened.commitment.empty()) source.disclosed = Disclosure{opened.salt, opened.content};
    source.conversation_title = opened.item.conversation_title();
    if (!opened.item.actor_id().empty()) source.names[opened.item.actor_id()] = opened.item.actor_name();
    YZ_ASSIGN_OR_RETURN(std::vector<Hash> inclusion, InclusionProof(tree, leaf, size));
    return writer.Add(std::move(source), proof.record(), inclusion).status();
  }

  const Options options_;
  absl::Notification stop_;
  std::atomic<uint64_t> items_done_{0};
  std::atomic<uint64_t> items_total_{0};
  mutable absl::Mutex mutex_;
  std::string running_id_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> ours_ ABSL_GUARDED_BY(mutex_);  // jobs that run or wait here
  std::set<std::string> gone_;  // exports that no machine has; of thread_'s
  std::thread thread_;
  Workers workers_;  // last: its threads use the rest
};

}  // namespace

std::unique_ptr<Exports> Exports::Make(Options options) { return std::make_unique<ExportsImpl>(std::move(options)); }

}  // namespace yizhan::audit
