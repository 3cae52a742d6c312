// AES-256-GCM as the ledger uses it. Each thread keeps its contexts; about a microsecond for 100 bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace yizhan::ledger {

using Key256 = std::array<uint8_t, 32>;

// 12-byte nonce → ciphertext || 16-byte tag.
std::string AesGcmSeal(const Key256& key, std::string_view nonce, std::string_view additional, std::string_view plain);
// DataLoss when the tag does not fit.
absl::StatusOr<std::string> AesGcmOpen(const Key256& key, std::string_view nonce, std::string_view additional,
                                       std::string_view sealed);

std::array<uint8_t, 32> Sha256(std::initializer_list<std::string_view> parts);

// Fills `out` with random bytes, from a buffer that is wiped as it is used.
void FillRandom(char* out, size_t size);

// HKDF-SHA-256 (RFC 5869), 32 bytes out.
Key256 Hkdf(const Key256& key, std::string_view salt, std::string_view info);

}  // namespace yizhan::ledger
