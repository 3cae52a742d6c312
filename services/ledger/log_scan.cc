#include "ledger/log_scan.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ledger/padded_logs.h"

namespace yizhan::ledger {
namespace {
constexpr size_t kBlock = 32'768;
constexpr size_t kHeader = 7;
constexpr uint32_t kMaskDelta = 0xa282ead8;

// Eight tables: eight bytes a step.
struct CrcTables {
  std::array<std::array<uint32_t, 256>, 8> t;
  CrcTables() {
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0u);
      t[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; ++i) {
      for (size_t k = 1; k < 8; ++k) t[k][i] = t[k - 1][i] >> 8 ^ t[0][t[k - 1][i] & 0xff];
    }
  }
};

uint32_t LittleU32(const char* at) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

bool Whole(std::string_view entry) {
  const uint32_t masked = LittleU32(entry.data()) - kMaskDelta;
  const uint32_t stored = masked >> 17 | masked << 15;
  return Crc32c(0, entry.substr(6)) == stored;
}

bool IsAll(std::string_view bytes, char c) { return bytes.find_first_not_of(c) == std::string_view::npos; }
}  // namespace

uint32_t Crc32c(uint32_t crc, std::string_view bytes) {
  static const CrcTables tables;
  const auto& t = tables.t;
  crc = ~crc;
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    const uint32_t low = LittleU32(at) ^ crc, high = LittleU32(at + 4);
    crc = t[7][low & 0xff] ^ t[6][low >> 8 & 0xff] ^ t[5][low >> 16 & 0xff] ^ t[4][low >> 24] ^ t[3][high & 0xff] ^
          t[2][high >> 8 & 0xff] ^ t[1][high >> 16 & 0xff] ^ t[0][high >> 24];
  }
  for (; left > 0; --left, ++at) crc = crc >> 8 ^ t[0][(crc ^ static_cast<unsigned char>(*at)) & 0xff];
  return ~crc;
}

absl::StatusOr<LogScan> ScanLog(const std::string& path) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path.c_str(), "rbe"), fclose);
  if (!file) return absl::UnavailableError(absl::StrCat("cannot open ", path, ": ", strerror(errno)));
  std::vector<char> block(kBlock);
  LogScan scan;
  bool within = false;  // a fragmented entry has begun and not ended
  uint64_t entry = 0;   // where it began
  bool padding = false;
  for (bool last = false; !last;) {
    const uint64_t begin = scan.size;
    const size_t size = fread(block.data(), 1, kBlock, file.get());
    if (ferror(file.get())) return absl::UnavailableError(absl::StrCat("cannot read ", path, ": ", strerror(errno)));
    scan.size += size;
    last = size < kBlock;
    size_t at = 0;
    while (!padding && size - at >= kHeader) {
      const size_t length = static_cast<unsigned char>(block[at + 4]) |
                            static_cast<size_t>(static_cast<unsigned char>(block[at + 5])) << 8;
      const uint8_t type = static_cast<uint8_t>(block[at + 6]);
      // FULL 1, FIRST 2, MIDDLE 3, LAST 4. This product writes no other (no recycled logs, no compressed ones).
      const bool fits = type >= 1 && type <= 4 && (type == 1 || type == 2) == !within && at + kHeader + length <= size;
      if (!fits || !Whole({block.data() + at, kHeader + length})) break;
      if (type == 2) entry = begin + at;
      within = type == 2 || type == 3;
      at += kHeader + length;
      if (!within) scan.end = begin + at;
    }
    const std::string_view rest(block.data() + at, size - at);
    // The rest of a block that is too short for a header is zeros.
    if (!padding && !last && rest.size() < kHeader && IsAll(rest, '\0')) continue;
    if (!IsAll(rest, kLogPadding)) {
      scan.damage = LogDamage{path, within ? entry : begin + at};
      return scan;
    }
    padding |= !rest.empty();
  }
  if (within) scan.damage = LogDamage{path, entry};
  return scan;
}

absl::StatusOr<std::optional<LogDamage>> ScanLogs(const std::string& folder) {
  std::vector<std::string> logs;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(folder, error)) {
    if (file.path().extension() == ".log") logs.push_back(file.path().string());
  }
  // Numbers have six digits at least, and more only when they need them.
  std::sort(logs.begin(), logs.end(),
            [](const auto& a, const auto& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; });
  std::string manifest;
  std::getline(std::ifstream(folder + "/CURRENT") >> std::ws, manifest);
  if (manifest.starts_with("MANIFEST-") && manifest.find('/') == std::string::npos &&
      std::filesystem::exists(folder + "/" + manifest)) {
    logs.push_back(folder + "/" + manifest);
  }
  for (const std::string& log : logs) {
    YZ_ASSIGN_OR_RETURN(LogScan scan, ScanLog(log));
    if (scan.damage) return scan.damage;
    if (scan.end < scan.size) std::filesystem::resize_file(log, scan.end, error);
    if (error) return absl::UnavailableError(absl::StrCat("cannot shorten ", log, ": ", error.message()));
  }
  return std::nullopt;
}

}  // namespace yizhan::ledger
