#include "ledger/row_cache.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace yizhan::ledger {
namespace {

TEST(RowCacheTest, KnowsRowsAndTheirAbsence) {
  RowCache cache(1 << 20);
  EXPECT_EQ(cache.Find("a"), nullptr);
  cache.Remember("a", "1");
  cache.Remember("b", std::nullopt);
  EXPECT_EQ(*cache.Find("a"), "1");
  ASSERT_NE(cache.Find("b"), nullptr);
  EXPECT_FALSE(cache.Find("b")->has_value());
  cache.Committed("a", std::nullopt);
  cache.Committed("b", "2");
  cache.Committed("c", "3");
  EXPECT_FALSE(cache.Find("a")->has_value());
  EXPECT_EQ(*cache.Find("b"), "2");
  EXPECT_EQ(cache.Find("c"), nullptr) << "nobody asked for it";
  cache.Clear();
  EXPECT_EQ(cache.Find("b"), nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(RowCacheTest, ForgetsWhatNobodyAsksForAndStaysWithinItsBound) {
  constexpr size_t kBound = 64 << 10;
  RowCache cache(kBound);
  cache.Remember("hot", "x");
  for (int i = 0; i < 10'000; ++i) {
    cache.Remember("cold" + std::to_string(i), std::string(100, 'c'));
    ASSERT_LE(cache.bytes(), kBound + 512);
    ASSERT_NE(cache.Find("hot"), nullptr);
  }
  EXPECT_EQ(cache.Find("cold0"), nullptr);
}

TEST(RowCacheTest, NeverSaysWhatIsNotSo) {
  std::mt19937 random(7);
  RowCache cache(4 << 10);
  std::map<std::string, std::string> stored;
  for (int i = 0; i < 200'000; ++i) {
    const std::string key = std::to_string(random() % 100);
    const auto is = stored.find(key);
    const RowCache::Row truth = is == stored.end() ? std::nullopt : RowCache::Row(is->second);
    switch (random() % 3) {
      case 0:
        if (const RowCache::Row* row = cache.Find(key)) {
          ASSERT_EQ(*row, truth);
        } else {
          cache.Remember(key, truth);
        }
        break;
      case 1:
        stored[key] = std::string(random() % 200, 'v') + std::to_string(i);
        cache.Committed(key, stored[key]);
        break;
      default:
        stored.erase(key);
        cache.Committed(key, std::nullopt);
    }
  }
}

}  // namespace
}  // namespace yizhan::ledger
