// The very bytes of docs/formats/ledger.md. A test here that has to be changed means a new format version.
#include "ledger/tables.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/escaping.h"
#include "ledger/partition.h"
#include "ledger/requests.h"

namespace yizhan::ledger {
namespace {

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

TEST(Tables, KeysHaveTheirFrozenBytes) {
  EXPECT_EQ(Hex(RecordKey{18, 1'000'000}.Encode()), "0000001200000000000f4240");
  EXPECT_EQ(Hex(StateKey(18, "c\x01")), "000000126301");
  EXPECT_EQ(Hex(RequestBlockKey(18, 976)), "0000001200000000000003d0");
  EXPECT_EQ(Hex(ProjectionKey("archive", std::string("\0im/17", 6))), "076172636869766500696d2f3137");
  EXPECT_EQ(Hex(meta::FormatKey()), "56");
  EXPECT_EQ(Hex(meta::FingerprintKey()), "4b");
  EXPECT_EQ(Hex(meta::ServiceKey("im")), "53696d");
  EXPECT_EQ(Hex(meta::HeadKey(18)), "4800000012");
  EXPECT_EQ(Hex(meta::FirstKey(18)), "4600000012");
  EXPECT_EQ(Hex(meta::MarkKey(18)), "4e00000012");
  EXPECT_EQ(Hex(meta::LoadingKey(18)), "4c00000012");
  EXPECT_EQ(Hex(meta::TouchedKey()), "54");
  EXPECT_EQ(Hex(Head{1'000'000, 1'767'268'800'000'000}.Encode()),
            "00000000000f4240"
            "00064752550bf000");
  EXPECT_EQ(Hex(SnapshotMark{7, std::string(32, '\xaa'), "/s"}.Encode()),
            "0000000000000007"
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "2f73");
}

TEST(Tables, NamesAndIdsAreFrozen) {
  const std::pair<int, const char*> frozen[] = {
      {0, "meta"}, {1, "records"}, {2, "state"}, {3, "requests"}, {4, "projections"}};
  ASSERT_EQ(kTables.size(), std::size(frozen));
  for (size_t i = 0; i < kTables.size(); ++i) {
    EXPECT_EQ(static_cast<int>(kTables[i].id), frozen[i].first);
    EXPECT_STREQ(kTables[i].name, frozen[i].second);
  }
  EXPECT_EQ(kFormatVersion, 1u);
}

TEST(Tables, DecodingTrustsNoLength) {
  for (size_t size : {0, 4, 11, 13}) EXPECT_FALSE(RecordKey::Decode(std::string(size, 'x')).ok());
  for (size_t size : {0, 15, 17}) EXPECT_FALSE(Head::Decode(std::string(size, 'x')).ok());
  EXPECT_FALSE(SnapshotMark::Decode(std::string(39, 'x')).ok());
  EXPECT_EQ(*RecordKey::Decode(RecordKey{1, 2}.Encode()), (RecordKey{1, 2}));
  EXPECT_EQ(*Head::Decode(Head{1, -2}.Encode()), (Head{1, -2}));
  const SnapshotMark mark{1, std::string(32, 'd'), "path"};
  EXPECT_EQ(*SnapshotMark::Decode(mark.Encode()), mark);
}

TEST(Tables, PrefixEndIsTheFirstKeyBehind) {
  EXPECT_EQ(PrefixEnd("ab"), "ac");
  EXPECT_EQ(PrefixEnd("a\xff\xff"), "b");
  EXPECT_EQ(PrefixEnd("\xff"), "");
  EXPECT_EQ(PrefixEnd(""), "");
}

TEST(Partition, NamesAreStrict) {
  EXPECT_EQ(PartitionId::Parse("im/17")->ToString(), "im/17");
  EXPECT_EQ(PartitionId::Parse("directory/4095")->index, 4'095u);
  for (const char* wrong : {"", "im", "im/", "/1", "im/01", "im/4096", "im/-1", "im/1 ", "Im/1", "im/1/2", "im/99999",
                            "../1", "abcdefghijklmnopq/1"}) {
    EXPECT_FALSE(PartitionId::Parse(wrong).ok()) << wrong;
  }
}

TEST(Partition, PlacementIsFrozenForEver) {
  // FNV-1a's published values: http://www.isthe.com/chongo/tech/comp/fnv/, "" and "foobar".
  EXPECT_EQ(PartitionIndexOf("", 1'000'003), 14695981039346656037ull % 1'000'003);
  EXPECT_EQ(PartitionIndexOf("foobar", 1'000'003), 0x85944171f73967e8ull % 1'000'003);
  EXPECT_EQ(PartitionIndexOf("a conversation", 16), PartitionIndexOf("a conversation", 16));
  EXPECT_EQ(PartitionIndexOf("x", 0), 0u);
}

TEST(Requests, SipHashIsSipHash) {
  // Appendix A of "SipHash: a fast short-input PRF": key 00..0f, input 00..0e.
  std::string input;
  for (char c = 0; c < 15; ++c) input += c;
  EXPECT_EQ(SipHash({0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull}, input), 0xa129ca6149be45e5ull);
}

TEST(Requests, FindsTheLastSeqOfACommandWithinTheWindow) {
  Requests requests(2 * kRequestBlock);
  for (uint64_t seq = 1; seq <= 20 * kRequestBlock; ++seq) requests.Add(seq, seq % 10 == 0 ? 0 : 1'000 + seq / 10);
  const uint64_t last = 20 * kRequestBlock;
  EXPECT_EQ(requests.size(), 10 * kRequestBlock);
  EXPECT_EQ(requests.Find(1'000 + 2'047).front(), 20'479u);
  EXPECT_EQ(requests.Find(1'000 + (last - 2 * kRequestBlock) / 10).size(), 1u);
  EXPECT_TRUE(requests.Find(1'000 + 5).empty()) << "forgotten";
  EXPECT_TRUE(requests.Find(0).empty());
}

TEST(Requests, KeepsBothOfTwoRequestsWithOneFingerprint) {
  Requests requests(kRequestBlock);
  requests.Add(1, 77);
  requests.Add(2, 5);
  requests.Add(3, 77);
  EXPECT_EQ(requests.Find(77), (absl::InlinedVector<uint64_t, 2>{3, 1}));
  requests.Truncate(2);
  EXPECT_EQ(requests.Find(77), (absl::InlinedVector<uint64_t, 2>{1}));
  EXPECT_EQ(requests.Find(5).front(), 2u);
  requests.Truncate(0);
  EXPECT_TRUE(requests.Find(77).empty());
  requests.Add(1, 77);
  EXPECT_EQ(requests.Find(77).front(), 1u);
}

TEST(Requests, ABlockBringsBackWhatItHeld) {
  Requests one(4 * kRequestBlock), other(4 * kRequestBlock);
  for (uint64_t seq = 1; seq <= 2 * kRequestBlock; ++seq) one.Add(seq, seq * 3);
  ASSERT_TRUE(other.AddBlock(1, one.EncodeBlock(2 * kRequestBlock)).ok());
  EXPECT_EQ(other.Find(3 * (kRequestBlock + 1)).front(), kRequestBlock + 1);
  EXPECT_EQ(other.EncodeBlock(2 * kRequestBlock), one.EncodeBlock(2 * kRequestBlock));
  EXPECT_FALSE(other.AddBlock(2, "short").ok());
}

}  // namespace
}  // namespace yizhan::ledger
