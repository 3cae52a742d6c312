// What DecodeEntry takes, EncodeEntry writes again byte for byte.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "audit/tlog/entry.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace yizhan::audit;  // NOLINT: one function
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto entry = DecodeEntry(bytes);
  if (entry.ok() && EncodeEntry(*entry).value() != bytes) std::abort();
  return 0;
}
