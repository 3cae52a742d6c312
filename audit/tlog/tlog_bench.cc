// What a record costs the log: commitment, leaf, hash, append; and what a proof costs.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "audit/tlog/entry.h"
#include "audit/tlog/note.h"
#include "audit/tlog/proof.h"
#include "audit/tlog/test_tree.h"
#include "audit/tlog/text.h"

namespace yizhan::audit {
namespace {

// A record of 400 bytes, from its sealed form into the tree.
void BM_TakeRecord(benchmark::State& state) {
  const std::string record(400, 'r'), salt(kSaltBytes, 's');
  CompactTree tree;
  std::vector<TreeNode> complete;
  uint64_t seq = 0;
  for (auto _ : state) {
    const auto entry =
        EncodeEntry({"im/17", ++seq, 1768620896123456, "im.MessageSent", *RecordCommitment(salt, record)});
    complete.clear();
    benchmark::DoNotOptimize(tree.Append(LeafHash(*entry), &complete));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_TakeRecord);

void BM_AppendLeafHashes(benchmark::State& state) {
  const std::vector<Hash> leaves(1000);
  CompactTree tree;
  std::vector<TreeNode> complete;
  for (auto _ : state) {
    complete.clear();
    benchmark::DoNotOptimize(tree.AppendAll(leaves, &complete));
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(BM_AppendLeafHashes);

void BM_ProveAndVerifyInclusion(benchmark::State& state) {
  MemoryTree tree;
  for (int n = 0; n < 100000; ++n) tree.AppendEntry(Cat(n));
  const Hash root = tree.compact().Root();
  uint64_t index = 0;
  for (auto _ : state) {
    index = (index + 7919) % 100000;
    const auto proof = InclusionProof(tree, index, 100000);
    if (!VerifyInclusion(tree.leaves()[index], index, 100000, *proof, root).ok()) state.SkipWithError("not verified");
  }
}
BENCHMARK(BM_ProveAndVerifyInclusion);

void BM_SignAndOpenNote(benchmark::State& state) {
  const NoteSigner signer = *NoteSigner::FromSeed("bench.example", std::string(32, 'k'));
  for (auto _ : state) {
    const auto note = SignNote("bench.example\n1\nAAAA\n", {signer});
    if (!OpenNote(*note, {signer.key()}).ok()) state.SkipWithError("not verified");
  }
}
BENCHMARK(BM_SignAndOpenNote);

}  // namespace
}  // namespace yizhan::audit
