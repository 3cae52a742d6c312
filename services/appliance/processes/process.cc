#include "appliance/processes/process.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "admin/backup/schedule.h"
#include "admin/service/admin_service.h"
#include "admin/service/clock_watch.h"
#include "admin/service/federation.h"
#include "appliance/folder.h"
#include "appliance/front.h"
#include "appliance/machines.h"
#include "appliance/parts.h"
#include "appliance/processes/neighbours.h"
#include "appliance/processes/plan.h"
#include "audit/archive/service.h"
#include "base/http/io_pool.h"
#include "base/http/observability.h"
#include "base/logging.h"
#include "base/rpc/server.h"
#include "base/status.h"
#include "desk/service.h"
#include "im/service.h"
#include "ldap/service/service.h"
#include "ledger/arrivals.h"
#include "ledger/follow.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"
#include "ledger/ledger_rpc.h"
#include "ledger/tail.h"
#include "yizhan/live/v1/edge_service.pb.h"

namespace yizhan::appliance {
namespace {

namespace fs = std::filesystem;

// Nobody waits for the archive's copy of a record, and its checkpoint is a second old.
constexpr absl::Duration kArchiveRests = absl::Milliseconds(20);

// What every process has: its inner face, the others', its health, its metrics.
class Process : public Appliance {
 public:
  Process(const RunOptions& options, ServicePlan plan) : options_(options), plan_(std::move(plan)), data_dir_(FolderOf(options, plan_.name)) {}

  const Addresses& addresses() const override { return addresses_; }
  const Demonstration& demonstration() const override { return demonstration_; }

 protected:
  absl::Status Prepare() {
    RaiseFileLimit();
    YZ_RETURN_IF_ERROR(CheckOptions(options_));
    std::error_code error;
    if (!fs::exists(InnerTlsOf(options_, plan_.name).certificate, error)) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "NOT_PREPARED",
                    absl::StrCat("the folder ", data_dir_, " has not been prepared for the service ", plan_.name,
                                 ": run `yizhan prepare` first"));
    }
    YZ_RETURN_IF_ERROR(CheckRoom(data_dir_));
    YZ_ASSIGN_OR_RETURN(neighbours_, Neighbours::Make(options_, plan_.name));
    return absl::OkStatus();
  }

  absl::Status StartInner() {
    rpc::ServerOptions inner;
    inner.inner_address = InnerAddressOf(options_, plan_.name);
    inner.inner_tls = InnerTlsOf(options_, plan_.name);
    inner.service_name = plan_.name;
    YZ_ASSIGN_OR_RETURN(inner_, rpc::Server::Start(std::move(inner), &table_, nullptr));
    return absl::OkStatus();
  }

  absl::Status Observe() {
    pool_ = std::make_unique<http::IoPool>(1);
    http::Observability::Checks checks;
    checks["services"] = [this]() -> absl::Status { return admin_->ready() ? absl::OkStatus() : absl::UnavailableError("a part does not work; ask GetHealth which"); };
    YZ_ASSIGN_OR_RETURN(observability_, http::Observability::Start(pool_.get(), absl::StrCat("127.0.0.1:", MetricsPortOf(options_, plan_.name)), std::move(checks)));
    addresses_.metrics_url = absl::StrCat("http://127.0.0.1:", observability_->port(), "/metrics");
    return absl::OkStatus();
  }

  const RunOptions options_;
  const ServicePlan plan_;
  const std::string data_dir_;
  Addresses addresses_;
  Demonstration demonstration_;
  rpc::ServiceTable table_;
  std::unique_ptr<Neighbours> neighbours_;
  std::unique_ptr<admin::AdminService> admin_;
  std::unique_ptr<rpc::Server> inner_;
  std::unique_ptr<http::IoPool> pool_;
  std::unique_ptr<http::Observability> observability_;
};

// One that decides for partitions: directory, im, desk, audit.
class OwnerProcess : public Process {
 public:
  using Process::Process;
  ~OwnerProcess() override { Stop(); }

  absl::Status Run() {
    YZ_RETURN_IF_ERROR(Prepare());
    YZ_RETURN_IF_ERROR(OpenLedger());
    YZ_RETURN_IF_ERROR(MakeService());
    YZ_RETURN_IF_ERROR(RegisterCalls());
    YZ_RETURN_IF_ERROR(ledger_->Start());
    YZ_RETURN_IF_ERROR(StartInner());
    SetHubs();
    YZ_RETURN_IF_ERROR(CatchUp());
    YZ_RETURN_IF_ERROR(StartService());
    open_ = true;
    YZ_RETURN_IF_ERROR(Seed());
    if (backup_) backup_->Start();
    return Observe();
  }

 private:
  absl::Status OpenLedger() {
    ledger::Options options;
    options.data_dir = data_dir_;
    options.replicated = true;
    std::vector<std::string> services = plan_.owns;
    services.insert(services.end(), plan_.follows.begin(), plan_.follows.end());
    for (const std::string& service : services) {
      if (service != "keyring") options.partitions.emplace_back(service, PartitionsOf({service}, options_).size());
    }
    YZ_ASSIGN_OR_RETURN(ledger_, ledger::Ledger::Open(options));
    YZ_ASSIGN_OR_RETURN(keyring_, ledger::Keyring::Open(ledger_.get(), data_dir_));
    // What is followed has to be understood.
    for (ledger::StateMachine* machine : machines_.services()) {
      if (std::find(plan_.follows.begin(), plan_.follows.end(), machine->service()) != plan_.follows.end()) ledger_->Register(machine);
    }
    for (const ledger::PartitionId& partition : PartitionsOf(plan_.owns, options_)) {
      absl::Status owned;
      ledger_->Own(partition, true, [&owned](absl::Status status) { owned = std::move(status); });
      YZ_RETURN_IF_ERROR(owned);
    }
    arrivals_ = std::make_unique<ledger::Arrivals>(ledger_.get());
    for (const ServicePlan& owner : ServicePlans()) {
      std::vector<std::string> followed;
      for (const std::string& service : plan_.follows) {
        if (std::find(owner.owns.begin(), owner.owns.end(), service) != owner.owns.end()) followed.push_back(service);
      }
      if (!followed.empty())
        tails_.push_back(ledger::Tail::Make(ledger_.get(), neighbours_->Raw(owner.name), owner.name, PartitionsOf(followed, options_),
                                            plan_.name == "audit" ? kArchiveRests : absl::ZeroDuration()));
    }
    keyring_->SetRemote([this](std::string key_id, absl::AnyInvocable<void(absl::Status)> done) {
      ledger::EnsureRemoteDataKey(neighbours_->To("directory"), arrivals_.get(), std::move(key_id), std::move(done));
    });
    return absl::OkStatus();
  }

  absl::Status MakeService() {
    if (plan_.name == "directory") {
      directory::Options directory = DirectoryOptions(options_, *keyring_);
      directory.session_ended = [this](std::string_view session_id, std::string_view) { ForgetSession(session_id); };
      directory_ = std::make_unique<directory::DirectoryService>(ledger_.get(), std::move(directory));
    } else if (plan_.name == "im") {
      im_ = std::make_unique<im::ImService>(ledger_.get(), keyring_.get());
    } else if (plan_.name == "desk") {
      desk_ = std::make_unique<desk::DeskService>(ledger_.get(), keyring_.get());
    } else {
      YZ_ASSIGN_OR_RETURN(files_, OpenFiles(options_, data_dir_));
      YZ_ASSIGN_OR_RETURN(archive_, audit::Service::Make(ledger_.get(), keyring_.get(), {data_dir_, options_.domain + "/archive", files_.get()}));
    }
    return absl::OkStatus();
  }

  // What the edge remembers of a token counts no more: at once, and not only when it asks again.
  void ForgetSession(std::string_view session_id) {
    yizhan::live::v1::ForgetSessionRequest request;
    request.set_session_id(std::string(session_id));
    neighbours_->To("edge")->Call("/yizhan.live.v1.EdgeService/ForgetSession", request.SerializeAsString(), rpc::Within(absl::Seconds(5)),
                                  [](const absl::StatusOr<std::string>&) {});
  }

  absl::Status RegisterCalls() {
    admin::AdminOptions admin;
    admin.ledger = ledger_.get();
    admin.data_dir = data_dir_;
    admin.version = YIZHAN_VERSION;
    admin.owner = plan_.name;
    if (archive_) {
      admin.archived_seq = [this](const ledger::PartitionId& partition) { return archive_->archived_seq(partition); };
      admin.checks.push_back([this] { return ArchiveHealth(*archive_); });
    }
    if (plan_.name == "im") admin.sessions = [this] { return static_cast<uint64_t>(hub_ ? hub_->sessions() : 0); };
    if (!tails_.empty()) {
      admin.checks.push_back([this] {
        for (const auto& tail : tails_) {
          if (absl::Status problem = tail->problem(); !problem.ok())
            return admin::Down("following", absl::UnavailableError(absl::StrCat("does not hear what another service records: ", std::string(problem.message()))));
        }
        return admin::Healthy("following", "hears what the others record");
      });
    }
    if (archive_ && options_.backup.enabled()) {
      YZ_ASSIGN_OR_RETURN(backup_, admin::BackupSchedule::Make(options_.backup, BackupOf(ledger_.get(), archive_.get(), data_dir_), [] { return true; }));
      admin.backup = backup_.get();
    }
    admin_ = std::make_unique<admin::AdminService>(std::move(admin));
    admin_->Register(table_);
    follow_ = ledger::FollowServer::Make(ledger_.get());
    ledger::ServeLedger(ledger_.get(), keyring_.get(), follow_.get(), &table_);
    if (directory_) directory_->Register(table_);
    if (im_) im_->Register(table_);
    if (desk_) desk_->Register(table_);
    if (archive_) archive_->Register(table_);
    table_.set_gate([this](std::string_view method) -> absl::Status {
      if (open_ || method.starts_with("/yizhan.ledger.") || method.starts_with("/yizhan.admin.")) return absl::OkStatus();
      return RefuseForNow(absl::StatusCode::kUnavailable, "CATCHING_UP",
                          absl::StrCat("the service ", plan_.name, " is starting and has not got yet what the others have recorded; try again"), 500);
    });
    return absl::OkStatus();
  }

  void SetHubs() {
    if (im_) {
      hub_ = inner_->ServeLink("im", im_->link_handler());
      im_->SetHub(hub_);
    }
    if (desk_) {
      hub_ = inner_->ServeLink("desk", desk_->link_handler());
      desk_->SetHub(hub_);
    }
  }

  // Until it has had all that the others have recorded: what it would answer before may be anything.
  absl::Status CatchUp() {
    for (const auto& tail : tails_) tail->Start();
    sweeper_ = std::thread([this] {
      while (!stopping_.WaitForNotificationWithTimeout(absl::Seconds(1))) arrivals_->Sweep();
      arrivals_->Sweep(/*all=*/true);
    });
    for (int i = 0; !std::all_of(tails_.begin(), tails_.end(), [](const auto& tail) { return tail->caught_up(); }); ++i) {
      if (ToldToStop()) return absl::CancelledError("told to stop before the other services had answered");
      absl::SleepFor(absl::Milliseconds(20));
      if (i % 500 != 499) continue;
      for (const auto& tail : tails_) {
        if (absl::Status problem = tail->problem(); !problem.ok()) log::Warning("appliance", "still waits for the other services").With("why", problem);
      }
    }
    return absl::OkStatus();
  }

  absl::Status StartService() {
    if (directory_) {
      YZ_RETURN_IF_ERROR(TieToKey(*keyring_));
      return directory_->Start();
    }
    if (im_) return im_->Start();
    if (desk_) return desk_->Start();
    YZ_RETURN_IF_ERROR(archive_->Start());
    addresses_.archive_public_key = archive_->public_key();
    return absl::OkStatus();
  }

  // The demonstration's people are the directory's; the rest of it is made by the other services' calls, once they run.
  absl::Status Seed() {
    if (!directory_) return absl::OkStatus();
    if (options_.bench_people > 0) YZ_RETURN_IF_ERROR(SeedBenchPeople(options_.bench_people, *directory_));
    if (!options_.demonstration) return absl::OkStatus();
    for (int tries = 0;; ++tries) {
      auto seeded = SeedDemonstration(data_dir_, *directory_, *neighbours_);
      if (seeded.ok()) {
        demonstration_ = *std::move(seeded);
        addresses_.widget_demo_url = WidgetDemoUrl(options_, WebUrl(options_, options_.port_base), demonstration_.channel_id);
        return absl::OkStatus();
      }
      if (!absl::IsUnavailable(seeded.status()) || tries >= 600 || ToldToStop()) return seeded.status();
      absl::SleepFor(absl::Milliseconds(100));
    }
  }

  void Stop() {
    if (backup_) backup_->Stop();
    if (observability_) observability_->Stop();
    if (follow_) follow_->Stop();
    if (inner_) inner_->Stop();
    if (pool_) pool_->Stop();
    for (const auto& tail : tails_) tail->Stop();
    if (archive_) archive_->Stop();
    if (desk_) desk_->Stop();
    if (im_) im_->Stop();
    if (directory_) directory_->Stop();
    if (sweeper_.joinable()) {
      stopping_.Notify();
      sweeper_.join();
    }
    if (neighbours_) neighbours_->Stop();
    if (ledger_) ledger_->Stop();
    inner_.reset();  // with the hub that the services publish to
  }

  Machines machines_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<ledger::Keyring> keyring_;
  std::unique_ptr<ledger::Arrivals> arrivals_;
  std::vector<std::unique_ptr<ledger::Tail>> tails_;
  std::unique_ptr<directory::DirectoryService> directory_;
  std::unique_ptr<im::ImService> im_;
  std::unique_ptr<desk::DeskService> desk_;
  std::unique_ptr<objects::ObjectStore> files_;
  std::unique_ptr<audit::Service> archive_;
  std::unique_ptr<admin::BackupSchedule> backup_;
  std::unique_ptr<ledger::FollowServer> follow_;
  rpc::Hub* hub_ = nullptr;
  std::atomic<bool> open_{false};
  absl::Notification stopping_;
  std::thread sweeper_;
};

// Puts together what the others tell of themselves.
class AdminProcess : public Process {
 public:
  using Process::Process;
  ~AdminProcess() override {
    if (observability_) observability_->Stop();
    if (inner_) inner_->Stop();
    if (neighbours_) neighbours_->Stop();
    if (pool_) pool_->Stop();
  }

  absl::Status Run() {
    YZ_RETURN_IF_ERROR(Prepare());
    admin::AdminOptions own;
    own.data_dir = data_dir_;
    own.version = YIZHAN_VERSION;
    own.checks.push_back([this] { return clock_watch_.health(); });
    admin_ = std::make_unique<admin::AdminService>(std::move(own));
    std::vector<admin::Federation::Process> processes;
    for (const ServicePlan& plan : ServicePlans()) {
      if (plan.name != plan_.name) processes.push_back({plan.name, neighbours_->To(plan.name), plan.owns});
    }
    federation_ = std::make_unique<admin::Federation>(admin_.get(), std::move(processes), "audit");
    federation_->Register(table_);
    YZ_RETURN_IF_ERROR(StartInner());
    clock_watch_.Start();
    return Observe();
  }

 private:
  admin::ClockWatch clock_watch_;
  std::unique_ptr<admin::Federation> federation_;
};

// Where people come in. It has no ledger and no key: what it knows is who is connected.
class EdgeProcess : public Process {
 public:
  using Process::Process;
  ~EdgeProcess() override {
    front_.Stop();
    if (inner_) inner_->Stop();
    if (neighbours_) neighbours_->Stop();
    front_.Close();
  }

  absl::Status Run() {
    YZ_RETURN_IF_ERROR(Prepare());
    authenticator_ = rpc::MakeAuthenticator(neighbours_.get(), neighbours_.get());
    RegisterOutside();
    RegisterInside();
    YZ_RETURN_IF_ERROR(StartInner());
    YZ_RETURN_IF_ERROR(front_.Open(&outside_, authenticator_.get(), addresses_));
    YZ_RETURN_IF_ERROR(front_.Start(neighbours_.get(), authenticator_.get(), /*ordered=*/false, addresses_));
    // Ready when people can work, as far as that can be waited for.
    for (int i = 0; i < 500 && !front_.linked(); ++i) absl::SleepFor(absl::Milliseconds(20));
    return front_.Observe([]() { return absl::OkStatus(); }, addresses_);
  }

 private:
  // The outer face's table: everything is answered by the other processes.
  void RegisterOutside() {
    for (const char* service : kServedServices) {
      for (const std::string& method : outside_.Missing(service)) {
        outside_.Pass(method, [this, method](const rpc::Context& context, std::string_view request, rpc::RawReply reply) {
          rpc::CallOptions options;
          if (context.deadline != absl::InfiniteFuture()) options.timeout = context.deadline - absl::Now();
          options.on_behalf_of = context.caller;
          options.anonymous = context.caller.kind() == rpc::Principal::KIND_UNSPECIFIED;
          options.request_id = context.request_id;
          options.remote_address = context.remote_address;
          neighbours_->Call(method, std::string(request), std::move(options), std::move(reply));
        });
      }
    }
  }

  void RegisterInside() {
    admin::AdminOptions own;
    own.data_dir = data_dir_;
    own.version = YIZHAN_VERSION;
    own.checks.push_back([this] {
      return front_.linked() ? admin::Healthy("links", "is linked to messaging and customer service")
                             : admin::Down("links", absl::UnavailableError("a link of the edge is down; it is opened again by itself"));
    });
    admin_ = std::make_unique<admin::AdminService>(std::move(own));
    admin_->Register(table_);
    using yizhan::live::v1::ForgetSessionRequest;
    using yizhan::live::v1::ForgetSessionResponse;
    table_.Unary<ForgetSessionRequest, ForgetSessionResponse>(
        "/yizhan.live.v1.EdgeService/ForgetSession",
        [this](const rpc::Context&, const ForgetSessionRequest& request, rpc::Reply<ForgetSessionResponse> reply) {
          authenticator_->Forget(request.session_id());
          reply.Ok({});
        });
  }

  std::unique_ptr<rpc::Authenticator> authenticator_;
  rpc::ServiceTable outside_;
  Front front_{options_, data_dir_ + "/tls"};
};

template <typename T>
absl::StatusOr<std::unique_ptr<Appliance>> StartOne(const RunOptions& options, ServicePlan plan) {
  auto process = std::make_unique<T>(options, std::move(plan));
  YZ_RETURN_IF_ERROR(process->Run());
  return process;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Appliance>> StartProcess(const RunOptions& options, const std::string& service) {
  YZ_ASSIGN_OR_RETURN(ServicePlan plan, PlanOf(service));
  if (plan.has_ledger()) return StartOne<OwnerProcess>(options, std::move(plan));
  if (plan.name == "admin") return StartOne<AdminProcess>(options, std::move(plan));
  return StartOne<EdgeProcess>(options, std::move(plan));
}

}  // namespace yizhan::appliance
