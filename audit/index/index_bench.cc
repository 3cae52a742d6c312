// Indexing rate, size and search time over Chinese messages of about 30 characters.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <random>

#include "audit/index/index.h"

namespace yizhan::audit {
namespace {

std::string Sentence(std::mt19937& random) {
  static const std::vector<std::string> words = {"您好", "请问", "理财", "产品", "收益", "贷款", "利率", "合同", "客户", "账户", "余额", "转账", "手续费",
                                                 "什么", "时候", "到账", "已经", "处理", "谢谢", "明天", "上午", "开会", "资料", "发给", "我们", "部门",
                                                 "审批", "通过", "风险", "评估", "信用卡", "额度", "OK", "email", "2024", "12345"};
  std::string text;
  for (int i = 0; i < 14; ++i) text += words[random() % words.size()];
  // A tail of rare characters, as names are.
  for (int i = 0; i < 3; ++i) {
    const char32_t c = 0x4e00 + random() % 6000;
    text += static_cast<char>(0xe0 | c >> 12);
    text += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    text += static_cast<char>(0x80 | (c & 0x3f));
  }
  return text;
}

std::unique_ptr<Index> Fresh(const std::string& path) {
  std::filesystem::remove_all(path);
  return *Index::Open({path, {1}});
}

void BM_Add(benchmark::State& state) {
  auto index = Fresh("/tmp/yizhan-index-bench");
  std::mt19937 random(1);
  uint64_t document = 0;
  for (auto _ : state) {
    if (!index->Add(document, static_cast<int64_t>(document), GramsOf(Sentence(random)), {MakeFacet('C', "g:1")}).ok()) state.SkipWithError("add");
    ++document;
  }
  (void)index->Flush();
  state.SetItemsProcessed(state.iterations());
  state.counters["bytes_per_message"] = static_cast<double>(index->disk_bytes()) / static_cast<double>(document);
}
BENCHMARK(BM_Add)->Iterations(200'000);

void BM_Search(benchmark::State& state) {
  auto index = Fresh("/tmp/yizhan-index-bench");
  std::mt19937 random(1);
  for (uint64_t i = 0; i < 500'000; ++i) (void)index->Add(i, static_cast<int64_t>(i), GramsOf(Sentence(random)), {});
  for (auto _ : state) {
    IndexQuery query;
    const auto parsed = ParseTextQuery("理财产品收益");
    for (const auto& part : parsed->parts) {
      for (Gram gram : part.grams) query.all.push_back({{gram}, {}});
    }
    int hits = 0;
    (void)index->Search(query, [&](uint64_t, bool) { return ++hits < 50; });
    benchmark::DoNotOptimize(hits);
  }
}
BENCHMARK(BM_Search)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace yizhan::audit
