// State as decide() and Apply() see it: what is stored under what the batch has changed.
#include "ledger/state.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/overlay.h"
#include "ledger/pending_state.h"
#include "ledger/store.h"
#include "ledger/testing/counters.h"

namespace yizhan::ledger {
namespace {
using Keys = std::vector<std::string>;

class StateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = Store::Open(dir_.path() + "/ledger", Store::Mode::kReadWrite);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    // Neighbours on both sides, which must never be seen.
    for (uint32_t other : {6, 8}) ASSERT_TRUE(store_->Put(Table::kState, StateKey(other, "other"), "x").ok());
  }
  void Stored(const std::string& key, const std::string& value) {
    ASSERT_TRUE(store_->Put(Table::kState, StateKey(7, key), value).ok());
  }
  PendingState Pending() { return PendingState(&overlay_, StoredState(store_.get(), 7, nullptr)); }

  static Keys Forward(const StateReader& state, std::string_view prefix, std::string_view from = {}) {
    Keys keys;
    EXPECT_TRUE(state
                    .Scan(prefix, from,
                          [&](std::string_view key, std::string_view value) {
                            keys.push_back(absl::StrCat(std::string(key), "=", std::string(value)));
                            return true;
                          })
                    .ok());
    return keys;
  }
  static Keys Backward(const StateReader& state, std::string_view prefix, std::string_view below = {}) {
    Keys keys;
    EXPECT_TRUE(state
                    .ScanBack(prefix, below,
                              [&](std::string_view key, std::string_view value) {
                                keys.push_back(absl::StrCat(std::string(key), "=", std::string(value)));
                                return true;
                              })
                    .ok());
    return keys;
  }

  testing::TempDir dir_;
  std::unique_ptr<Store> store_;
  Arena arena_;
  Overlay overlay_{&arena_};
};

TEST_F(StateTest, MergesInOrderBothWays) {
  for (const char* key : {"a1", "a3", "a5", "b1"}) Stored(key, "s");
  auto state = Pending();
  state.Put("a2", "p");
  state.Put("a3", "p");
  state.Delete("a5");
  state.Delete("a9");
  state.Put("a\xff", "p");
  state.Put("c", "p");
  EXPECT_EQ(Forward(state, "a"), (Keys{"a1=s", "a2=p", "a3=p", "a\xff=p"}));
  EXPECT_EQ(Forward(state, "a", "a2"), (Keys{"a2=p", "a3=p", "a\xff=p"}));
  EXPECT_EQ(Forward(state, "a", "A"), Forward(state, "a"));
  EXPECT_EQ(Forward(state, "a", "b"), Keys{});
  EXPECT_EQ(Forward(state, ""), (Keys{"a1=s", "a2=p", "a3=p", "a\xff=p", "b1=s", "c=p"}));
  EXPECT_EQ(Backward(state, "a"), (Keys{"a\xff=p", "a3=p", "a2=p", "a1=s"}));
  EXPECT_EQ(Backward(state, "a", "a3"), (Keys{"a2=p", "a1=s"}));
  EXPECT_EQ(Backward(state, "a", "zzz"), Backward(state, "a"));
  EXPECT_EQ(Backward(state, "a", "A"), Keys{});
  EXPECT_EQ(Backward(state, ""), (Keys{"c=p", "b1=s", "a\xff=p", "a3=p", "a2=p", "a1=s"}));
  EXPECT_EQ(**state.Get("a3"), "p");
  EXPECT_EQ(**state.Get("a1"), "s");
  EXPECT_EQ(*state.Get("a5"), std::nullopt);
  EXPECT_EQ(*state.Get("nowhere"), std::nullopt);
}

TEST_F(StateTest, AScanMayChangeWhatItScans) {
  for (int i = 0; i < 6; ++i) Stored(absl::StrCat("k", i), "s");
  auto state = Pending();
  Keys seen;
  ASSERT_TRUE(state
                  .Scan("k", "",
                        [&](std::string_view key, std::string_view) {
                          seen.emplace_back(key);
                          state.Delete(key);
                          if (key == "k1") state.Put("k3x", "new");
                          if (key == "k1") state.Delete("k4");
                          if (key == "k1") state.Put("k0x", "behind");
                          return true;
                        })
                  .ok());
  EXPECT_EQ(seen, (Keys{"k0", "k1", "k2", "k3", "k3x", "k5"}));
  EXPECT_EQ(Forward(state, "k"), (Keys{"k0x=behind"}));
  seen.clear();
  for (int i = 0; i < 4; ++i) state.Put(absl::StrCat("k", i), "p");
  ASSERT_TRUE(state
                  .ScanBack("k", "",
                            [&](std::string_view key, std::string_view) {
                              seen.emplace_back(key);
                              state.Delete(key);
                              if (key == "k3") state.Put("k1x", "new");
                              return true;
                            })
                  .ok());
  EXPECT_EQ(seen, (Keys{"k3", "k2", "k1x", "k1", "k0x", "k0"}));
  EXPECT_EQ(Forward(state, "k"), Keys{});
}

TEST_F(StateTest, RollsBackToWhereItBegan) {
  auto state = Pending();
  state.Put("a", "1");
  state.Put("gone", "x");
  overlay_.Begin();
  state.Put("a", "2");
  state.Put("a", "3");
  state.Delete("gone");
  state.Put("b", "new");
  state.Delete("c");
  overlay_.RollBack();
  EXPECT_EQ(Forward(state, ""), (Keys{"a=1", "gone=x"}));
  EXPECT_EQ(overlay_.map().size(), 2u);
  overlay_.RollBack();
  EXPECT_EQ(overlay_.map().size(), 2u) << "once";
}

TEST_F(StateTest, AgreesWithAMap) {
  std::mt19937_64 random(1);
  std::map<std::string, std::string> stored, model;
  auto key = [&] { return absl::StrCat(std::string(1, static_cast<char>('a' + random() % 3)), random() % 40); };
  for (int i = 0; i < 60; ++i) stored[key()] = "s";
  for (const auto& [k, v] : stored) Stored(k, v);
  for (int round = 0; round < 300; ++round) {
    if (round % 50 == 0) {
      overlay_.Clear();
      arena_.Clear();
      model = stored;
    }
    auto state = Pending();
    auto before = model;
    overlay_.Begin();
    for (int i = 0; i < 5; ++i) {
      const std::string k = key();
      if (random() % 3 == 0) {
        state.Delete(k);
        model.erase(k);
      } else {
        const std::string v = absl::StrCat(round, std::string(random() % 30, 'v'));
        state.Put(k, v);
        model[k] = v;
      }
    }
    if (random() % 3 == 0) {
      overlay_.RollBack();
      model = before;
    }
    const std::string prefix(1, static_cast<char>('a' + random() % 3));
    const std::string bound = key();
    Keys forward, backward;
    for (const auto& [k, v] : model) {
      if (k.starts_with(prefix) && k >= bound) forward.push_back(k + "=" + v);
      if (k.starts_with(prefix) && k < bound) backward.insert(backward.begin(), k + "=" + v);
    }
    ASSERT_EQ(Forward(state, prefix, bound), forward);
    ASSERT_EQ(Backward(state, prefix, bound), backward);
    const std::string probe = key();
    ASSERT_EQ((*state.Get(probe)).value_or("none"), model.contains(probe) ? model[probe] : "none");
  }
}

TEST(Arena, GivesLargeAndManySmall) {
  Arena arena;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::string_view> views;
    for (int i = 0; i < 5'000; ++i)
      views.push_back(
          arena.Copy(std::string(static_cast<size_t>(i) % 100 * (i % 97 == 0 ? 1'000 : 1), static_cast<char>(i))));
    for (int i = 0; i < 5'000; ++i) {
      ASSERT_EQ(views[static_cast<size_t>(i)].find_first_not_of(static_cast<char>(i)), std::string_view::npos);
    }
    arena.Clear();
  }
}

}  // namespace
}  // namespace yizhan::ledger
