#include "ldap/credentials/verified_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace yizhan::directory {
namespace {

Secret<std::string> Pw(std::string text) { return Secret<std::string>(std::move(text)); }

class VerifiedCacheTest : public testing::Test {
 protected:
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  VerifiedCache cache_{{.entries = 3, .idle = absl::Minutes(10), .age = absl::Hours(1)}, [this] { return now_; }};
};

TEST_F(VerifiedCacheTest, KnowsExactlyWhatWasRemembered) {
  EXPECT_FALSE(cache_.Knows("wang", "hash1", Pw("secret")));
  cache_.Remember("wang", "hash1", Pw("secret"));
  EXPECT_TRUE(cache_.Knows("wang", "hash1", Pw("secret")));
  EXPECT_FALSE(cache_.Knows("wang", "hash1", Pw("Secret")));
  EXPECT_FALSE(cache_.Knows("wang", "hash1", Pw("")));
  EXPECT_FALSE(cache_.Knows("wan", "ghash1", Pw("secret")));
  EXPECT_TRUE(cache_.Knows("wang", "hash1", Pw("secret"))) << "a wrong guess must not throw the right one out";
}

TEST_F(VerifiedCacheTest, ChangedStoredHashOrForgottenIsUnknown) {
  cache_.Remember("wang", "hash1", Pw("secret"));
  EXPECT_FALSE(cache_.Knows("wang", "hash2", Pw("secret")));
  cache_.Forget("wang");
  EXPECT_FALSE(cache_.Knows("wang", "hash1", Pw("secret")));
  cache_.Remember("wang", "hash1", Pw("secret"));
  cache_.ForgetAll();
  EXPECT_FALSE(cache_.Knows("wang", "hash1", Pw("secret")));
}

TEST_F(VerifiedCacheTest, IdleAndAge) {
  cache_.Remember("wang", "h", Pw("s"));
  for (int i = 0; i < 7; ++i) {
    now_ += absl::Minutes(8);
    EXPECT_TRUE(cache_.Knows("wang", "h", Pw("s"))) << i;
  }
  now_ += absl::Minutes(8);  // 64 minutes old, idle for 8
  EXPECT_FALSE(cache_.Knows("wang", "h", Pw("s")));
  cache_.Remember("wang", "h", Pw("s"));
  now_ += absl::Minutes(11);
  EXPECT_FALSE(cache_.Knows("wang", "h", Pw("s")));
  EXPECT_EQ(cache_.size(), 0);
}

TEST_F(VerifiedCacheTest, BoundedByTheLeastRecentlyUsed) {
  for (const char* login : {"a", "b", "c"}) cache_.Remember(login, "h", Pw("s"));
  EXPECT_TRUE(cache_.Knows("a", "h", Pw("s")));
  cache_.Remember("d", "h", Pw("s"));
  EXPECT_EQ(cache_.size(), 3);
  EXPECT_TRUE(cache_.Knows("a", "h", Pw("s")));
  EXPECT_FALSE(cache_.Knows("b", "h", Pw("s")));
}

TEST(VerifiedCache, ManyThreads) {
  VerifiedCache cache({.entries = 64});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 500; ++i) {
        const std::string login = std::to_string((i * 7 + t) % 100);
        if (!cache.Knows(login, "h", Pw("s"))) cache.Remember(login, "h", Pw("s"));
        if (i % 50 == 0) cache.Forget(login);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.size(), 64);
}

}  // namespace
}  // namespace yizhan::directory
