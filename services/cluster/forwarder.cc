#include "cluster/forwarder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "base/status.h"
#include "yizhan/cluster/v1/cluster_service.pb.h"
#include "yizhan/ledger/v1/ledger_service.pb.h"

namespace yizhan::cluster {

using ledger::PartitionId;

namespace {
constexpr uint32_t kMaxHops = 3;
// An owner is looked for so long: a dead one's lease has to end first.
constexpr absl::Duration kPatience = absl::Seconds(8);
constexpr absl::Duration kPause = absl::Milliseconds(30);
constexpr absl::Duration kShown = absl::Seconds(3);
const PartitionId kKeyring{"keyring", 0};

metrics::Counter& Forwarded() {
  static metrics::Counter& counter =
      metrics::GetCounter("yizhan_cluster_forwarded_total", "Calls that another machine was asked to carry out.");
  return counter;
}

absl::Status StatusOf(const v1::ForwardResponse& response) {
  if (response.reason().empty())
    return absl::Status(static_cast<absl::StatusCode>(response.code()), response.message());
  if (response.retry_after_ms() > 0)
    return RefuseForNow(static_cast<absl::StatusCode>(response.code()), response.reason(), response.message(),
                        static_cast<int>(response.retry_after_ms()));
  return Refuse(static_cast<absl::StatusCode>(response.code()), response.reason(), response.message());
}
}  // namespace

struct Forwarder::Call_ {
  v1::ForwardRequest request;
  PartitionId partition;
  absl::Time give_up;   // by the loop's clock
  absl::Time deadline;  // of the caller, by the time of day
  rpc::RawReply reply;
};

Forwarder::Forwarder(Parts parts) : parts_(std::move(parts)), arrivals_(parts_.ledger) {
  parts_.loop->After(absl::Seconds(1), [this] { Sweep(); });
}

absl::Status Forwarder::MayAnswer(std::string_view method) const {
  if (parts_.cluster->was_ready() || method.starts_with("/yizhan.cluster.") || method.starts_with("/yizhan.ledger.") ||
      method.starts_with("/yizhan.admin."))
    return absl::OkStatus();
  return RefuseForNow(absl::StatusCode::kUnavailable, "CATCHING_UP",
                      "this machine has not yet got what the cluster has recorded; ask another one, or try again", 500);
}

bool Forwarder::Would(const absl::Status& refusal) const { return ledger::NotOwnedPartition(refusal).has_value(); }

void Forwarder::Call(const rpc::Context& context, std::string method, std::string request, const absl::Status& refusal,
                     rpc::RawReply reply) {
  if (stopped_ || context.hops >= kMaxHops) return reply(refusal);
  auto call = std::make_shared<Call_>();
  call->request.set_method(std::move(method));
  call->request.set_request(std::move(request));
  *call->request.mutable_caller() = context.caller;
  call->request.set_request_id(context.request_id);
  call->request.set_remote_address(context.remote_address);
  call->request.set_hops(context.hops + 1);
  call->partition = *ledger::NotOwnedPartition(refusal);
  call->request.set_partition(call->partition.ToString());
  call->deadline = context.deadline;
  call->give_up = parts_.loop->Now() + kPatience;
  call->reply = std::move(reply);
  Try(std::move(call));
}

void Forwarder::Try(std::shared_ptr<Call_> call) {
  const auto left = std::min(call->deadline - absl::Now(), absl::Seconds(30));
  if (stopped_ || left <= absl::ZeroDuration()) return call->reply(ledger::NotOwner(call->partition));
  const auto view = parts_.cluster->view();
  const auto at = view->partitions.find(call->request.partition());
  const std::string owner = at == view->partitions.end() ? "" : at->second.owner;
  if (owner == parts_.node && parts_.ledger->Owns(call->partition)) {
    // It has become this machine's meanwhile.
    rpc::Context context;
    context.caller = call->request.caller();
    context.request_id = call->request.request_id();
    context.remote_address = call->request.remote_address();
    context.deadline = call->deadline;
    context.hops = call->request.hops();
    const std::string method = call->request.method(), request = call->request.request();
    return parts_.table->Dispatch(context, method, request, std::move(call->reply));
  }
  const auto member = std::find_if(view->members.begin(), view->members.end(),
                                   [&](const View::Member& each) { return each.node == owner; });
  if (owner == parts_.node || member == view->members.end())
    return Again(std::move(call), ledger::NotOwner(call->partition));
  auto channel = parts_.machines->To(member->node, member->address);
  if (!channel.ok()) return Again(std::move(call), channel.status());
  Forwarded().Add();
  call->request.set_timeout_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(left)));
  rpc::CallOptions options;
  options.timeout = left;
  options.request_id = call->request.request_id();
  std::string bytes = call->request.SerializeAsString();
  (*channel)->Call("/yizhan.cluster.v1.ClusterService/Forward", std::move(bytes), std::move(options),
                   [this, call, owner](absl::StatusOr<std::string> answer) mutable {
                     v1::ForwardResponse response;
                     if (answer.ok() && !response.ParseFromString(*answer))
                       answer = absl::InternalError("unreadable answer");
                     if (!answer.ok()) {
                       // Whether it was done there is not known, and not every call may be done twice.
                       return call->reply(RefuseForNow(
                           absl::StatusCode::kUnavailable, "OWNER_AWAY",
                           absl::StrCat("the machine ", owner, ", which owns ", call->request.partition(),
                                        ", did not answer (", std::string(answer.status().message()), "); ask again"),
                           500));
                     }
                     if (response.code() != 0) {
                       absl::Status refused = StatusOf(response);
                       if (response.reason() == "NOT_OWNER") return Again(std::move(call), std::move(refused));
                       return call->reply(std::move(refused));
                     }
                     auto shared = std::make_shared<v1::ForwardResponse>(std::move(response));
                     arrivals_.WaitFor(call->partition, shared->head(), kShown,
                                       [call, shared](bool) { call->reply(std::move(*shared->mutable_response())); });
                   });
}

void Forwarder::Again(std::shared_ptr<Call_> call, absl::Status why) {
  if (stopped_ || parts_.loop->Now() + kPause >= call->give_up || absl::Now() + kPause >= call->deadline)
    return call->reply(std::move(why));
  parts_.loop->After(kPause, [this, call = std::move(call)]() mutable { Try(std::move(call)); });
}

void Forwarder::EnsureDataKey(std::string key_id, absl::AnyInvocable<void(absl::Status)> done) {
  // Passed on as any other call of this machine's own.
  yizhan::ledger::v1::EnsureDataKeyRequest request;
  request.set_key_id(std::move(key_id));
  rpc::Context context;
  context.caller.set_kind(rpc::Principal::KIND_SERVICE);
  context.caller.set_id("yizhan");
  context.deadline = absl::Now() + absl::Seconds(10);
  Call(context, "/yizhan.ledger.v1.LedgerService/EnsureDataKey", request.SerializeAsString(),
       ledger::NotOwner(kKeyring), [this, done = std::move(done)](absl::StatusOr<std::string> answer) mutable {
         yizhan::ledger::v1::EnsureDataKeyResponse response;
         if (answer.ok() && !response.ParseFromString(*answer)) answer = absl::InternalError("unreadable answer");
         if (!answer.ok()) return done(answer.status());
         arrivals_.WaitFor(kKeyring, response.head(), kShown, [done = std::move(done)](bool there) mutable {
           done(there ? absl::OkStatus()
                      : RefuseForNow(absl::StatusCode::kUnavailable, "CATCHING_UP",
                                     "the data key is not on this machine yet; try again", 500));
         });
       });
}

void Forwarder::Sweep() {
  arrivals_.Sweep(stopped_);
  if (!stopped_) parts_.loop->After(absl::Seconds(1), [this] { Sweep(); });
}

void Forwarder::Stop() {
  stopped_ = true;
  Sweep();
}

void RegisterCluster(rpc::ServiceTable* table, Node* cluster, Loop* loop, ledger::Ledger* ledger, std::string node,
                     std::function<void()> stop) {
  table->Unary<v1::ForwardRequest, v1::ForwardResponse>(
      "/yizhan.cluster.v1.ClusterService/Forward",
      [table, ledger](const rpc::Context& outer, const v1::ForwardRequest& request,
                      rpc::Reply<v1::ForwardResponse> reply) {
        auto partition = PartitionId::Parse(request.partition());
        if (!partition.ok()) return reply.Error(partition.status());
        rpc::Context context;
        context.caller = request.caller();
        context.request_id = request.request_id();
        context.remote_address = request.remote_address();
        context.deadline = std::min(outer.deadline, absl::Now() + absl::Milliseconds(request.timeout_ms()));
        context.hops = request.hops();
        // A machine that has lost the partition meanwhile says so, and the first one looks again.
        if (!ledger->Owns(*partition)) {
          v1::ForwardResponse response;
          response.set_code(static_cast<int>(absl::StatusCode::kUnavailable));
          response.set_reason("NOT_OWNER");
          response.set_message(std::string(ledger::NotOwner(*partition).message()));
          response.set_retry_after_ms(200);
          return reply.Ok(response);
        }
        table->Dispatch(
            context, request.method(), request.request(),
            [ledger, partition = *partition, reply = std::move(reply)](absl::StatusOr<std::string> result) mutable {
              v1::ForwardResponse response;
              if (result.ok()) {
                response.set_response(*std::move(result));
              } else {
                response.set_code(static_cast<int>(result.status().code()));
                response.set_message(std::string(result.status().message()));
                response.set_reason(ReasonOf(result.status()));
                response.set_retry_after_ms(static_cast<uint32_t>(RetryAfterMs(result.status())));
              }
              auto info = ledger->Info(partition);
              response.set_head(info.ok() ? info->head : 0);
              reply.Ok(response);
            });
      });
  table->Unary<v1::GetClusterRequest, v1::GetClusterResponse>(
      "/yizhan.cluster.v1.ClusterService/GetCluster",
      [cluster, ledger, node](const rpc::Context&, const v1::GetClusterRequest&,
                                                rpc::Reply<v1::GetClusterResponse> reply) {
        const auto view = cluster->view();
        v1::GetClusterResponse response;
        response.set_node(node);
        response.set_ready(cluster->ready());
        for (const View::Member& member : view->members) {
          auto* one = response.add_members();
          one->set_node(member.node);
          one->set_address(member.address);
          one->set_version(member.version);
          one->set_draining(member.draining);
        }
        for (const auto& [name, partition] : view->partitions) {
          auto* one = response.add_partitions();
          one->set_partition(name);
          one->set_owner(partition.owner);
          one->set_epoch(partition.epoch);
          // The view is some hundred milliseconds old; how far the replica is can be told as of now.
          auto id = PartitionId::Parse(name);
          auto info = id.ok() ? ledger->Info(*id) : absl::StatusOr<ledger::PartitionInfo>(id.status());
          one->set_head(info.ok() ? info->head : partition.head);
          one->set_known(std::max(partition.known, one->head()));
          if (!partition.problem.ok()) one->set_problem(std::string(partition.problem.message()));
        }
        response.set_log_bytes(view->log_bytes);
        reply.Ok(response);
      });
  table->Unary<v1::DrainRequest, v1::DrainResponse>(
      "/yizhan.cluster.v1.ClusterService/Drain",
      [cluster, loop](const rpc::Context&, const v1::DrainRequest& request, rpc::Reply<v1::DrainResponse> reply) {
        loop->Post([cluster, draining = request.draining()] { cluster->Drain(draining); });
        reply.Ok({});
      });
  table->Unary<v1::StopRequest, v1::StopResponse>(
      "/yizhan.cluster.v1.ClusterService/Stop",
      [ledger, stop = std::move(stop)](const rpc::Context&, const v1::StopRequest&, rpc::Reply<v1::StopResponse> reply) {
        for (const ledger::PartitionInfo& partition : ledger->Partitions()) {
          if (!ledger->Owns(partition.id)) continue;
          return reply.Error(Refuse(absl::StatusCode::kFailedPrecondition, "STILL_OWNS",
                                    absl::StrCat("this machine decides for ", partition.id.ToString(), "; drain it first")));
        }
        reply.Ok({});
        stop();
      });
}

}  // namespace yizhan::cluster
