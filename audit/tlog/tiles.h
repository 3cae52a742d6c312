// C2SP tlog-tiles (c2sp.org/tlog-tiles): the names and contents of the files in which a log publishes its tree.
//   tile/<L>/<N>[.p/<W>]        hashes of level L (each over 256^L leaves), 256 a tile
//   tile/entries/<N>[.p/<W>]    the entries themselves, 256 a bundle, each with its length (uint16, big-endian) in
//   front
// N is written in groups of three digits, all but the last led by 'x': 1234067 -> x001/x234/067.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "audit/tlog/hash.h"
#include "audit/tlog/tree.h"

namespace yizhan::audit {

inline constexpr uint32_t kTileWidth = 256;
inline constexpr uint32_t kTileHeight = 8;
inline constexpr uint32_t kMaxTileLevel = 63;
inline constexpr size_t kMaxEntryBytes = 65535;

struct Tile {
  bool entries = false;         // an entry bundle; level is 0 then
  uint32_t level = 0;           // 0..63
  uint64_t index = 0;           // N
  uint32_t width = kTileWidth;  // 1..256; 256 is a full tile, whose path has no ".p"
  bool operator==(const Tile&) const = default;
};

// The tile's path, without a slash in front.
std::string TilePath(const Tile& tile);

// Strict inverse of TilePath: takes exactly what it writes. InvalidArgument otherwise.
absl::StatusOr<Tile> ParseTilePath(std::string_view path);

// The tiles of one tree: every hash tile (and, for the entries, every bundle) that a tree of `size` leaves has beyond
// those that a tree of `old_size` leaves already had in full. old_size 0 gives all.
std::vector<Tile> TilesFor(uint64_t old_size, uint64_t size);

// Entries of a bundle, end to end. InvalidArgument for more than 256 entries or one beyond kMaxEntryBytes.
absl::StatusOr<std::string> EncodeEntryBundle(absl::Span<const std::string> entries);
// `count` entries, and nothing after them. InvalidArgument otherwise.
absl::StatusOr<std::vector<std::string>> DecodeEntryBundle(std::string_view bytes, uint32_t count);

std::string EncodeHashTile(absl::Span<const Hash> hashes);
absl::StatusOr<std::vector<Hash>> DecodeHashTile(std::string_view bytes, uint32_t count);

// Any node of the tree from a store that keeps hash tiles only (levels 0, 8, 16, ...): the nodes between are hashed
// from the tile's. A node read costs one tile and at most 255 hashes.
class TileHashReader : public HashReader {
 public:
  // At least the first `width` hashes of tile (level, index), as bytes of a hash tile; more may come (a wider tile).
  virtual absl::StatusOr<std::string> ReadTile(uint32_t level, uint64_t index, uint32_t width) const = 0;

  absl::StatusOr<Hash> Read(uint32_t level, uint64_t index) const final;
};

}  // namespace yizhan::audit
