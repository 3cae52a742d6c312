#include "ledger/ledger_rpc.h"

#include <algorithm>

#include "base/status.h"
#include "yizhan/ledger/v1/ledger_service.pb.h"

namespace yizhan::ledger {
namespace {
namespace v1 = yizhan::ledger::v1;

constexpr uint32_t kDefaultBytes = 1 << 20;
constexpr uint32_t kMaxBytes = 4 << 20;

v1::ListPartitionsResponse ListPartitions(const Ledger& ledger) {
  v1::ListPartitionsResponse response;
  for (const PartitionInfo& info : ledger.Partitions()) {
    auto* head = response.add_partitions();
    head->set_partition(info.id.ToString());
    head->set_head(info.head);
    head->set_first(info.first);
    head->set_head_time_us(info.head_time_us);
  }
  std::sort(response.mutable_partitions()->begin(), response.mutable_partitions()->end(),
            [](const auto& a, const auto& b) { return a.partition() < b.partition(); });
  return response;
}

absl::StatusOr<v1::ReadRecordsResponse> ReadRecords(const Ledger& ledger, const v1::ReadRecordsRequest& request) {
  YZ_ASSIGN_OR_RETURN(PartitionId id, PartitionId::Parse(request.partition()));
  YZ_ASSIGN_OR_RETURN(PartitionInfo info, ledger.Info(id));
  const uint32_t max_bytes = std::min(request.max_bytes() == 0 ? kDefaultBytes : request.max_bytes(), kMaxBytes);
  YZ_ASSIGN_OR_RETURN(std::vector<Record> records, ledger.Read(id, request.from_seq(), max_bytes));
  v1::ReadRecordsResponse response;
  response.set_head(records.empty() ? info.head : std::max(info.head, records.back().seq()));
  for (Record& record : records) *response.add_records() = std::move(record);
  return response;
}
}  // namespace

void ServeLedger(const Ledger* ledger, Keyring* keyring, FollowServer* follow, rpc::ServiceTable* table) {
  table->Unary<v1::ListPartitionsRequest, v1::ListPartitionsResponse>(
      "/yizhan.ledger.v1.LedgerService/ListPartitions",
      [ledger](const rpc::Context&, const v1::ListPartitionsRequest&, rpc::Reply<v1::ListPartitionsResponse> reply) {
        reply.Ok(ListPartitions(*ledger));
      });
  table->Unary<v1::ReadRecordsRequest, v1::ReadRecordsResponse>(
      "/yizhan.ledger.v1.LedgerService/ReadRecords",
      [ledger](const rpc::Context&, const v1::ReadRecordsRequest& request, rpc::Reply<v1::ReadRecordsResponse> reply) {
        reply.Finish(ReadRecords(*ledger, request));
      });
  table->Unary<v1::FollowRequest, v1::FollowResponse>(
      "/yizhan.ledger.v1.LedgerService/Follow",
      [follow](const rpc::Context& context, const v1::FollowRequest& request, rpc::Reply<v1::FollowResponse> reply) {
        follow->Follow(context, request, std::move(reply));
      });
  table->Unary<v1::EnsureDataKeyRequest, v1::EnsureDataKeyResponse>(
      "/yizhan.ledger.v1.LedgerService/EnsureDataKey",
      [ledger, keyring](const rpc::Context&, const v1::EnsureDataKeyRequest& request,
                        rpc::Reply<v1::EnsureDataKeyResponse> reply) {
        keyring->EnsureById(request.key_id(), [ledger, reply = std::move(reply)](absl::Status status) mutable {
          if (!status.ok()) return reply.Error(std::move(status));
          v1::EnsureDataKeyResponse response;
          auto info = ledger->Info({"keyring", 0});
          response.set_head(info.ok() ? info->head : 0);
          reply.Ok(response);
        });
      });
}

}  // namespace yizhan::ledger
