#include "ledger/tables.h"

#include "absl/status/status.h"

namespace yizhan::ledger {
namespace {
template <typename T>
void Append(std::string& out, T value) {
  for (int shift = sizeof(T) * 8 - 8; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}
template <typename T>
T Read(std::string_view bytes) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value << 8 | static_cast<unsigned char>(bytes[i]));
  return value;
}
}  // namespace

void AppendU32(std::string& out, uint32_t value) { Append(out, value); }
void AppendU64(std::string& out, uint64_t value) { Append(out, value); }
uint32_t ReadU32(std::string_view bytes) { return Read<uint32_t>(bytes); }
uint64_t ReadU64(std::string_view bytes) { return Read<uint64_t>(bytes); }

std::string RecordKey::Encode() const {
  std::string key;
  key.reserve(12);
  AppendU32(key, partition);
  AppendU64(key, seq);
  return key;
}

absl::StatusOr<RecordKey> RecordKey::Decode(std::string_view bytes) {
  if (bytes.size() != 12) return absl::DataLossError("a key of the table 'records' has not 12 bytes");
  return RecordKey{ReadU32(bytes), ReadU64(bytes.substr(4))};
}

std::string StateKey(uint32_t partition, std::string_view key) {
  std::string out;
  out.reserve(4 + key.size());
  AppendU32(out, partition);
  out += key;
  return out;
}

std::string RequestBlockKey(uint32_t partition, uint64_t block) { return RecordKey{partition, block}.Encode(); }

std::string ProjectionKey(std::string_view name, std::string_view key) {
  std::string out;
  out.reserve(1 + name.size() + key.size());
  out += static_cast<char>(name.size());
  out += name;
  out += key;
  return out;
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

namespace meta {
std::string FormatKey() { return "V"; }
std::string TouchedKey() { return "T"; }
std::string FingerprintKey() { return "K"; }
std::string ServiceKey(std::string_view service) { return "S" + std::string(service); }
namespace {
std::string OfPartition(char kind, uint32_t partition) {
  std::string key(1, kind);
  AppendU32(key, partition);
  return key;
}
}  // namespace
std::string HeadKey(uint32_t partition) { return OfPartition('H', partition); }
std::string FirstKey(uint32_t partition) { return OfPartition('F', partition); }
std::string MarkKey(uint32_t partition) { return OfPartition('N', partition); }
std::string LoadingKey(uint32_t partition) { return OfPartition('L', partition); }
}  // namespace meta

std::string Head::Encode() const {
  std::string out;
  AppendU64(out, seq);
  AppendU64(out, static_cast<uint64_t>(time_us));
  return out;
}

absl::StatusOr<Head> Head::Decode(std::string_view bytes) {
  if (bytes.size() != 16) return absl::DataLossError("a partition's head in the table 'meta' has not 16 bytes");
  return Head{ReadU64(bytes), static_cast<int64_t>(ReadU64(bytes.substr(8)))};
}

std::string SnapshotMark::Encode() const {
  std::string out;
  AppendU64(out, seq);
  out += digest;
  out += path;
  return out;
}

absl::StatusOr<SnapshotMark> SnapshotMark::Decode(std::string_view bytes) {
  if (bytes.size() < 40) return absl::DataLossError("a snapshot's mark in the table 'meta' has fewer than 40 bytes");
  return SnapshotMark{ReadU64(bytes), std::string(bytes.substr(8, 32)), std::string(bytes.substr(40))};
}

}  // namespace yizhan::ledger
