// SHA-256 as the archive's tree uses it (RFC 6962 section 2.1), and the two ways in which hashes are written down.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace yizhan::audit {

inline constexpr size_t kHashBytes = 32;

// A SHA-256 value. Zero when default made, which no hash of anything known is.
struct Hash {
  std::array<uint8_t, kHashBytes> bytes{};

  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
  auto operator<=>(const Hash&) const = default;
};

// SHA-256 of bytes that arrive in pieces. Not thread-safe; Finish() ends it, and Update() after that starts anew.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;

  void Update(std::string_view bytes);
  Hash Finish();

 private:
  void* context_;  // EVP_MD_CTX; OpenSSL's headers stay out of this one
};

// SHA-256 of `bytes`, and of the concatenation of `prefix`, `a` and `b`.
Hash Sha256(std::string_view bytes);
Hash Sha256Of(uint8_t prefix, std::string_view a, std::string_view b);

// The root of the tree without leaves: SHA-256 of nothing.
Hash EmptyRoot();

// SHA-256(0x00 || entry) and SHA-256(0x01 || left || right).
Hash LeafHash(std::string_view entry);
Hash NodeHash(const Hash& left, const Hash& right);

// The hash whose 32 bytes these are; InvalidArgument for any other length.
absl::StatusOr<Hash> HashFromBytes(std::string_view bytes);

// Lower-case hexadecimal. Decoding takes either case, and refuses odd lengths and other characters.
std::string ToHex(std::string_view bytes);
absl::StatusOr<std::string> FromHex(std::string_view text);

// RFC 4648 section 4, with padding. Decoding is strict: what it takes is exactly what ToBase64 would write for the
// result (no white space, no missing padding, unused bits zero), so that one value has one form.
std::string ToBase64(std::string_view bytes);
absl::StatusOr<std::string> FromBase64(std::string_view text);

// A hash in strict base64: 44 characters.
absl::StatusOr<Hash> HashFromBase64(std::string_view text);

}  // namespace yizhan::audit
