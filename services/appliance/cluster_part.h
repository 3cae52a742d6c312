// The appliance as one machine of a cluster: what comes between the ledger and the services then.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/objects/object_store.h"
#include "base/rpc/hub.h"
#include "base/rpc/server.h"
#include "base/rpc/service.h"
#include "base/secret.h"
#include "cluster/etcd/etcd_kv.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"

namespace yizhan::appliance {

struct ClusterOptions {
  // This machine's name; empty: no cluster, the embedded default.
  std::string node;
  // Of the cluster; several may share one etcd.
  std::string name = "default";
  // Founds the cluster from this machine's folder when it is not there yet.
  bool found = false;
  // The inner face, on which the machines speak to one another: "10.0.0.1:8449".
  std::string address;
  TlsPaths tls;
  std::vector<std::string> etcd;
  TlsPaths etcd_tls;
  std::string etcd_user;
  Secret<std::string> etcd_password;

  bool enabled() const { return !node.empty(); }
};

// How etcd is reached, and under which keys the cluster lies there.
cluster::EtcdOptions EtcdOptionsOf(const ClusterOptions& options);

class ClusterPart {
 public:
  // Connects to etcd, and makes sure that this machine has the keys that all of them share. FailedPrecondition
  // (KEY_LOST) when they have not been copied here.
  static absl::StatusOr<std::unique_ptr<ClusterPart>> Make(const ClusterOptions& options, const std::string& data_dir,
                                                           const std::string& version);
  virtual ~ClusterPart() = default;  // stops

  // Into the ledger's options, before it is opened.
  virtual void Prepare(ledger::Options& options) = 0;
  // What the hub of a service's links asks instead of the service's own handler: the other machines hear of the devices
  // here, and the service of theirs. Before Join().
  virtual rpc::LinkHandler* Share(std::string service, rpc::LinkHandler* handler) = 0;
  // With the ledger started and every handler registered: calls that this machine cannot carry out go to others from
  // now on. All outlive Leave().
  virtual void Attach(ledger::Ledger* ledger, ledger::Keyring* keyring, rpc::ServiceTable* table) = 0;
  // Where files go: `local` of every machine is a replica. Before Attach(); lives as long as this.
  virtual objects::ObjectStore* Replicate(std::unique_ptr<objects::ObjectStore> local) = 0;
  // With the inner face open: joins, and waits until this machine has what the cluster has recorded. It takes no
  // partitions yet, unless nobody else is there.
  virtual absl::Status Join() = 0;
  // The inner face's part of the server's options.
  virtual void Prepare(rpc::ServerOptions& options) const = 0;
  // Calls are served: it takes its share.
  virtual void TakePart() = 0;
  // Before the ledger stops: gives up what it owns, and leaves.
  virtual void Leave() = 0;
  // Behind the ledger's stop: nothing of it is used any more.
  virtual void Close() = 0;
  // What readiness is about; ok, or why not.
  virtual absl::Status health() const = 0;
};

}  // namespace yizhan::appliance
