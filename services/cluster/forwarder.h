// Calls that came to this machine and need a partition that another one owns: they are carried out there, and answered
// once this machine's replica shows what they did.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/rpc/service.h"
#include "cluster/loop.h"
#include "cluster/machines.h"
#include "cluster/node.h"
#include "cluster/sessions.h"
#include "ledger/arrivals.h"
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

  // The table's gate: nothing is answered from a replica that has not been up to date since the start.
  absl::Status MayAnswer(std::string_view method) const;
  bool Would(const absl::Status& refusal) const override;
  void Call(const rpc::Context& context, std::string method, std::string request, const absl::Status& refusal,
            rpc::RawReply reply) override;
  void Shared(const rpc::Context& context, const std::string& method, std::string request,
              yizhan::common::v1::Sharing sharing) override {
    parts_.sessions->Called(context, method, std::move(request), sharing);
  }

  // The keyring's Remote (ledger/keyring.h): a data key from the owner of keyring/0.
  void EnsureDataKey(std::string key_id, absl::AnyInvocable<void(absl::Status)> done);

  // Answers what waits; refuses what comes.
  void Stop();

 private:
  struct Call_;
  void Try(std::shared_ptr<Call_> call);
  void Again(std::shared_ptr<Call_> call, absl::Status why);
  void Sweep();

  const Parts parts_;
  ledger::Arrivals arrivals_;
  std::atomic<bool> stopped_{false};
};

// ClusterService's methods. All outlive the table's use. `stop` ends the process in order, soon.
void RegisterCluster(rpc::ServiceTable* table, Node* cluster, Loop* loop, ledger::Ledger* ledger, std::string node,
                     std::function<void()> stop);

}  // namespace yizhan::cluster
