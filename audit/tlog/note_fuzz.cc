// What ParseNote takes, FormatNote writes again byte for byte; keys never crash.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "audit/tlog/note.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace yizhan::audit;  // NOLINT: one function
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto note = ParseNote(bytes);
  if (note.ok() && FormatNote(*note).value() != bytes) std::abort();
  const auto key = NoteKey::Parse(bytes);
  if (key.ok() && NoteKey::Parse(key->ToString()).value() != *key) std::abort();
  (void)NoteSigner::Parse(bytes);
  if (key.ok()) (void)OpenNote(bytes, {*key});
  return 0;
}
