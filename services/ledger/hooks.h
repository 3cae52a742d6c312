// What a test may stand in for: the clock, the disk's free space, and failing system calls. Empty in production.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "absl/strings/string_view.h"

namespace yizhan::ledger {

struct Hooks {
  // Microseconds since the epoch.
  std::function<int64_t()> now_us;
  // Free bytes on the data folder's disk.
  std::function<uint64_t()> free_bytes;
  // Asked before each "append", "sync" and "rename" of the store with the file's path: 0, or the errno to fail with.
  // Called from several threads.
  std::function<int(std::string_view operation, std::string_view path)> fault;
  // The idempotence memory's length in records; 0: 65,536. A multiple of 1,024.
  uint64_t idempotence_window = 0;
  // The size of RocksDB's memory tables; 0: as tables.h says. Small ones make flushes, compactions and log switches
  // happen all the time.
  size_t write_buffer_bytes = 0;
};

// The hook's time, or the clock's.
inline int64_t NowUs(const Hooks& hooks) {
  if (hooks.now_us) return hooks.now_us();
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Ends the process at once, with one line on standard error and exit status 74 (EX_IOERR): after a failed sync nobody
// knows what the disk holds, and only a restart, which reads it again, finds out. No core: memory holds keys.
[[noreturn]] void Die(absl::string_view reason);
inline constexpr int kDiedExitCode = 74;

}  // namespace yizhan::ledger
