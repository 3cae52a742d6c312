// How fast an export is written and verified: messages of `range(0)` bytes, 2000 items.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "audit/export_format/sample_export.h"
#include "audit/tlog/entry.h"
#include "audit/tlog/test_tree.h"
#include "audit/tlog/text.h"
#include "audit/verify/verify.h"

namespace yizhan::audit {
namespace {

constexpr uint64_t kItems = 2000;

struct Prepared {
  NoteSigner signer = *NoteSigner::FromSeed("bench.example", std::string(32, 'k'));
  std::vector<SampleRecord> records;
  MemoryTree tree;
  std::string checkpoint;

  explicit Prepared(size_t bytes) {
    const std::string salt(kContentSaltBytes, 's');
    for (uint64_t n = 0; n < kItems; ++n) {
      ItemSource source;
      source.leaf_index = n;
      source.leaf_salt = std::string(kSaltBytes, 'l');
      source.disclosed = {salt, WireBytes(1, std::string(bytes, 'm'))};
      source.names = {{"p1", "王小明"}};
      source.conversation_title = "信贷审批";
      const std::string record = RecordWire("im/17", n + 1, 1768620896123456, "person:p1", "im.MessageSent", 2,
                                            Cat(WireBytes(1, "g:credit"), WireVarint(2, n + 1), WireBytes(5, "p1"),
                                                WireBytes(6, SealedWire(salt, source.disclosed->bytes))));
      tree.AppendEntry(*EncodeEntry(
          {"im/17", n + 1, 1768620896123456, "im.MessageSent", *RecordCommitment(source.leaf_salt, record)}));
      records.push_back({record, source});
    }
    checkpoint = *SignCheckpoint({"bench.example", kItems, tree.compact().Root(), {}}, {signer});
  }

  void Write(const std::filesystem::path& dir) const {
    std::filesystem::remove_all(dir);
    auto writer = *ExportWriter::Create(dir, checkpoint);
    for (const SampleRecord& record : records) {
      (void)writer->Add(record.source, record.bytes, *InclusionProof(tree, record.source.leaf_index, kItems));
    }
    Manifest about;
    about.export_id = "e1";
    (void)writer->Finish(about, {signer});
  }
};

std::filesystem::path Dir() { return std::filesystem::temp_directory_path() / Cat("verify-bench-", ::getpid()); }

void BM_WriteExport(benchmark::State& state) {
  const Prepared prepared(static_cast<size_t>(state.range(0)));
  for (auto _ : state) prepared.Write(Dir());
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kItems));
  std::filesystem::remove_all(Dir());
}
BENCHMARK(BM_WriteExport)->Arg(200)->Arg(20000)->Unit(benchmark::kMillisecond);

void BM_VerifyExport(benchmark::State& state) {
  const Prepared prepared(static_cast<size_t>(state.range(0)));
  prepared.Write(Dir());
  uint64_t bytes = 0;
  for (auto _ : state) {
    const Report report = VerifyExport(Dir().string(), {prepared.signer.key()});
    if (!report.verified()) state.SkipWithError("not verified");
    bytes += report.bytes;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kItems));
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
  std::filesystem::remove_all(Dir());
}
BENCHMARK(BM_VerifyExport)->Arg(200)->Arg(20000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace yizhan::audit
