#include "audit/archive/service.h"



#include "absl/strings/str_cat.h"
#include "audit/archive/archive_rpc.h"
#include "audit/archive/exports.h"
#include "audit/archive/intake.h"
#include "audit/archive/item_store.h"
#include "audit/archive/machine.h"
#include "audit/archive/names.h"
#include "audit/archive/prover.h"
#include "audit/archive/restored.h"
#include "audit/archive/searcher.h"
#include "base/metrics.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

// The key of the folder, or a fresh one where none may be missing yet.
absl::StatusOr<NoteSigner> LoadSigner(const std::string& data_dir, const std::string& origin, bool may_make) {
  auto known = ReadSigner(data_dir);
  if (!absl::IsNotFound(known.status())) return known;
  if (!may_make) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "ARCHIVE_KEY_LOST",
                  absl::StrCat("the archive has signed checkpoints, but ", std::string(known.status().message()), "; restore it from the backup of the keys"));
  }
  YZ_ASSIGN_OR_RETURN(NoteSigner signer, NoteSigner::Generate(origin));
  YZ_RETURN_IF_ERROR(WriteSigner(data_dir, signer));
  return signer;
}

class ServiceImpl : public Service {
 public:
  ServiceImpl(ledger::Ledger* ledger, const ledger::Keyring* keyring, ServiceOptions options)
      : ledger_(ledger), keyring_(keyring), options_(std::move(options)) {}
  ~ServiceImpl() override { Stop(); }

  absl::Status Init() {
    ledger_->Register(&machine_);
    YZ_ASSIGN_OR_RETURN(ledger::PartitionInfo info, ledger_->Info(kPartition));
    YZ_ASSIGN_OR_RETURN(NoteSigner signer, LoadSigner(options_.data_dir, options_.origin, info.head == 0));
    YZ_ASSIGN_OR_RETURN(items_, ItemStore::Open(options_.data_dir + "/archive"));
    names_ = Names::Make(ledger_);
    YZ_ASSIGN_OR_RETURN(searcher_, Searcher::Open({items_.get(), keyring_, names_.get(), options_.data_dir + "/search"}));
    prover_ = std::make_unique<Prover>(ledger_, keyring_, items_.get(), signer.key());
    Intake::Options intake{ledger_, keyring_, items_.get(), signer, [this] { searcher_->Wake(); }};
    if (ledger_->replicated()) intake.interval = absl::Milliseconds(250);  // a commit of many machines costs each of them more
    intake_ = Intake::Make(std::move(intake));
    files_ = std::make_unique<ExportFiles>(options_.files, keyring_);
    exports_ = Exports::Make({ledger_, intake_.get(), prover_.get(), searcher_.get(), names_.get(), signer, files_.get(), options_.replicated_files, options_.data_dir + "/exports"});
    rpc_ = ArchiveRpc::Make({ledger_, intake_.get(), prover_.get(), searcher_.get(), exports_.get()});
    return absl::OkStatus();
  }

  absl::Status Start() override {
    YZ_RETURN_IF_ERROR(names_->Start());
    searcher_->Start();
    YZ_RETURN_IF_ERROR(intake_->Start());
    YZ_RETURN_IF_ERROR(exports_->Start());
    started_ = true;
    lag_ = std::make_unique<metrics::GaugeFunction>("yizhan_audit_lag_records", "Records in the ledger that the archive does not hold yet.", metrics::Labels{},
                                                    [this] { return static_cast<double>(Lag()); });
    indexed_ = std::make_unique<metrics::GaugeFunction>("yizhan_audit_indexed_leaves", "Leaves below this are searchable.", metrics::Labels{},
                                                        [this] { return static_cast<double>(searcher_->indexed_end()); });
    return absl::OkStatus();
  }

  void Stop() override {
    if (!started_) return;
    started_ = false;
    lag_.reset();
    indexed_.reset();
    rpc_->Stop();
    exports_->Stop();
    intake_->Stop();
    searcher_->Stop();
    names_->Stop();
  }

  void Register(rpc::ServiceTable& table) override { rpc_->Register(table); }
  std::string public_key() const override { return prover_->key().ToString(); }
  absl::StatusOr<std::string> checkpoint() const override {
    const auto view = ledger_->View(kPartition);
    return TreeState(view.get()).Checkpoint();
  }
  uint64_t archived_seq(const ledger::PartitionId& partition) const override { return intake_->Taken(partition); }
  absl::Status health() const override { return intake_->problem(); }

 private:
  uint64_t Lag() const {
    uint64_t lag = 0;
    for (const auto& partition : ledger_->Partitions()) {
      const uint64_t taken = intake_->Taken(partition.id);
      if (partition.head > taken) lag += partition.head - taken;
    }
    return lag;
  }

  ledger::Ledger* const ledger_;
  const ledger::Keyring* const keyring_;
  const ServiceOptions options_;
  AuditMachine machine_;
  std::unique_ptr<ItemStore> items_;
  std::unique_ptr<Names> names_;
  std::unique_ptr<Searcher> searcher_;
  std::unique_ptr<Prover> prover_;
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<ExportFiles> files_;
  std::unique_ptr<Exports> exports_;
  std::unique_ptr<ArchiveRpc> rpc_;
  std::unique_ptr<metrics::GaugeFunction> lag_, indexed_;
  bool started_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Service>> Service::Make(ledger::Ledger* ledger, const ledger::Keyring* keyring, ServiceOptions options) {
  auto service = std::make_unique<ServiceImpl>(ledger, keyring, std::move(options));
  YZ_RETURN_IF_ERROR(service->Init());
  return service;
}

}  // namespace yizhan::audit
