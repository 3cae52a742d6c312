// Writes a log of N entries as a C2SP tiled log would publish it, with every kind of proof, for verifiers that are not
// ours:  tlog_write_log DIR N  ->  DIR/{checkpoint,vkey,tile/...,inclusion/<index>.tlog-proof,consistency/<old size>}
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "audit/tlog/checkpoint.h"
#include "audit/tlog/entry.h"
#include "audit/tlog/test_tree.h"
#include "audit/tlog/text.h"
#include "audit/tlog/tiles.h"
#include "audit/tlog/tlog_proof.h"

namespace yizhan::audit {
namespace {

bool WriteFile(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  return out.good();
}

int WriteLog(const std::filesystem::path& dir, uint64_t size) {
  const auto log = NoteSigner::Generate("log.example/yizhan");
  const auto witness = NoteSigner::Generate("witness.example");
  if (!log.ok() || !witness.ok()) return 1;
  std::vector<std::string> entries;
  MemoryTree tree;
  for (uint64_t n = 0; n < size; ++n) {
    const auto entry = EncodeEntry({Cat("im/", n % 7), n / 7 + 1, static_cast<int64_t>(1768620896000000 + n),
                                    "im.MessageSent", Sha256(Cat("record ", n))});
    if (!entry.ok()) return 1;
    entries.push_back(*entry);
    tree.AppendEntry(*entry);
  }
  const auto checkpoint = SignCheckpoint({log->key().name(), size, tree.compact().Root(), {}}, {*log, *witness});
  if (!checkpoint.ok()) return 1;
  bool ok = WriteFile(dir / "checkpoint", *checkpoint) && WriteFile(dir / "vkey", log->key().ToString() + "\n");
  for (const Tile& tile : TilesFor(0, size)) {
    const uint64_t first = tile.index * kTileWidth;
    if (tile.entries) {
      const auto bundle = EncodeEntryBundle(absl::MakeConstSpan(entries).subspan(first, tile.width));
      ok = ok && bundle.ok() && WriteFile(dir / TilePath(tile), *bundle);
    } else {
      std::vector<Hash> hashes;
      for (uint32_t i = 0; i < tile.width; ++i) hashes.push_back(*tree.Read(tile.level * kTileHeight, first + i));
      ok = ok && WriteFile(dir / TilePath(tile), EncodeHashTile(hashes));
    }
  }
  for (uint64_t n = 0; n < size; ++n) {
    const auto proof = InclusionProof(tree, n, size);
    ok = ok && proof.ok() &&
         WriteFile(dir / "inclusion" / Cat(n, ".tlog-proof"), FormatTlogProof({std::nullopt, n, *proof, *checkpoint}));
    const auto step = ConsistencyProof(tree, n + 1, size);
    std::string lines;
    if (step.ok()) {
      for (const Hash& hash : *step) lines += Cat(ToBase64(hash.view()), '\n');
    }
    ok = ok && step.ok() && WriteFile(dir / "consistency" / Cat(n + 1), lines);
  }
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace yizhan::audit

int main(int argc, char** argv) {
  const auto size = argc == 3 ? yizhan::audit::ParseDecimal(argv[2], 100000) : std::nullopt;
  if (!size) {
    std::cerr << "usage: tlog_write_log DIR N\n";
    return 2;
  }
  return yizhan::audit::WriteLog(argv[1], *size);
}
