// What ParseCheckpoint takes, FormatCheckpoint writes again byte for byte.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "audit/tlog/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace yizhan::audit;  // NOLINT: one function
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto checkpoint = ParseCheckpoint(bytes);
  if (checkpoint.ok() && FormatCheckpoint(*checkpoint).value() != bytes) std::abort();
  return 0;
}
