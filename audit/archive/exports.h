// Export jobs: a search, written as a folder that proves itself (docs/formats/export.md), packed as a .zip.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/archive/export_files.h"
#include "audit/archive/intake.h"
#include "audit/archive/prover.h"
#include "audit/archive/searcher.h"
#include "audit/tlog/note.h"
#include "ledger/ledger.h"
#include "yizhan/audit/v1/archive_service.pb.h"

namespace yizhan::audit {

class Exports {
 public:
  struct Options {
    ledger::Ledger* ledger;
    Intake* intake;
    const Prover* prover;
    const Searcher* searcher;
    const Names* names;
    NoteSigner signer;
    // Where finished exports go.
    ExportFiles* files;
    // Whether this machine keeps a replica of each.
    bool replicated_files;
    // DIR/exports: the one that is being written.
    std::string dir;
  };
  static std::unique_ptr<Exports> Make(Options options);
  virtual ~Exports() = default;  // stops; a job that runs is recorded as failed later, as below

  // From here on, where this machine decides for audit/0, a job that neither runs nor waits here is recorded as failed:
  // it was another process's, or another machine's. Where files have replicas, this machine gets those it lacks.
  // What an earlier process left of a job is removed.
  virtual absl::Status Start() = 0;
  virtual void Stop() = 0;

  // Records the job and begins it. `done` as in Ledger::Command. ResourceExhausted with eight jobs waiting.
  virtual void StartExport(const std::string& auditor_id, const std::string& access_id, const yizhan::audit::v1::StartExportRequest& request,
                           absl::AnyInvocable<void(absl::StatusOr<yizhan::audit::v1::Export>)> done) = 0;
  virtual absl::StatusOr<yizhan::audit::v1::ListExportsResponse> List(const yizhan::audit::v1::ListExportsRequest& request) const = 0;
  virtual absl::StatusOr<yizhan::audit::v1::ReadExportResponse> Read(const yizhan::audit::v1::ReadExportRequest& request) const = 0;
};

}  // namespace yizhan::audit
