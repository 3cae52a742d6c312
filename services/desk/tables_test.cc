#include "desk/tables.h"

#include <gtest/gtest.h>

namespace yizhan::desk {
namespace {

std::string Hex(const std::string& bytes) {
  std::string hex;
  char two[3];
  for (unsigned char c : bytes) {
    snprintf(two, sizeof two, "%02x", c);
    hex += two;
  }
  return hex;
}

// These bytes are on disks: a change here is a migration.
TEST(Tables, KeysAreFrozen) {
  EXPECT_EQ(Hex(GroupKey("s1")), "017331");
  EXPECT_EQ(Hex(ChannelKey("w1")), "027731");
  EXPECT_EQ(Hex(CustomerKey("c1")), "036331");
  EXPECT_EQ(Hex(TokenKey("t")), "0474");
  EXPECT_EQ(Hex(ReceptionKey("r1")), "057231");
  EXPECT_EQ(Hex(LineKey("r1", 258)), "0672310000000000000102");
  EXPECT_EQ(Hex(QueueKey("s1", 3, 4)), "07733100000000000000030000000000000004");
  EXPECT_EQ(Hex(AgentKey("p1")), "087031");
  EXPECT_EQ(Hex(MineKey("p1", "r1")), "0970317231");
  EXPECT_EQ(Hex(DoneKey("p1", 1, "r1")), "0a7031fffffffffffffffe7231");
  EXPECT_EQ(Hex(HistoryKey("c1", 1, "r1")), "0b6331fffffffffffffffe7231");
  EXPECT_EQ(Hex(HadKey("p1", "r1")), "0c70317231");
}

TEST(Tables, PartsComeBack) {
  const std::string id = "r:abcdefghij0123456789";
  EXPECT_EQ(TrailingConversation(MineKey("p123456789012", id)), id);
  EXPECT_EQ(ClosedAt(DoneKey("p123456789012", 77, id)), 77);
  EXPECT_EQ(WaitsSince(QueueKey("s123456789012", 99, 5)), 99);
}

}  // namespace
}  // namespace yizhan::desk
