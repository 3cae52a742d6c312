#include "im/cursors.h"

#include <gtest/gtest.h>

#include "absl/synchronization/blocking_counter.h"
#include "base/status.h"
#include "im/testing/bed.h"

namespace yizhan::im {
namespace {

class CursorsTest : public testing::Test {
 protected:
  void SetUp() override {
    id = bed.SendTo(anna, bo, "2")->conversation_id();
    for (int i = 3; i <= 10; ++i) ASSERT_TRUE(bed.Send(anna, id, "x").ok());
  }
  Bed bed;
  const Caller anna = bed.Person(1), bo = bed.Person(2);
  std::string id;
};

TEST_F(CursorsTest, MoveForwardOnly) {
  EXPECT_EQ(bed.Get(bo, id)->unread(), 9u);
  auto moved = bed.Move(bo, id, 4);
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->read_seq(), 4u);
  EXPECT_EQ(moved->delivered_seq(), 4u);
  EXPECT_EQ(bed.Get(bo, id)->unread(), 6u);
  moved = bed.Move(bo, id, 0, 10);
  EXPECT_EQ(moved->read_seq(), 4u);
  EXPECT_EQ(moved->delivered_seq(), 10u);
  uint64_t before = bed.RecordCount();
  moved = bed.Move(bo, id, 2, 7);
  EXPECT_EQ(moved->read_seq(), 4u);
  EXPECT_EQ(moved->delivered_seq(), 10u);
  EXPECT_EQ(bed.RecordCount(), before) << "nothing moved, and yet there is a record";
  EXPECT_EQ(bed.Move(bo, id, 10)->read_seq(), 10u);
  EXPECT_EQ(bed.Get(bo, id)->unread(), 0u);
  bed.Restart();
  EXPECT_EQ(bed.Get(bo, id)->read_seq(), 10u);
}

TEST_F(CursorsTest, NotBeyondWhatIsThere) {
  EXPECT_EQ(ReasonOf(bed.Move(bo, id, 11).status()), "SEQ_AHEAD");
  EXPECT_EQ(ReasonOf(bed.Move(bo, id, 0, 11).status()), "SEQ_AHEAD");
  EXPECT_EQ(bed.Get(bo, id)->read_seq(), 0u);
}

TEST_F(CursorsTest, SendingReadsWhatWasBefore) {
  ASSERT_TRUE(bed.Send(bo, id, "answer").ok());
  EXPECT_EQ(bed.Get(bo, id)->read_seq(), 11u);
  EXPECT_EQ(bed.Get(bo, id)->unread(), 0u);
  EXPECT_EQ(bed.Get(anna, id)->unread(), 1u);
}

TEST_F(CursorsTest, ABurstBecomesFewRecords) {
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(bed.Send(anna, id, "x").ok());
  const uint64_t before = bed.RecordCount();
  absl::BlockingCounter left(400);
  for (uint64_t seq = 11; seq <= 410; ++seq) {
    v1::MoveCursorRequest request;
    request.set_conversation_id(id);
    request.set_read_seq(seq);
    bed.parts->cursors.Move(bo, request, [&left, seq](absl::StatusOr<std::string> result) {
      v1::MoveCursorResponse response;
      ASSERT_TRUE(result.ok()) << result.status();
      ASSERT_TRUE(response.ParseFromString(*result));
      EXPECT_GE(response.read_seq(), seq);
      left.DecrementCount();
    });
  }
  left.Wait();
  EXPECT_EQ(bed.Get(bo, id)->read_seq(), 410u);
  EXPECT_LT(bed.RecordCount() - before, 400u) << "no two moves shared a record";
  EXPECT_EQ(bed.ReplayDiffers(), "");
}

}  // namespace
}  // namespace yizhan::im
