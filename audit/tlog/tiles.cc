#include "audit/tlog/tiles.h"

#include <optional>
#include <utility>

#include "audit/tlog/text.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

absl::Status BadPath(std::string_view path) {
  return Refuse(absl::StatusCode::kInvalidArgument, "TILE_PATH_MALFORMED", Cat("not a tile path: ", Quoted(path)));
}
absl::Status BadTile(std::string_view what) {
  return Refuse(absl::StatusCode::kInvalidArgument, "TILE_MALFORMED", what);
}

std::string ThreeDigits(uint64_t group) {
  std::string digits = std::to_string(group);
  return std::string(3 - digits.size(), '0') + digits;
}

void AppendTiles(bool entries, uint32_t level, uint64_t old_count, uint64_t count, std::vector<Tile>* out) {
  for (uint64_t n = old_count / kTileWidth; n < count / kTileWidth; ++n) {
    out->push_back({entries, level, n, kTileWidth});
  }
  const uint32_t width = static_cast<uint32_t>(count % kTileWidth);
  if (width != 0 && count != old_count) out->push_back({entries, level, count / kTileWidth, width});
}

}  // namespace

std::string TilePath(const Tile& tile) {
  std::string number = ThreeDigits(tile.index % 1000);
  for (uint64_t rest = tile.index / 1000; rest != 0; rest /= 1000)
    number = Cat('x', ThreeDigits(rest % 1000), '/', number);
  std::string path = tile.entries ? Cat("tile/entries/", number) : Cat("tile/", tile.level, '/', number);
  if (tile.width != kTileWidth) path += Cat(".p/", tile.width);
  return path;
}

absl::StatusOr<Tile> ParseTilePath(std::string_view path) {
  std::string_view rest = path;
  constexpr std::string_view kFront = "tile/";
  if (path.size() > 64 || rest.substr(0, kFront.size()) != kFront) return BadPath(path);
  rest.remove_prefix(kFront.size());
  Tile tile;
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return BadPath(path);
  const std::string_view level = rest.substr(0, slash);
  rest.remove_prefix(slash + 1);
  if (level == "entries") {
    tile.entries = true;
  } else if (auto number = ParseDecimal(level, kMaxTileLevel)) {
    tile.level = static_cast<uint32_t>(*number);
  } else {
    return BadPath(path);
  }
  if (const size_t partial = rest.find(".p/"); partial != std::string_view::npos) {
    const auto width = ParseDecimal(rest.substr(partial + 3), kTileWidth - 1);
    if (!width || *width == 0) return BadPath(path);
    tile.width = static_cast<uint32_t>(*width);
    rest = rest.substr(0, partial);
  }
  // Groups of three digits; that the first is not x000 follows from writing the tile again below.
  while (true) {
    const bool more = !rest.empty() && rest[0] == 'x';
    if (more) rest.remove_prefix(1);
    if (rest.size() < 3) return BadPath(path);
    uint64_t group = 0;
    for (char c : rest.substr(0, 3)) {
      if (c < '0' || c > '9') return BadPath(path);
      group = group * 10 + static_cast<uint64_t>(c - '0');
    }
    if (tile.index > (kMaxTreeSize - group) / 1000) return BadPath(path);
    tile.index = tile.index * 1000 + group;
    rest.remove_prefix(3);
    if (!more) break;
    if (rest.empty() || rest[0] != '/') return BadPath(path);
    rest.remove_prefix(1);
  }
  if (!rest.empty() || TilePath(tile) != path) return BadPath(path);
  return tile;
}

std::vector<Tile> TilesFor(uint64_t old_size, uint64_t size) {
  std::vector<Tile> tiles;
  AppendTiles(true, 0, old_size, size, &tiles);
  for (uint32_t level = 0; size != 0; ++level, old_size /= kTileWidth, size /= kTileWidth) {
    AppendTiles(false, level, old_size, size, &tiles);
  }
  return tiles;
}

absl::StatusOr<std::string> EncodeEntryBundle(absl::Span<const std::string> entries) {
  if (entries.size() > kTileWidth) return BadTile(Cat(entries.size(), " entries are too many for a bundle"));
  std::string out;
  for (const std::string& entry : entries) {
    if (entry.size() > kMaxEntryBytes) return BadTile(Cat("an entry of ", entry.size(), " bytes is too long"));
    out.push_back(static_cast<char>(entry.size() >> 8));
    out.push_back(static_cast<char>(entry.size() & 255));
    out.append(entry);
  }
  return out;
}

absl::StatusOr<std::vector<std::string>> DecodeEntryBundle(std::string_view bytes, uint32_t count) {
  if (count > kTileWidth) return BadTile(Cat(count, " entries are too many for a bundle"));
  std::vector<std::string> entries;
  for (uint32_t i = 0; i < count; ++i) {
    if (bytes.size() < 2) return BadTile(Cat("the bundle ends before entry ", i));
    const size_t length =
        static_cast<size_t>(static_cast<unsigned char>(bytes[0])) << 8 | static_cast<unsigned char>(bytes[1]);
    bytes.remove_prefix(2);
    if (bytes.size() < length) return BadTile(Cat("the bundle ends inside entry ", i));
    entries.emplace_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  if (!bytes.empty()) return BadTile(Cat(bytes.size(), " bytes after the bundle's last entry"));
  return entries;
}

std::string EncodeHashTile(absl::Span<const Hash> hashes) {
  std::string out;
  out.reserve(hashes.size() * kHashBytes);
  for (const Hash& hash : hashes) out.append(hash.view());
  return out;
}

absl::StatusOr<std::vector<Hash>> DecodeHashTile(std::string_view bytes, uint32_t count) {
  if (count == 0 || count > kTileWidth || bytes.size() != size_t{count} * kHashBytes) {
    return BadTile(Cat("a tile of ", count, " hashes does not have ", bytes.size(), " bytes"));
  }
  std::vector<Hash> hashes;
  for (; !bytes.empty(); bytes.remove_prefix(kHashBytes)) {
    YZ_ASSIGN_OR_RETURN(Hash hash, HashFromBytes(bytes.substr(0, kHashBytes)));
    hashes.push_back(hash);
  }
  return hashes;
}

absl::StatusOr<Hash> TileHashReader::Read(uint32_t level, uint64_t index) const {
  const uint32_t height = level % kTileHeight;
  const uint64_t first = index << height;
  const uint32_t offset = static_cast<uint32_t>(first % kTileWidth);
  const uint32_t count = 1u << height;
  YZ_ASSIGN_OR_RETURN(std::string bytes, ReadTile(level / kTileHeight, first / kTileWidth, offset + count));
  if (bytes.size() < size_t{offset + count} * kHashBytes) {
    return absl::DataLossError(Cat("tile ", TilePath({false, level / kTileHeight, first / kTileWidth, kTileWidth}),
                                   " has ", bytes.size(), " bytes; ", offset + count, " hashes were wanted"));
  }
  std::vector<Hash> hashes;
  for (uint32_t i = 0; i < count; ++i) {
    YZ_ASSIGN_OR_RETURN(Hash hash,
                        HashFromBytes(std::string_view(bytes).substr((offset + i) * kHashBytes, kHashBytes)));
    hashes.push_back(hash);
  }
  for (size_t left = hashes.size(); left > 1; left /= 2) {
    for (size_t i = 0; i < left / 2; ++i) hashes[i] = NodeHash(hashes[2 * i], hashes[2 * i + 1]);
  }
  return hashes[0];
}

}  // namespace yizhan::audit
