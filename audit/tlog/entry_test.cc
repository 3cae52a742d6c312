#include "audit/tlog/entry.h"

#include <gtest/gtest.h>

#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

// The worked example of docs/formats/leaf.md, byte for byte.
constexpr char kExample[] =
    "yizhan-leaf/v1\n"
    "partition im/17\n"
    "seq 42\n"
    "time 1768620896123456\n"
    "type im.MessageSent\n"
    "commitment Bo+s67mwNGHBRbVLYMod71lbKR+LtLwGOk1M2Z6uxu0=\n";

LogEntry Example() {
  std::string salt;
  for (int i = 0; i < 32; ++i) salt.push_back(static_cast<char>(i));
  return {"im/17", 42, 1768620896123456, "im.MessageSent", *RecordCommitment(salt, "sealed record")};
}

TEST(LogEntry, IsTheDocumentsExample) {
  EXPECT_EQ(*EncodeEntry(Example()), kExample);
  EXPECT_EQ(*DecodeEntry(kExample), Example());
  EXPECT_EQ(ToHex(LeafHash(kExample).view()), "76fc00464bd83ce83ce9dfc886086bad45933f6d39f35c018356d760b36f2145");
}

TEST(LogEntry, CommitmentIsSaltedAndItsOwnDomain) {
  const std::string salt(32, 's');
  EXPECT_EQ(*RecordCommitment(salt, "r"), Sha256(Cat('\x02', salt, "r")));
  EXPECT_NE(*RecordCommitment(salt, "r"), *RecordCommitment(std::string(32, 't'), "r"));
  EXPECT_FALSE(RecordCommitment("short", "r").ok());
}

TEST(LogEntry, EncodesWithinItsBoundsOnly) {
  const auto refused = [](auto change) {
    LogEntry entry = Example();
    change(entry);
    return !EncodeEntry(entry).ok();
  };
  EXPECT_TRUE(refused([](LogEntry& e) { e.partition = ""; }));
  EXPECT_TRUE(refused([](LogEntry& e) { e.partition = "im 17"; }));
  EXPECT_TRUE(refused([](LogEntry& e) { e.partition = "im\n17"; }));
  EXPECT_TRUE(refused([](LogEntry& e) { e.partition = std::string(256, 'a'); }));
  EXPECT_TRUE(refused([](LogEntry& e) { e.seq = 0; }));
  EXPECT_TRUE(refused([](LogEntry& e) { e.time_micros = -1; }));
  EXPECT_TRUE(refused([](LogEntry& e) { e.record_type = "驿"; }));
  LogEntry longest{std::string(255, 'p'), UINT64_MAX, INT64_MAX, std::string(255, 't'), Hash{}};
  ASSERT_TRUE(EncodeEntry(longest).ok());
  EXPECT_EQ(*DecodeEntry(*EncodeEntry(longest)), longest);
  EXPECT_LT(EncodeEntry(longest)->size(), 700u);
}

TEST(LogEntry, DecodesStrictly) {
  const std::string good = kExample;
  for (size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(DecodeEntry(good.substr(0, length)).ok()) << length;
  EXPECT_EQ(ReasonOf(DecodeEntry(good + "x").status()), "LEAF_MALFORMED");
  EXPECT_EQ(ReasonOf(DecodeEntry("yizhan-leaf/v2\nwhatever").status()), "LEAF_VERSION");
  // Whatever is taken is the one way in which its value is written.
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      const auto entry = DecodeEntry(bad);
      EXPECT_EQ(entry.ok() ? *EncodeEntry(*entry) : bad, bad);
    }
  }
}

}  // namespace
}  // namespace yizhan::audit
