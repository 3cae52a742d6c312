#include "audit/archive/exports.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "audit/archive/machine.h"
#include "audit/archive/workers.h"
#include "audit/archive/zip.h"
#include "audit/export_format/export_writer.h"
#include "base/ids.h"
#include "base/logging.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

namespace fs = std::filesystem;
using yizhan::audit::v1::AuditRecord;
using yizhan::audit::v1::Export;

constexpr uint32_t kMaxPiece = 1 << 20;
constexpr uint32_t kMaxPage = 200;

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
    YZ_ASSIGN_OR_RETURN(auto jobs, All());
    for (Export& job : jobs) {
      if (job.state() != Export::STATE_RUNNING) continue;
      job.set_state(Export::STATE_FAILED);
      job.set_problem("the process was stopped while this export ran; start it again");
      YZ_RETURN_IF_ERROR(Record(job));
    }
    return absl::OkStatus();
  }

  void Stop() override {
    stopping_ = true;
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
    command.done = [this, access_id, done = std::move(done)](absl::StatusOr<ledger::Command::Outcome> outcome) mutable {
      if (!outcome.ok()) return done(outcome.status());
      Export job;
      if (!job.ParseFromString(outcome->result)) return done(absl::InternalError("unreadable result"));
      if (!outcome->repeated && !workers_.Post([this, job, access_id]() mutable { Run(std::move(job), access_id); })) {
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
    std::ifstream in(ZipPath(job->export_id()), std::ios::binary);
    if (!in) return Refuse(absl::StatusCode::kDataLoss, "EXPORT_GONE", "the export's file is gone; start the export again");
    yizhan::audit::v1::ReadExportResponse response;
    response.set_size_bytes(job->size_bytes());
    if (request.offset() >= job->size_bytes()) return response;
    const uint64_t size = std::min<uint64_t>(request.size() == 0 ? kMaxPiece : std::min(request.size(), kMaxPiece), job->size_bytes() - request.offset());
    response.mutable_data()->resize(size);
    in.seekg(static_cast<std::streamoff>(request.offset()));
    if (!in.read(response.mutable_data()->data(), static_cast<std::streamsize>(size))) {
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

  // Commits how a job ended.
  absl::Status Record(Export job) {
    job.set_finished_at_us(absl::ToUnixMicros(absl::Now()));
    absl::Notification committed;
    absl::Status status;
    ledger::Command command;
    command.partition = kPartition;
    command.actor = "service:audit";
    command.decide = [&](const ledger::DecideContext&, const ledger::StateReader&) -> absl::StatusOr<ledger::Proposal> {
      return ledger::Proposal{{FinishedRecord(job)}, ""};
    };
    command.done = [&](absl::StatusOr<ledger::Command::Outcome> outcome) {
      status = outcome.status();
      committed.Notify();
    };
    options_.ledger->Submit(std::move(command));
    committed.WaitForNotification();
    return status;
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
      fs::remove(ZipPath(job.export_id()), error);
    }
    job.set_items_done(items_done_);
    job.set_items_total(items_total_);
    const absl::Status recorded = Record(job);
    log::Info("audit", "export ended").With("export", job.export_id()).With("items", job.items_done()).With("ok", status.ok() && recorded.ok());
    absl::MutexLock lock(&mutex_);
    running_id_.clear();
  }

  absl::Status Write(Export& job, const std::string& folder, const std::string& access_id) {
    // What stands in the ledger now shall be found, under one checkpoint.
    const auto view = options_.ledger->View(kPartition);
    const TreeState tree(view.get());
    YZ_ASSIGN_OR_RETURN(std::string note, tree.Checkpoint());
    YZ_ASSIGN_OR_RETURN(Checkpoint checkpoint, OpenCheckpoint(note, {options_.signer.key()}));
    for (int waited = 0; options_.searcher->indexed_end() < checkpoint.size; ++waited) {
      if (waited > 3000 || stopping_) return absl::UnavailableError("the search index is behind; try again later");
      absl::SleepFor(absl::Milliseconds(10));
    }
    std::vector<uint64_t> leaves;
    YZ_RETURN_IF_ERROR(options_.searcher->ForEach(job.search(), [&](uint64_t leaf, const OpenedItem&) {
      if (leaf < checkpoint.size) leaves.push_back(leaf);
      return !stopping_ && leaves.size() <= kMaxItems;
    }));
    if (leaves.size() > kMaxItems) {
      return absl::FailedPreconditionError(absl::StrCat("the search has more than ", kMaxItems, " hits, the most that an export holds; narrow it by time"));
    }
    std::reverse(leaves.begin(), leaves.end());  // oldest first
    items_total_ = leaves.size();

    YZ_ASSIGN_OR_RETURN(auto writer, ExportWriter::Create(folder, note));
    for (uint64_t leaf : leaves) {
      if (stopping_) return absl::CancelledError("the process stops; start the export again");
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
    return absl::OkStatus();
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
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> items_done_{0};
  std::atomic<uint64_t> items_total_{0};
  mutable absl::Mutex mutex_;
  std::string running_id_ ABSL_GUARDED_BY(mutex_);
  Workers workers_;  // last: its threads use the rest
};

}  // namespace

std::unique_ptr<Exports> Exports::Make(Options options) { return std::make_unique<ExportsImpl>(std::move(options)); }

}  // namespace yizhan::audit
