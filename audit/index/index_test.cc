#include "audit/index/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

namespace yizhan::audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class IndexTest : public testing::Test {
 protected:
  IndexTest() {
    path_ = std::filesystem::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(path_);
    Open();
  }
  void Open(uint8_t key = 7) {
    index_.reset();
    auto opened = Index::Open({path_, {key}, 16});
    ASSERT_TRUE(opened.ok()) << opened.status();
    index_ = *std::move(opened);
  }
  void Add(uint64_t document, std::string_view text, std::vector<Facet> facets = {}) {
    auto status = index_->Add(document, static_cast<int64_t>(document) * 1000, GramsOf(text), facets);
    ASSERT_TRUE(status.ok()) << status;
  }
  std::vector<uint64_t> Find(std::string_view text, IndexQuery query = {}) {
    const auto parsed = ParseTextQuery(text);
    for (const auto& part : parsed->parts) {
      for (Gram gram : part.grams) query.all.push_back({{gram}, {}});
    }
    std::vector<uint64_t> found;
    auto status = index_->Search(query, [&](uint64_t document, bool) {
      found.push_back(document);
      return true;
    });
    EXPECT_TRUE(status.ok()) << status;
    return found;
  }
  std::string path_;
  std::unique_ptr<Index> index_;
};

TEST_F(IndexTest, FindsNewestFirstInMemoryAndOnDisk) {
  for (int i = 0; i < 40; ++i) Add(i, i % 10 == 3 ? "理财产品" : "你好");
  EXPECT_EQ(index_->durable_end(), 32u);
  EXPECT_THAT(Find("理财"), ElementsAre(33, 23, 13, 3));
  EXPECT_THAT(Find("财"), ElementsAre(33, 23, 13, 3));
  EXPECT_THAT(Find("没有"), IsEmpty());
}

TEST_F(IndexTest, WhatWasOnlyInMemoryIsAddedAgainAfterARestart) {
  for (int i = 0; i < 20; ++i) Add(i, "贷款");
  Open();
  EXPECT_EQ(index_->end(), 16u);
  for (uint64_t i = index_->end(); i < 20; ++i) Add(i, "贷款");
  EXPECT_EQ(Find("贷款").size(), 20u);
}

TEST_F(IndexTest, FacetsUniteAndClausesIntersect) {
  const Facet a = MakeFacet('C', "g:a"), b = MakeFacet('C', "g:b"), c = MakeFacet('C', "g:c");
  for (int i = 0; i < 30; ++i) Add(i, "合同", {i % 3 == 0 ? a : i % 3 == 1 ? b : c});
  IndexQuery query;
  query.all.push_back({{}, {a, b}});
  EXPECT_EQ(Find("合同", query).size(), 20u);
  query.below = 5;
  EXPECT_THAT(Find("合同", query), ElementsAre(4, 3, 1, 0));
}

TEST_F(IndexTest, TimeBoundsSkipBlocksAndSayWhenTheyAreUnsure) {
  for (int i = 0; i < 64; ++i) Add(i, "x");
  IndexQuery query;
  query.start_us = 20'000;
  query.end_us = 40'000;
  int certain = 0, unsure = 0;
  ASSERT_TRUE(index_->Search(query, [&](uint64_t, bool sure) { return sure ? ++certain : ++unsure, true; }).ok());
  EXPECT_EQ(certain + unsure, 32);  // blocks 16-31 and 32-47
  EXPECT_EQ(certain, 0);
}

TEST_F(IndexTest, AnotherKeyDoesNotOpenIt) {
  for (int i = 0; i < 20; ++i) Add(i, "秘密");
  index_.reset();
  EXPECT_FALSE(Index::Open({path_, {9}, 16}).ok());
}

TEST_F(IndexTest, AgreesWithAPlainScanOnRandomTexts) {
  std::mt19937 random(42);
  const std::vector<std::string> letters = {"a", "B", "理", "财", "保", " ", "1"};
  std::vector<std::string> texts;
  for (int i = 0; i < 300; ++i) {
    std::string text;
    for (int n = random() % 12; n >= 0; --n) text += letters[random() % letters.size()];
    texts.push_back(text);
    Add(i, text);
  }
  for (int round = 0; round < 300; ++round) {
    std::string needle;
    for (int n = random() % 4; n >= 0; --n) needle += letters[random() % (letters.size() - 2)];
    auto query = ParseTextQuery(needle);
    std::vector<uint64_t> expected, found;
    for (int i = 299; i >= 0; --i) {
      if (!FindParts(*query, texts[i]).empty()) expected.push_back(i);
    }
    for (uint64_t document : Find(needle)) {
      if (query->exact() || !FindParts(*query, texts[document]).empty()) found.push_back(document);
    }
    EXPECT_EQ(found, expected) << needle;
  }
}

}  // namespace
}  // namespace yizhan::audit
