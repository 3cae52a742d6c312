#include "audit/archive/tables.h"

namespace yizhan::audit {
namespace {

enum class Table : char { kTree = 1, kTile = 2, kCursor = 3, kRun = 4, kReverse = 5, kCheckpoint = 6, kExport = 7 };

std::string Key(Table table) { return std::string(1, static_cast<char>(table)); }

void AppendU32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

uint32_t LoadU32(std::string_view bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

}  // namespace

void AppendU64(std::string& out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

uint64_t LoadU64(std::string_view bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

std::string TreeKey() { return Key(Table::kTree); }

std::string TileKey(uint32_t level, uint64_t index) {
  std::string key = Key(Table::kTile);
  key.push_back(static_cast<char>(level));
  AppendU64(key, index);
  return key;
}

std::string CursorKey(std::string_view partition) { return Key(Table::kCursor).append(partition); }

std::string RunKey(uint64_t first_leaf) {
  std::string key = Key(Table::kRun);
  AppendU64(key, first_leaf);
  return key;
}

std::string ReversePrefix(std::string_view partition) {
  std::string key = Key(Table::kReverse);
  key.push_back(static_cast<char>(partition.size()));
  return key.append(partition);
}

std::string ReverseKey(std::string_view partition, uint64_t first_seq) {
  std::string key = ReversePrefix(partition);
  AppendU64(key, first_seq);
  return key;
}

std::string CheckpointKey() { return Key(Table::kCheckpoint); }

std::string ExportPrefix() { return Key(Table::kExport); }

std::string ExportKey(int64_t started_at_us, std::string_view export_id) {
  std::string key = ExportPrefix();
  AppendU64(key, ~static_cast<uint64_t>(started_at_us));
  return key.append(export_id);
}

std::string EncodeRun(const Run& run) {
  std::string row;
  AppendU64(row, run.first_seq);
  AppendU32(row, run.count);
  return row.append(run.partition);
}

std::string EncodeReverse(const Run& run) {
  std::string row;
  AppendU64(row, run.first_leaf);
  AppendU32(row, run.count);
  return row;
}

std::optional<Run> DecodeRun(std::string_view key, std::string_view row) {
  if (key.size() != 9 || row.size() < 13) return std::nullopt;
  return Run{std::string(row.substr(12)), LoadU64(row), LoadU64(key.substr(1)), LoadU32(row.substr(8))};
}

std::optional<Run> DecodeReverse(std::string_view key, std::string_view row) {
  if (key.size() < 11 || row.size() != 12) return std::nullopt;
  const size_t length = static_cast<uint8_t>(key[1]);
  if (key.size() != 10 + length) return std::nullopt;
  return Run{std::string(key.substr(2, length)), LoadU64(key.substr(2 + length)), LoadU64(row), LoadU32(row.substr(8))};
}

}  // namespace yizhan::audit
