// Tile paths and bundles: what is taken is written again byte for byte. The first byte is the count.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "audit/tlog/tiles.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace yizhan::audit;  // NOLINT: one function
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto tile = ParseTilePath(bytes);
  if (tile.ok() && TilePath(*tile) != bytes) std::abort();
  if (bytes.empty()) return 0;
  const uint32_t count = data[0] + 1u;
  const auto entries = DecodeEntryBundle(bytes.substr(1), count);
  if (entries.ok() && EncodeEntryBundle(*entries).value() != bytes.substr(1)) std::abort();
  const auto hashes = DecodeHashTile(bytes.substr(1), count);
  if (hashes.ok() && EncodeHashTile(*hashes) != bytes.substr(1)) std::abort();
  const auto tree = CompactTree::Parse(bytes);
  if (tree.ok() && tree->Serialize() != bytes) std::abort();
  return 0;
}
