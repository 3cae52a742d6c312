#include "cluster/machines.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "yizhan/ledger/v1/ledger_service.pb.h"

namespace yizhan::cluster {

absl::StatusOr<rpc::Channel*> Machines::To(const std::string& node, const std::string& address) {
  absl::MutexLock lock(&mutex_);
  auto& channel = channels_[{node, address}];
  if (channel == nullptr) {
    YZ_ASSIGN_OR_RETURN(channel, connect_(node, address));
  }
  return channel.get();
}

namespace {
namespace v1 = yizhan::ledger::v1;

class RpcPeers : public Peers {
 public:
  RpcPeers(Machines* machines, Loop* loop, std::function<std::shared_ptr<const View>()> view)
      : machines_(machines), loop_(loop), view_(std::move(view)) {}

  void Fetch(const std::string& address, const std::string& partition, uint64_t from_seq,
             absl::AnyInvocable<void(absl::StatusOr<std::vector<std::string>>)> done) override {
    auto finish = [loop = loop_, done = std::move(done)](absl::StatusOr<std::vector<std::string>> records) mutable {
      loop->Post([done = std::move(done), records = std::move(records)]() mutable { done(std::move(records)); });
    };
    auto channel = machines_->To(NodeAt(address), address);
    if (!channel.ok()) return finish(channel.status());
    v1::ReadRecordsRequest request;
    request.set_partition(partition);
    request.set_from_seq(from_seq);
    request.set_max_bytes(2 << 20);
    (*channel)->Call("/yizhan.ledger.v1.LedgerService/ReadRecords", request.SerializeAsString(),
                     rpc::Within(absl::Seconds(10)),
                     [finish = std::move(finish)](absl::StatusOr<std::string> bytes) mutable {
                       if (!bytes.ok()) return finish(bytes.status());
                       v1::ReadRecordsResponse response;
                       if (!response.ParseFromString(*bytes)) return finish(absl::InternalError("unreadable answer"));
                       std::vector<std::string> records;
                       for (const auto& record : response.records()) records.push_back(record.SerializeAsString());
                       finish(std::move(records));
                     });
  }

 private:
  std::string NodeAt(const std::string& address) const {
    const auto view = view_();
    for (const View::Member& member : view->members) {
      if (member.address == address) return member.node;
    }
    return "";
  }

  Machines* const machines_;
  Loop* const loop_;
  const std::function<std::shared_ptr<const View>()> view_;
};
}  // namespace

std::unique_ptr<Peers> MakePeers(Machines* machines, Loop* loop, std::function<std::shared_ptr<const View>()> view) {
  return std::make_unique<RpcPeers>(machines, loop, std::move(view));
}

}  // namespace yizhan::cluster
