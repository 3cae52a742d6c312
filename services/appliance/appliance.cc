#include "appliance/appliance.h"

#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"
#include "admin/backup/schedule.h"
#include "admin/service/admin_service.h"
#include "admin/service/clock_watch.h"
#include "appliance/folder.h"
#include "appliance/front.h"
#include "appliance/parts.h"
#include "audit/archive/service.h"
#include "base/logging.h"
#include "base/rpc/server.h"
#include "base/status.h"
#include "desk/service.h"
#include "im/service.h"
#include "ldap/service/service.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"
#include "ledger/ledger_rpc.h"

namespace yizhan::appliance {
namespace {

class ApplianceImpl : public Appliance {
 public:
  explicit ApplianceImpl(const RunOptions& options) : options_(options) {}
  ~ApplianceImpl() override { Stop(); }

  absl::Status Run() {
    RaiseFileLimit();
    YZ_RETURN_IF_ERROR(CheckOptions(options_));
    YZ_RETURN_IF_ERROR(CheckSingle(options_.data_dir));
    YZ_RETURN_IF_ERROR(MakeFolder(options_.data_dir));
    YZ_RETURN_IF_ERROR(CheckRoom(options_.data_dir));
    YZ_RETURN_IF_ERROR(MakeServices());
    YZ_RETURN_IF_ERROR(RegisterCalls());
    YZ_RETURN_IF_ERROR(StartServices());
    YZ_RETURN_IF_ERROR(front_.Open(&table_, authenticator_.get(), addresses_));
    YZ_RETURN_IF_ERROR(Seed());
    YZ_RETURN_IF_ERROR(StartFront());
    if (cluster_) cluster_->TakePart();
    if (backup_) backup_->Start();
    clock_watch_.Start();
    return absl::OkStatus();
  }

  const Addresses& addresses() const override { return addresses_; }
  const Demonstration& demonstration() const override { return demonstration_; }

 private:
  // The ledger and what lives on it.
  absl::Status MakeServices() {
    ledger::Options ledger;
    ledger.data_dir = options_.data_dir;
    ledger.partitions = {{"directory", 1}, {"im", static_cast<uint32_t>(options_.im_partitions)}, {"desk", 1}, {"audit", 1}};
    if (options_.cluster.enabled()) {
      YZ_ASSIGN_OR_RETURN(cluster_, ClusterPart::Make(options_.cluster, options_.data_dir, YIZHAN_VERSION));
      cluster_->Prepare(ledger);
    }
    YZ_ASSIGN_OR_RETURN(ledger_, ledger::Ledger::Open(ledger));
    YZ_ASSIGN_OR_RETURN(keyring_, ledger::Keyring::Open(ledger_.get(), options_.data_dir));
    directory::Options directory = DirectoryOptions(options_, *keyring_);
    directory.session_ended = [this](std::string_view session_id, std::string_view) {
      if (rpc::Authenticator* authenticator = authenticator_ready_.load()) authenticator->Forget(session_id);
    };
    if (cluster_) directory.record_elsewhere = [this](std::string_view method, std::string request) { RecordElsewhere(method, std::move(request)); };
    directory_ = std::make_unique<directory::DirectoryService>(ledger_.get(), std::move(directory));
    im_ = std::make_unique<im::ImService>(ledger_.get(), keyring_.get());
    desk_ = std::make_unique<desk::DeskService>(ledger_.get(), keyring_.get());
    YZ_ASSIGN_OR_RETURN(files_, OpenFiles(options_, options_.data_dir));
    const bool replicated = cluster_ != nullptr && options_.files.place.empty();
    objects::ObjectStore* files = replicated ? cluster_->Replicate(std::move(files_)) : files_.get();
    YZ_ASSIGN_OR_RETURN(archive_, audit::Service::Make(ledger_.get(), keyring_.get(), {options_.data_dir, options_.domain + "/archive", files, replicated}));
    return absl::OkStatus();
  }

  // The ledger runs, this machine is up to date where it is one of several, and the services read what is there.
  absl::Status StartServices() {
    YZ_RETURN_IF_ERROR(ledger_->Start());
    if (cluster_) {
      cluster_->Attach(ledger_.get(), keyring_.get(), &table_);
      YZ_RETURN_IF_ERROR(StartInner());
      YZ_RETURN_IF_ERROR(cluster_->Join());
    } else {
      YZ_RETURN_IF_ERROR(StartInner());
    }
    YZ_RETURN_IF_ERROR(TieToKey(*keyring_));
    YZ_RETURN_IF_ERROR(directory_->Start());
    YZ_RETURN_IF_ERROR(im_->Start());
    YZ_RETURN_IF_ERROR(archive_->Start());
    YZ_RETURN_IF_ERROR(desk_->Start());
    addresses_.archive_public_key = archive_->public_key();
    return absl::OkStatus();
  }

  // The face for the services among themselves, and for the other machines.
  absl::Status StartInner() {
    rpc::ServerOptions inner;
    if (cluster_) cluster_->Prepare(inner);
    YZ_ASSIGN_OR_RETURN(inner_, rpc::Server::Start(std::move(inner), &table_, nullptr));
    auto serve_link = [this](const char* service, rpc::LinkHandler* handler) {
      return inner_->ServeLink(service, cluster_ ? cluster_->Share(service, handler) : handler);
    };
    im_hub_ = serve_link("im", im_->link_handler());
    im_->SetHub(im_hub_);
    desk_->SetHub(serve_link("desk", desk_->link_handler()));
    channel_ = inner_->channel();
    authenticator_ = rpc::MakeAuthenticator(channel_.get(), channel_.get());
    authenticator_ready_ = authenticator_.get();
    return absl::OkStatus();
  }

  // One table for all; an inner server for the services among themselves, an outer one for others.
  absl::Status RegisterCalls() {
    admin::AdminOptions admin;
    admin.ledger = ledger_.get();
    admin.data_dir = options_.data_dir;
    admin.version = YIZHAN_VERSION;
    admin.archived_seq = [this](const ledger::PartitionId& partition) { return archive_->archived_seq(partition); };
    admin.sessions = [this] { return static_cast<uint64_t>(im_hub_ ? im_hub_->sessions() : 0); };
    admin.checks = {
        [this] { return ArchiveHealth(*archive_); },
        [this] {
          return front_.linked() ? admin::Healthy("edge", "is linked to messaging and customer service")
                                 : admin::Down("edge", absl::UnavailableError("a link of the edge is down; it is opened again by itself"));
        },
    };
    admin.checks.push_back([this] { return clock_watch_.health(); });
    if (cluster_) {
      admin.checks.push_back([this] {
        const absl::Status status = cluster_->health();
        return status.ok() ? admin::Healthy("cluster", "this machine is up to date") : admin::Down("cluster", status);
      });
    }
    if (options_.backup.enabled()) {
      YZ_ASSIGN_OR_RETURN(backup_, admin::BackupSchedule::Make(options_.backup, BackupOf(ledger_.get(), archive_.get(), options_.data_dir), [this] { return ledger_->Owns({"audit", 0}); }));
      admin.backup = backup_.get();
    }
    admin_ = std::make_unique<admin::AdminService>(std::move(admin));

    directory_->Register(table_);
    im_->Register(table_);
    desk_->Register(table_);
    archive_->Register(table_);
    admin_->Register(table_);
    follow_ = ledger::FollowServer::Make(ledger_.get());
    ledger::ServeLedger(ledger_.get(), keyring_.get(), follow_.get(), &table_);
    for (const char* service : kServedServices) {
      for (const std::string& method : table_.Missing(service)) return absl::InternalError(absl::StrCat(service, " has no handler for ", method));
    }

    return absl::OkStatus();
  }

  // By the way of any call that another machine has to carry out.
  void RecordElsewhere(std::string_view method, std::string request) {
    rpc::CallOptions options;
    options.timeout = absl::Seconds(30);
    channel_->Call(absl::StrCat("/yizhan.directory.v1.SessionService/", std::string(method)), std::move(request), std::move(options),
                   [what = std::string(method)](absl::StatusOr<std::string> answer) {
                     if (!answer.ok()) log::Warning("directory", "something was not recorded").With("what", what).With("error", answer.status());
                   });
  }

  absl::Status Seed() {
    if (options_.bench_people > 0) YZ_RETURN_IF_ERROR(SeedBenchPeople(options_.bench_people, *directory_));
    if (options_.demonstration && !ledger_->Owns({"directory", 0})) {
      // Another machine of the cluster decides for the directory: there is one, so it has been seeded.
      YZ_ASSIGN_OR_RETURN(demonstration_, ShowDemonstration(options_.data_dir));
    } else if (options_.demonstration) {
      YZ_ASSIGN_OR_RETURN(demonstration_, SeedDemonstration(options_.data_dir, *directory_, *channel_));
    }
    return absl::OkStatus();
  }

  absl::Status StartFront() {
    YZ_RETURN_IF_ERROR(front_.Start(channel_.get(), authenticator_.get(), cluster_ != nullptr, addresses_));
    addresses_.widget_demo_url = WidgetDemoUrl(options_, addresses_.web_url, demonstration_.channel_id);
    return front_.Observe([this]() -> absl::Status { return admin_->ready() ? absl::OkStatus() : absl::UnavailableError("a part does not work; ask GetHealth which"); },
                          addresses_);
  }

  void Stop() {
    if (backup_) backup_->Stop();
    front_.Stop();
    authenticator_ready_ = nullptr;
    if (follow_) follow_->Stop();
    if (inner_) inner_->Stop();
    front_.Close();
    if (archive_) archive_->Stop();
    if (desk_) desk_->Stop();
    if (im_) im_->Stop();
    if (directory_) directory_->Stop();
    if (cluster_) cluster_->Leave();
    if (ledger_) ledger_->Stop();
    if (cluster_) cluster_->Close();
  }

  const RunOptions options_;
  Addresses addresses_;
  Demonstration demonstration_;
  // In the order in which they are made; they go in the reverse one.
  std::unique_ptr<ClusterPart> cluster_;  // null: a single machine
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<ledger::Keyring> keyring_;
  std::unique_ptr<directory::DirectoryService> directory_;
  std::unique_ptr<im::ImService> im_;
  std::unique_ptr<desk::DeskService> desk_;
  std::unique_ptr<objects::ObjectStore> files_;
  std::unique_ptr<audit::Service> archive_;
  admin::ClockWatch clock_watch_;
  std::unique_ptr<admin::BackupSchedule> backup_;  // null: no place is configured
  std::unique_ptr<admin::AdminService> admin_;
  std::unique_ptr<ledger::FollowServer> follow_;
  rpc::ServiceTable table_;
  std::unique_ptr<rpc::Server> inner_;
  rpc::Hub* im_hub_ = nullptr;
  std::unique_ptr<rpc::Channel> channel_;
  std::unique_ptr<rpc::Authenticator> authenticator_;
  std::atomic<rpc::Authenticator*> authenticator_ready_{nullptr};  // sessions may end before it is there
  Front front_{options_, options_.data_dir + "/tls"};
};

}  // namespace

absl::StatusOr<std::unique_ptr<Appliance>> Appliance::Start(const RunOptions& options) {
  auto appliance = std::make_unique<ApplianceImpl>(options);
  YZ_RETURN_IF_ERROR(appliance->Run());
  return appliance;
}

}  // namespace yizhan::appliance
