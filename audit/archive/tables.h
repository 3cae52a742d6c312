// The key schema of audit/0's state: the tree and what leads into it. Frozen: tables_test.cc holds the very bytes. All integers are
// big-endian. Numbers of removed tables are never used again; none so far.
//
//   table        key                              row
//   1 tree       -                                CompactTree::Serialize()
//   2 tile       level(1) · index(8)              the tile's hashes, 1 to 256 of 32 bytes; level 1 is over 256 leaves, and so on
//   3 cursor     source partition                 last seq taken(8)
//   4 run        first leaf(8)                    first seq(8) · count(4) · source partition
//   5 reverse    name length(1) · partition · first seq(8)    first leaf(8) · count(4)
//   6 checkpoint -                                the latest signed note
//   7 export     started at, inverted(8) · export id    yizhan.audit.v1.Export as it stands
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace yizhan::audit {

std::string TreeKey();
std::string TileKey(uint32_t level, uint64_t index);
std::string CursorKey(std::string_view partition);
std::string RunKey(uint64_t first_leaf);
std::string ReverseKey(std::string_view partition, uint64_t first_seq);
std::string ReversePrefix(std::string_view partition);
std::string CheckpointKey();
std::string ExportKey(int64_t started_at_us, std::string_view export_id);
std::string ExportPrefix();

// Leaves first_leaf to first_leaf + count - 1 are records first_seq to first_seq + count - 1 of the partition.
struct Run {
  std::string partition;
  uint64_t first_seq = 0;
  uint64_t first_leaf = 0;
  uint32_t count = 0;
};
std::string EncodeRun(const Run& run);
std::string EncodeReverse(const Run& run);
// nullopt for bytes that are no such row.
std::optional<Run> DecodeRun(std::string_view key, std::string_view row);
std::optional<Run> DecodeReverse(std::string_view key, std::string_view row);

void AppendU64(std::string& out, uint64_t value);
uint64_t LoadU64(std::string_view bytes);  // of at least 8 bytes

}  // namespace yizhan::audit
