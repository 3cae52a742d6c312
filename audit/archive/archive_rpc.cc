#include "audit/archive/archive_rpc.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "audit/archive/machine.h"
#include "audit/archive/workers.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

using namespace yizhan::audit::v1;  // NOLINT: the contract's nouns are this file's

constexpr absl::Duration kArchiveWait = absl::Seconds(5);
constexpr size_t kMaxWaiting = 256;

absl::Status CheckPurpose(const Purpose& purpose) {
  if (purpose.case_id().empty() || purpose.case_id().size() > 400 || purpose.reason().empty() || purpose.reason().size() > 2'000) {
    return Refuse(absl::StatusCode::kInvalidArgument, "PURPOSE_MISSING",
                  "say why: purpose.case_id (1 to 100 characters) and purpose.reason (1 to 500 characters) go into the record of access");
  }
  return absl::OkStatus();
}

class ArchiveRpcImpl : public ArchiveRpc {
 public:
  explicit ArchiveRpcImpl(Parts parts) : parts_(parts), workers_(2, kMaxWaiting) {}
  void Stop() override { workers_.Stop(); }

  void Register(rpc::ServiceTable& table) override {
    const std::string service = "/yizhan.audit.v1.ArchiveService/";
    table.Unary<GetStatusRequest, GetStatusResponse>(service + "GetStatus", [this](const rpc::Context&, const GetStatusRequest&, rpc::Reply<GetStatusResponse> reply) {
      reply.Finish(Status());
    });
    table.Unary<SearchRequest, SearchResponse>(service + "Search", [this](const rpc::Context& context, const SearchRequest& request, rpc::Reply<SearchResponse> reply) {
      Accessed access = Act(context, "Search", request.purpose());
      *access.mutable_search() = request;
      Recorded(context, std::move(access), std::move(reply), [this, request](uint64_t seq) -> absl::StatusOr<SearchResponse> {
        YZ_ASSIGN_OR_RETURN(SearchResponse response, parts_.searcher->Search(request));
        response.set_access_id(absl::StrCat(seq));
        return response;
      });
    });
    table.Unary<ReadConversationRequest, ReadConversationResponse>(
        service + "ReadConversation", [this](const rpc::Context& context, const ReadConversationRequest& request, rpc::Reply<ReadConversationResponse> reply) {
          Accessed access = Act(context, "ReadConversation", request.purpose());
          access.set_subject(request.conversation_id());
          Recorded(context, std::move(access), std::move(reply), [this, request](uint64_t) { return parts_.searcher->ReadConversation(request); });
        });
    table.Unary<GetProofRequest, GetProofResponse>(service + "GetProof", [this](const rpc::Context& context, const GetProofRequest& request, rpc::Reply<GetProofResponse> reply) {
      Accessed access = Act(context, "GetProof", request.purpose());
      access.set_subject(absl::StrCat("leaf ", request.leaf_index()));
      Recorded(context, std::move(access), std::move(reply), [this, request](uint64_t) { return parts_.prover->Prove(request.leaf_index()); });
    });
    table.Unary<GetConsistencyProofRequest, GetConsistencyProofResponse>(
        service + "GetConsistencyProof", [this](const rpc::Context&, const GetConsistencyProofRequest& request, rpc::Reply<GetConsistencyProofResponse> reply) {
          reply.Finish(parts_.prover->ProveConsistency(request.old_size(), request.new_size()));
        });
    table.Unary<StartExportRequest, StartExportResponse>(service + "StartExport", [this](const rpc::Context& context, const StartExportRequest& request, rpc::Reply<StartExportResponse> reply) {
      StartExport(context, request, std::move(reply));
    });
    table.Unary<ListExportsRequest, ListExportsResponse>(service + "ListExports", [this](const rpc::Context&, const ListExportsRequest& request, rpc::Reply<ListExportsResponse> reply) {
      reply.Finish(parts_.exports->List(request));
    });
    table.Unary<ReadExportRequest, ReadExportResponse>(service + "ReadExport", [this](const rpc::Context& context, const ReadExportRequest& request, rpc::Reply<ReadExportResponse> reply) {
      if (request.offset() > 0) {  // a download is one act, recorded with its first piece
        Work(std::move(reply), [this, request] { return parts_.exports->Read(request); });
        return;
      }
      Purpose purpose;
      purpose.set_case_id("-");
      purpose.set_reason("download");
      Accessed access = Act(context, "ReadExport", purpose);
      access.set_subject(request.export_id());
      Recorded(context, std::move(access), std::move(reply), [this, request](uint64_t) { return parts_.exports->Read(request); });
    });
    table.Unary<VerifyArchiveRequest, VerifyArchiveResponse>(service + "VerifyArchive", [this](const rpc::Context& context, const VerifyArchiveRequest& request, rpc::Reply<VerifyArchiveResponse> reply) {
      Purpose purpose;
      purpose.set_case_id("-");
      purpose.set_reason("verification");
      Accessed access = Act(context, "VerifyArchive", purpose);
      access.set_subject(absl::StrCat("from leaf ", request.from_leaf()));
      Recorded(context, std::move(access), std::move(reply), [this, request](uint64_t) { return parts_.prover->Verify(request.from_leaf(), request.max_leaves()); });
    });
    table.Unary<ListAccessRequest, ListAccessResponse>(service + "ListAccess", [this](const rpc::Context&, const ListAccessRequest& request, rpc::Reply<ListAccessResponse> reply) {
      Work(std::move(reply), [this, request] { return ListAccess(request); });
    });
  }

 private:
  static Accessed Act(const rpc::Context& context, const std::string& action, const Purpose& purpose) {
    Accessed access;
    access.set_auditor_id(context.caller.id());
    access.set_action(action);
    *access.mutable_purpose() = purpose;
    return access;
  }

  // Runs `work` on a worker and answers with what it returns.
  template <typename Response, typename F>
  void Work(rpc::Reply<Response> reply, F work) {
    auto shared = std::make_shared<rpc::Reply<Response>>(std::move(reply));
    if (!workers_.Post([shared, work = std::move(work)]() mutable { shared->Finish(work()); })) {
      shared->Error(RefuseForNow(absl::StatusCode::kResourceExhausted, "ARCHIVE_BUSY", "the archive has too many requests waiting; try again in a moment", 1'000));
    }
  }

  // Records the act, waits until it is in the log, then does the work: nothing is shown that was not recorded.
  template <typename Response, typename F>
  void Recorded(const rpc::Context& context, Accessed access, rpc::Reply<Response> reply, F work) {
    if (absl::Status status = CheckPurpose(access.purpose()); !status.ok()) return reply.Error(status);
    auto shared = std::make_shared<rpc::Reply<Response>>(std::move(reply));
    ledger::Command command;
    command.partition = kPartition;
    command.actor = context.Actor();
    command.decide = [access = std::move(access)](const ledger::DecideContext&, const ledger::StateReader&) -> absl::StatusOr<ledger::Proposal> {
      AuditRecord record;
      *record.mutable_accessed() = access;
      return ledger::Proposal{{{std::string(kAccessed), record.SerializeAsString()}}, ""};
    };
    command.done = [this, shared, work = std::move(work)](absl::StatusOr<ledger::Command::Outcome> outcome) mutable {
      if (!outcome.ok()) return shared->Error(outcome.status());
      const uint64_t seq = outcome->first_seq;
      const bool taken = workers_.Post([this, shared, seq, work = std::move(work)]() mutable {
        if (absl::Status status = parts_.intake->WaitFor(kPartition, seq, kArchiveWait); !status.ok()) return shared->Error(status);
        shared->Finish(work(seq));
      });
      if (!taken) shared->Error(RefuseForNow(absl::StatusCode::kResourceExhausted, "ARCHIVE_BUSY", "the archive has too many requests waiting; try again in a moment", 1'000));
    };
    parts_.ledger->Submit(std::move(command));
  }

  void StartExport(const rpc::Context& context, const StartExportRequest& request, rpc::Reply<StartExportResponse> reply) {
    if (absl::Status status = CheckPurpose(request.search().purpose()); !status.ok()) return reply.Error(status);
    // The job's own record is the record of access. A query that cannot be read is refused before it.
    SearchRequest probe = request.search();
    probe.set_page_size(1);
    probe.clear_page_token();
    auto shared = std::make_shared<rpc::Reply<StartExportResponse>>(std::move(reply));
    const std::string auditor = context.caller.id();
    if (!workers_.Post([this, shared, request, probe, auditor] {
          if (auto readable = parts_.searcher->Search(probe); !readable.ok()) return shared->Error(readable.status());
          parts_.exports->StartExport(auditor, "", request, [shared](absl::StatusOr<Export> job) {
            if (!job.ok()) return shared->Error(job.status());
            StartExportResponse response;
            *response.mutable_export_() = *std::move(job);
            shared->Ok(response);
          });
        })) {
      shared->Error(RefuseForNow(absl::StatusCode::kResourceExhausted, "ARCHIVE_BUSY", "the archive has too many requests waiting; try again in a moment", 1'000));
    }
  }

  absl::StatusOr<GetStatusResponse> Status() const {
    const auto view = parts_.ledger->View(kPartition);
    const TreeState state(view.get());
    GetStatusResponse response;
    const uint64_t indexed_end = parts_.searcher->indexed_end();
    for (const auto& partition : parts_.ledger->Partitions()) {
      auto* coverage = response.add_coverage();
      coverage->set_partition(partition.id.ToString());
      coverage->set_head(partition.head);
      coverage->set_archived_seq(parts_.intake->Taken(partition.id));
      // Searchable: every record whose leaf is below the index's end.
      YZ_ASSIGN_OR_RETURN(uint64_t seq, state.LastBelow(coverage->partition(), indexed_end));
      coverage->set_indexed_seq(seq);
    }
    YZ_ASSIGN_OR_RETURN(CompactTree tree, state.Tree());
    YZ_ASSIGN_OR_RETURN(*response.mutable_checkpoint(), state.Checkpoint());
    response.set_tree_size(tree.size());
    response.set_checkpoint_time_us(parts_.intake->checkpoint_time_us());
    response.set_public_key(parts_.prover->key().ToString());
    response.set_unsearchable(parts_.searcher->unsearchable());
    response.set_problem(std::string(parts_.intake->problem().message()));
    return response;
  }

  absl::StatusOr<ListAccessResponse> ListAccess(const ListAccessRequest& request) const {
    YZ_ASSIGN_OR_RETURN(ledger::PartitionInfo info, parts_.ledger->Info(kPartition));
    uint64_t seq = info.head + 1;
    if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &seq)) {
      return Refuse(absl::StatusCode::kInvalidArgument, "BAD_PAGE_TOKEN", "this page token was not made here; begin again without one");
    }
    const uint32_t page = request.page_size() == 0 ? 50 : std::min<uint32_t>(request.page_size(), 200);
    SearchRequest search;
    search.add_sources(SOURCE_AUDIT);
    if (!request.auditor_id().empty()) search.add_person_ids(request.auditor_id());
    ListAccessResponse response;
    const auto view = parts_.ledger->View(kPartition);
    const TreeState state(view.get());
    absl::Status failed;
    YZ_RETURN_IF_ERROR(parts_.searcher->ForEach(search, [&](uint64_t leaf, const OpenedItem& opened) {
      if (opened.item.seq() >= seq) return true;
      if (static_cast<uint32_t>(response.entries_size()) == page) {
        response.set_next_page_token(response.entries(static_cast<int>(page) - 1).access_id());
        return false;
      }
      auto entry = Entry(opened.item.seq());
      if (!entry.ok()) {
        failed = entry.status();
        return false;
      }
      entry->set_leaf_index(leaf);
      entry->set_archived(true);
      *response.add_entries() = *std::move(entry);
      return true;
    }));
    YZ_RETURN_IF_ERROR(failed);
    return response;
  }

  absl::StatusOr<AccessEntry> Entry(uint64_t seq) const {
    YZ_ASSIGN_OR_RETURN(auto records, parts_.ledger->Read(kPartition, seq, 1));
    AccessEntry entry;
    entry.set_access_id(absl::StrCat(seq));
    if (records.empty()) return entry;
    AuditRecord record;
    if (!record.ParseFromString(records[0].payload())) return absl::DataLossError(absl::StrCat("audit/0 record ", seq, " is unreadable"));
    entry.set_time_us(records[0].time_us());
    if (record.has_accessed()) {
      entry.set_auditor_id(record.accessed().auditor_id());
      entry.set_action(record.accessed().action());
      *entry.mutable_purpose() = record.accessed().purpose();
      entry.set_detail(record.accessed().subject().empty() ? record.accessed().search().text() : record.accessed().subject());
    } else if (record.has_restored()) {
      entry.set_action("Restore");
      entry.set_detail(absl::StrCat("backup ", record.restored().backup_number(), "; ", record.restored().key()));
    } else {
      const bool started = record.has_export_started();
      const Export& job = started ? record.export_started() : record.export_finished();
      entry.set_auditor_id(job.auditor_id());
      entry.set_action(started ? "StartExport" : "FinishExport");
      *entry.mutable_purpose() = job.search().purpose();
      entry.set_detail(absl::StrCat(job.export_id(), " ", job.search().text()));
    }
    return entry;
  }

  const Parts parts_;
  Workers workers_;
};

}  // namespace

std::unique_ptr<ArchiveRpc> ArchiveRpc::Make(Parts parts) { return std::make_unique<ArchiveRpcImpl>(parts); }

}  // namespace yizhan::audit
