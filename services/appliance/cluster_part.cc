#include "appliance/cluster_part.h"

#include <openssl/rand.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/logging.h"
#include "base/status.h"
#include "cluster/etcd/etcd_kv.h"
#include "cluster/forwarder.h"
#include "cluster/ledger_replica.h"
#include "cluster/loop.h"
#include "cluster/machines.h"
#include "cluster/node.h"
#include "cluster/object_replicas.h"
#include "cluster/sessions.h"

namespace yizhan::appliance {
namespace {

namespace fs = std::filesystem;

uint64_t RandomBits() {
  uint64_t bits = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&bits), sizeof bits);
  return bits;
}

// Every machine seals with the same installation key and signs the archive with the same key. The founder has them, or
// makes them.
absl::Status CheckKeys(const ClusterOptions& options, const std::string& data_dir) {
  std::error_code error;
  const fs::path keys = fs::path(data_dir) / "keys";
  if (options.found) {
    if (fs::exists(keys / "installation.key", error)) return absl::OkStatus();
    // As a single machine begins: with a ledger and its key.
    ledger::Options single;
    single.data_dir = data_dir;
    YZ_ASSIGN_OR_RETURN(auto ledger, ledger::Ledger::Open(single));
    return ledger::Keyring::Open(ledger.get(), data_dir).status();
  }
  for (const char* name : {"installation.key", "archive.key"}) {
    if (fs::exists(keys / name, error)) continue;
    return Refuse(absl::StatusCode::kFailedPrecondition, "KEY_LOST",
                  absl::StrCat("the key ", (keys / name).string(),
                               " is missing; copy the folder keys/ from another machine of the cluster"));
  }
  return absl::OkStatus();
}

// Which cluster a data folder belongs to: DIR/cluster.id, one line.
std::string ReadClusterId(const std::string& data_dir) {
  std::ifstream in(data_dir + "/cluster.id");
  std::string id;
  std::getline(in, id);
  return id;
}

absl::Status WriteClusterId(const std::string& data_dir, const std::string& id) {
  const std::string path = data_dir + "/cluster.id";
  if (ReadClusterId(data_dir) == id) return absl::OkStatus();
  {
    std::ofstream out(path + ".new");
    out << id << "\n";
    if (!out.flush()) return absl::UnavailableError(absl::StrCat("cannot write ", path, ".new"));
  }
  std::error_code error;
  fs::rename(path + ".new", path, error);
  return error ? absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", error.message())) : absl::OkStatus();
}

class ClusterPartImpl : public ClusterPart {
 public:
  ClusterPartImpl(ClusterOptions options, std::string data_dir, std::string version,
                  std::unique_ptr<cluster::EtcdKv> kv)
      : options_(std::move(options)),
        data_dir_(std::move(data_dir)),
        version_(std::move(version)),
        kv_(std::move(kv)),
        loop_(cluster::MakeLoopThread("cluster")),
        committer_(loop_.get()),
        machines_([this](const std::string& node, const std::string& address) {
          return rpc::ConnectInside({.address = address, .tls = options_.tls, .node = node, .service_name = {}});
        }) {}

  ~ClusterPartImpl() override { Close(); }

  void Prepare(ledger::Options& options) override {
    options.replicated = true;
    options.committer = &committer_;
  }

  void Attach(ledger::Ledger* ledger, ledger::Keyring* keyring, rpc::ServiceTable* table) override {
    ledger_ = ledger;
    replica_ = cluster::MakeLedgerReplica(ledger, loop_.get());
    peers_ = cluster::MakePeers(&machines_, loop_.get(), [this] { return node_->view(); });
    cluster::NodeOptions node;
    node.node = options_.node;
    node.address = options_.address;
    node.version = version_;
    node.found = options_.found;
    node_ = std::make_unique<cluster::Node>(
        node, cluster::Node::Dependencies{loop_.get(), kv_.get(), replica_.get(), peers_.get(), RandomBits});
    sessions_ = std::make_unique<cluster::Sessions>(cluster::Sessions::Parts{
        options_.node, RandomBits(), [this] { return node_->view(); }, loop_.get(), &machines_, table});
    forwarder_ = std::make_unique<cluster::Forwarder>(
        cluster::Forwarder::Parts{options_.node, node_.get(), loop_.get(), &machines_, ledger, table, sessions_.get()});
    keyring->SetRemote([this](std::string key_id, absl::AnyInvocable<void(absl::Status)> done) {
      forwarder_->EnsureDataKey(std::move(key_id), std::move(done));
    });
    table->set_elsewhere(forwarder_.get());
    table->set_gate([this](std::string_view method) { return forwarder_->MayAnswer(method); });
    cluster::RegisterCluster(table, node_.get(), loop_.get(), ledger, options_.node,
                             [] { kill(getpid(), SIGTERM); });  // as its operator does
    cluster::RegisterSessions(table, sessions_.get(), [this] { return services_run_.load(); });
    if (objects_) objects_->Register(table);
    committer_.Attach([this](std::vector<cluster::CommitEntry> entries, cluster::CommitLog::Done done) {
      node_->Commit(std::move(entries), std::move(done));
    });
  }

  rpc::LinkHandler* Share(std::string service, rpc::LinkHandler* handler) override {
    return sessions_->Share(std::move(service), handler);
  }

  objects::ObjectStore* Replicate(std::unique_ptr<objects::ObjectStore> local) override {
    objects_ = std::make_unique<cluster::ObjectReplicas>(
        cluster::ObjectReplicas::Parts{options_.node, std::move(local), &machines_, [this] { return node_->view(); }});
    return objects_.get();
  }

  absl::Status Join() override {
    // A founder's folder is the cluster's before the cluster is there: whatever happens in between, no other can be.
    if (options_.found && ReadClusterId(data_dir_).empty())
      YZ_RETURN_IF_ERROR(WriteClusterId(data_dir_, cluster::NewClusterId(RandomBits)));
    absl::Notification joined;
    absl::StatusOr<std::string> cluster_id;
    loop_->Post([&] {
      node_->Drain(true);
      node_->Start(ReadClusterId(data_dir_), [&](absl::StatusOr<std::string> id) {
        cluster_id = std::move(id);
        joined.Notify();
      });
    });
    joined.WaitForNotification();
    YZ_RETURN_IF_ERROR(cluster_id.status());
    YZ_RETURN_IF_ERROR(WriteClusterId(data_dir_, *cluster_id));
    log::Info("cluster", "joined").With("cluster", *cluster_id).With("node", options_.node);
    for (int i = 0; !node_->was_ready(); ++i) {
      absl::SleepFor(absl::Milliseconds(20));
      if (i % 500 == 499) log::Warning("cluster", "still gets what the cluster has recorded").With("why", Problem());
    }
    // With nobody else there, somebody has to decide while the services start.
    for (int i = 0; i < 500 && !SomebodyOwnsAll(); ++i) absl::SleepFor(absl::Milliseconds(20));
    return absl::OkStatus();
  }

  void Prepare(rpc::ServerOptions& options) const override {
    options.inner_address = options_.address;
    options.inner_tls = options_.tls;
  }

  void TakePart() override {
    services_run_ = true;
    sessions_->Start();
    loop_->Post([this] { node_->Drain(false); });
  }

  void Leave() override {
    if (node_ == nullptr || left_) return;
    left_ = true;
    forwarder_->Stop();
    sessions_->Stop();
    if (objects_) objects_->Stop();
    absl::Notification left;
    loop_->Post([&] { node_->Leave([&] { left.Notify(); }); });
    left.WaitForNotification();
    committer_.Detach();
  }

  void Close() override {
    Leave();
    loop_->Stop();     // nothing of the node's runs any more,
    kv_.reset();       // no answer comes to it,
    replica_.reset();  // and no disk
  }

  absl::Status health() const override {
    if (node_->ready()) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat("this machine is not up to date with the cluster: ", Problem()));
  }

 private:
  bool SomebodyOwnsAll() const {
    const auto view = node_->view();
    for (const auto& [name, partition] : view->partitions) {
      if (partition.owner.empty()) return false;
      if (auto id = ledger::PartitionId::Parse(name); partition.owner == options_.node && !ledger_->Owns(*id))
        return false;
    }
    return !view->partitions.empty();
  }

  std::string Problem() const {
    const auto view = node_->view();
    if (view->replaced)
      return "another process has this machine's name; give each a name of its own and start this one again";
    for (const auto& [name, partition] : view->partitions) {
      if (!partition.problem.ok()) return absl::StrCat(name, ": ", std::string(partition.problem.message()));
    }
    for (const cluster::EndpointHealth& endpoint : kv_->Health()) {
      if (!endpoint.ok && !endpoint.last_error.ok())
        return absl::StrCat("etcd at ", endpoint.address, ": ", std::string(endpoint.last_error.message()));
    }
    return "it is not registered";
  }

  const ClusterOptions options_;
  const std::string data_dir_, version_;
  std::unique_ptr<cluster::EtcdKv> kv_;
  std::unique_ptr<cluster::LoopThread> loop_;
  cluster::LogCommitter committer_;
  cluster::Machines machines_;
  ledger::Ledger* ledger_ = nullptr;
  std::unique_ptr<cluster::ObjectReplicas> objects_;
  std::unique_ptr<cluster::Replica> replica_;
  std::unique_ptr<cluster::Peers> peers_;
  std::unique_ptr<cluster::Node> node_;
  std::unique_ptr<cluster::Sessions> sessions_;
  std::unique_ptr<cluster::Forwarder> forwarder_;
  std::atomic<bool> services_run_{false};
  bool left_ = false;
};

}  // namespace

cluster::EtcdOptions EtcdOptionsOf(const ClusterOptions& options) {
  cluster::EtcdOptions etcd;
  etcd.endpoints = options.etcd;
  etcd.ca_file = options.etcd_tls.ca;
  etcd.certificate_file = options.etcd_tls.certificate;
  etcd.key_file = options.etcd_tls.private_key;
  etcd.user = options.etcd_user;
  etcd.password = options.etcd_password;
  etcd.prefix = absl::StrCat("/yizhan/", options.name, "/");
  return etcd;
}

absl::StatusOr<std::unique_ptr<ClusterPart>> ClusterPart::Make(const ClusterOptions& options,
                                                               const std::string& data_dir,
                                                               const std::string& version) {
  YZ_RETURN_IF_ERROR(CheckKeys(options, data_dir));
  YZ_ASSIGN_OR_RETURN(auto kv, cluster::ConnectEtcd(EtcdOptionsOf(options)));
  return std::make_unique<ClusterPartImpl>(options, data_dir, version, std::move(kv));
}

}  // namespace yizhan::appliance
