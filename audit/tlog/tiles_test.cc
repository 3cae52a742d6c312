#include "audit/tlog/tiles.h"

#include <gtest/gtest.h>

#include <map>

#include "audit/tlog/test_tree.h"
#include "audit/tlog/text.h"

namespace yizhan::audit {
namespace {

TEST(TilePath, WritesAndReadsTheSpecifiedForms) {
  const std::pair<Tile, const char*> cases[] = {
      {{false, 0, 0, 256}, "tile/0/000"},
      {{false, 3, 1234067, 256}, "tile/3/x001/x234/067"},
      {{true, 0, 999, 256}, "tile/entries/999"},
      {{true, 0, 1000, 1}, "tile/entries/x001/000.p/1"},
      {{false, 63, 67, 255}, "tile/63/067.p/255"},
      {{false, 1, kMaxTreeSize, 256}, "tile/1/x009/x223/x372/x036/x854/x775/807"}};
  for (const auto& [tile, path] : cases) {
    EXPECT_EQ(TilePath(tile), path);
    const auto parsed = ParseTilePath(path);
    ASSERT_TRUE(parsed.ok()) << path << parsed.status();
    EXPECT_EQ(*parsed, tile);
  }
}

TEST(TilePath, TakesNothingElse) {
  for (const char* bad : {"",
                          "tile",
                          "tile/",
                          "tile/0",
                          "tile/0/",
                          "tile/0/0",
                          "tile/0/00",
                          "tile/0/0000",
                          "tile/0/x000/001",
                          "tile/64/000",
                          "tile/00/000",
                          "tile/-1/000",
                          "tile/0/000.p/0",
                          "tile/0/000.p/256",
                          "tile/0/000.p/01",
                          "tile/0/000.p/",
                          "tile/0/000.p",
                          "/tile/0/000",
                          "tile/0/000/",
                          "tile/0/001/002",
                          "tile/0/x001/x002",
                          "tile/0/x001002",
                          "tile/0/../000",
                          "tile/Entries/000",
                          "tile/0/x009/x223/x372/x036/x854/x775/808",
                          "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999"}) {
    EXPECT_FALSE(ParseTilePath(bad).ok()) << bad;
  }
}

TEST(TilesFor, ATreeOf70000HasTheTilesOfTheSpecificationsExample) {
  std::map<std::pair<bool, uint32_t>, int> full;
  std::map<std::pair<bool, uint32_t>, uint32_t> partial;
  for (const Tile& tile : TilesFor(0, 70000)) {
    if (tile.width == kTileWidth) {
      ++full[{tile.entries, tile.level}];
    } else {
      partial[{tile.entries, tile.level}] = tile.width;
    }
  }
  EXPECT_EQ(full, (std::map<std::pair<bool, uint32_t>, int>{{{false, 0}, 273}, {{true, 0}, 273}, {{false, 1}, 1}}));
  EXPECT_EQ(partial, (std::map<std::pair<bool, uint32_t>, uint32_t>{
                         {{false, 0}, 112}, {{true, 0}, 112}, {{false, 1}, 17}, {{false, 2}, 1}}));
}

TEST(TilesFor, GrowthNamesWhatIsNewOnly) {
  EXPECT_TRUE(TilesFor(0, 0).empty());
  EXPECT_TRUE(TilesFor(300, 300).empty());
  EXPECT_EQ(TilesFor(255, 256), (std::vector<Tile>{{true, 0, 0, 256}, {false, 0, 0, 256}, {false, 1, 0, 1}}));
  EXPECT_EQ(TilesFor(256, 257), (std::vector<Tile>{{true, 0, 1, 1}, {false, 0, 1, 1}}));
}

TEST(EntryBundle, RoundTripsAndIsBounded) {
  std::vector<std::string> entries = {"", "a", std::string(kMaxEntryBytes, 'x'), std::string("\0\1", 2)};
  const std::string bytes = *EncodeEntryBundle(entries);
  EXPECT_EQ(bytes.substr(0, 5), std::string("\0\0\0\1a", 5));
  EXPECT_EQ(*DecodeEntryBundle(bytes, 4), entries);
  EXPECT_FALSE(DecodeEntryBundle(bytes, 3).ok());
  EXPECT_FALSE(DecodeEntryBundle(bytes, 5).ok());
  EXPECT_FALSE(DecodeEntryBundle(bytes.substr(0, bytes.size() - 1), 4).ok());
  EXPECT_FALSE(DecodeEntryBundle("", 257).ok());
  EXPECT_FALSE(EncodeEntryBundle({std::string(kMaxEntryBytes + 1, 'x')}).ok());
  EXPECT_FALSE(EncodeEntryBundle(std::vector<std::string>(257)).ok());
}

TEST(HashTile, RoundTrips) {
  const std::vector<Hash> hashes = {LeafHash("a"), LeafHash("b")};
  EXPECT_EQ(*DecodeHashTile(EncodeHashTile(hashes), 2), hashes);
  EXPECT_FALSE(DecodeHashTile(EncodeHashTile(hashes), 1).ok());
  EXPECT_FALSE(DecodeHashTile(EncodeHashTile(hashes), 3).ok());
  EXPECT_FALSE(DecodeHashTile("", 0).ok());
}

// Tiles of a tree as a log would keep them.
class StoredTiles : public TileHashReader {
 public:
  StoredTiles(const MemoryTree& tree, uint64_t size) {
    for (const Tile& tile : TilesFor(0, size)) {
      if (tile.entries) continue;
      std::vector<Hash> hashes;
      for (uint32_t i = 0; i < tile.width; ++i) {
        hashes.push_back(*tree.Read(tile.level * kTileHeight, tile.index * kTileWidth + i));
      }
      tiles_[{tile.level, tile.index}] = EncodeHashTile(hashes);
    }
  }
  absl::StatusOr<std::string> ReadTile(uint32_t level, uint64_t index, uint32_t width) const override {
    const auto tile = tiles_.find({level, index});
    if (tile == tiles_.end()) return absl::NotFoundError("no such tile");
    return tile->second;
  }

 private:
  std::map<std::pair<uint32_t, uint64_t>, std::string> tiles_;
};

TEST(TileHashReader, GivesTheSameProofsAsEveryNode) {
  MemoryTree tree;
  constexpr uint64_t kSize = 70001;
  for (uint64_t n = 0; n < kSize; ++n) tree.AppendEntry(Cat(n));
  const StoredTiles tiles(tree, kSize);
  EXPECT_EQ(*RootAt(tiles, kSize), tree.compact().Root());
  for (uint64_t index : {uint64_t{0}, uint64_t{255}, uint64_t{256}, uint64_t{65535}, uint64_t{65536}, kSize - 1}) {
    EXPECT_EQ(*InclusionProof(tiles, index, kSize), *InclusionProof(tree, index, kSize)) << index;
  }
  for (uint64_t old : {1, 255, 256, 257, 65535, 65536, 65537, 70000}) {
    EXPECT_EQ(*ConsistencyProof(tiles, old, kSize), *ConsistencyProof(tree, old, kSize)) << old;
  }
  EXPECT_EQ(tiles.Read(0, kSize).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(tiles.Read(0, 80000).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace yizhan::audit
