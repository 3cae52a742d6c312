// Calls that came to this machine and need a partition that another one owns: they are carried out there, and answered
// once this machine's replica shows what they did.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "base/rpc/service.h"
#include "cluster/loop.h"
#include "cluster/machines.h"
#include "cluster/node.h"
#include "cluster/sessions.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"

namespace yizhan::cluster {

class Forwarder : public rpc::Elsewhere {
 public:
  struct Parts {
    std::string node;  // this machine's name
    const Node* cluster = nullptr;
    Loop* loop = nullptr;
    Machines* machines = nullptr;
    ledger::Ledger* ledger = nullptr;
    const rpc::ServiceTable* table = nullptr;
    Sessions* sessions = nullptr;
  };
  // All outlive it, and what is under way ends with them: Stop() first.
  explicit Forwarder(Parts parts);

  absl::Status MayAnswer(std::string_view method) const override;
  bool Would(const absl::Status& refusal) const override;
  void Call(const rpc::Context& context, std::string method, std::string request, const absl::Status& refusal,
            rpc::RawReply reply) override;
  void Shared(const rpc::Context& context, const std::string& method, std::string request,
              yizhan::common::v1::Sharing sharing) override {
    parts_.sessions->Called(context, method, std::move(request), sharing);
  }

  // The keyring's Remote (ledger/keyring.h): a data key from the owner of keyring/0.
  void EnsureDataKey(std::string key_id, absl::AnyInvocable<void(absl::Status)> done);

  // `done` runs once the replica has a partition's record `seq` (true), or after a few seconds without it (false).
  void WaitFor(const ledger::PartitionId& partition, uint64_t seq, absl::AnyInvocable<void(bool)> done);

  // Answers what waits; refuses what comes.
  void Stop();

 private:
  struct Call_;
  struct Waiter {
    ledger::PartitionId partition;
    uint64_t seq;
    absl::Time until;
    absl::AnyInvocable<void(bool)> done;
  };
  void Try(std::shared_ptr<Call_> call);
  void Again(std::shared_ptr<Call_> call, absl::Status why);
  void Looked();
  void Sweep();
  uint64_t Head(const ledger::PartitionId& partition) const;

  const Parts parts_;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::list<Waiter> waiters_;
};

// ClusterService's methods. All outlive the table's use. `stop` ends the process in order, soon.
void RegisterCluster(rpc::ServiceTable* table, Node* cluster, Loop* loop, ledger::Ledger* ledger,
                     ledger::Keyring* keyring, std::string node, std::function<void()> stop);

}  // namespace yizhan::cluster
