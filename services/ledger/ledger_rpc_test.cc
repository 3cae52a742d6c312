#include "ledger/ledger_rpc.h"

#include <gtest/gtest.h>

#include "ledger/testing/counters.h"
#include "yizhan/ledger/v1/ledger_service.pb.h"

namespace yizhan::ledger {
namespace {
namespace v1 = yizhan::ledger::v1;

template <typename Response, typename Request>
absl::StatusOr<Response> Call(const rpc::ServiceTable& table, std::string method, const Request& request) {
  rpc::Context context;
  context.caller.set_id("audit");
  context.caller.set_kind(rpc::Principal::KIND_SERVICE);
  absl::StatusOr<Response> out = absl::UnknownError("no answer");
  table.Dispatch(context, "/yizhan.ledger.v1.LedgerService/" + method, request.SerializeAsString(),
                 [&](absl::StatusOr<std::string> bytes) {
                   out = bytes.ok() ? absl::StatusOr<Response>(Response()) : bytes.status();
                   if (bytes.ok()) out->ParseFromString(*bytes);
                 });
  return out;
}

TEST(LedgerRpc, ListsAndReads) {
  testing::TempDir dir;
  testing::Counters machine;
  auto ledger = testing::OpenAndStart(testing::OptionsFor(dir), &machine);
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  ASSERT_TRUE(testing::Do(**ledger, testing::Add({"im", 2}, "a", {"x", "y", "z"})).ok());
  auto follow = FollowServer::Make(ledger->get());
  rpc::ServiceTable table;
  ServeLedger(ledger->get(), nullptr, follow.get(), &table);
  EXPECT_TRUE(table.Missing("yizhan.ledger.v1.LedgerService").empty());

  auto list = Call<v1::ListPartitionsResponse>(table, "ListPartitions", v1::ListPartitionsRequest());
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->partitions_size(), 5);
  EXPECT_EQ(list->partitions(2).partition(), "im/2");
  EXPECT_EQ(list->partitions(2).head(), 3u);
  EXPECT_EQ(list->partitions(2).first(), 1u);
  EXPECT_GT(list->partitions(2).head_time_us(), 0);
  EXPECT_EQ(list->partitions(4).partition(), "keyring/0");

  v1::ReadRecordsRequest request;
  request.set_partition("im/2");
  request.set_from_seq(2);
  auto read = Call<v1::ReadRecordsResponse>(table, "ReadRecords", request);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->records_size(), 2);
  EXPECT_EQ(read->records(0).payload(), "a\ty");
  EXPECT_EQ(read->head(), 3u);
  request.set_max_bytes(1);
  EXPECT_EQ(Call<v1::ReadRecordsResponse>(table, "ReadRecords", request)->records_size(), 1);
  request.set_from_seq(0);
  EXPECT_EQ(Call<v1::ReadRecordsResponse>(table, "ReadRecords", request).status().code(),
            absl::StatusCode::kInvalidArgument);
  request.set_partition("../etc");
  EXPECT_EQ(Call<v1::ReadRecordsResponse>(table, "ReadRecords", request).status().code(),
            absl::StatusCode::kInvalidArgument);
  request.set_partition("im/77");
  EXPECT_EQ(Call<v1::ReadRecordsResponse>(table, "ReadRecords", request).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace yizhan::ledger
