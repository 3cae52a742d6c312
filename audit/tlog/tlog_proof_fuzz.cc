// What ParseTlogProof takes, FormatTlogProof writes again byte for byte; verifying never crashes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "audit/tlog/proof.h"
#include "audit/tlog/tlog_proof.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace yizhan::audit;  // NOLINT: one function
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto proof = ParseTlogProof(bytes);
  if (!proof.ok()) return 0;
  if (FormatTlogProof(*proof) != bytes) std::abort();
  const auto note = ParseNote(proof->checkpoint);
  if (!note.ok()) return 0;
  // The signature set aside, the rest of the way.
  const auto checkpoint = ParseCheckpoint(note->text);
  if (checkpoint.ok()) {
    (void)VerifyInclusion(Hash{}, proof->index, checkpoint->size, proof->hashes, checkpoint->root);
    (void)VerifyConsistency(proof->index, Hash{}, checkpoint->size, checkpoint->root, proof->hashes);
  }
  return 0;
}
