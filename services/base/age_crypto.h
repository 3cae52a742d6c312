// OpenSSL's X25519, HKDF, HMAC and ChaCha20-Poly1305 in the shapes that age needs, for age*.cc only.
#pragma once

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace yizhan::age {

using Bytes32 = std::array<uint8_t, 32>;

// Bytes that are overwritten before their memory is given back.
template <size_t N>
struct Wiped : std::array<uint8_t, N> {
  Wiped() : std::array<uint8_t, N>() {}
  Wiped(const Wiped&) = default;
  Wiped& operator=(const Wiped&) = default;
  ~Wiped() { OPENSSL_cleanse(this->data(), N); }
};

template <size_t N>
std::string_view View(const std::array<uint8_t, N>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), N};
}
inline const uint8_t* Bytes(std::string_view view) { return reinterpret_cast<const uint8_t*>(view.data()); }
inline uint8_t* Bytes(char* at) { return reinterpret_cast<uint8_t*>(at); }

// Ends the process when not done: only a broken OpenSSL, or a machine without randomness, fails there, and then nothing
// may be written.
void Must(bool done);

// Random bytes for keys and nonces.
void FillRandom(uint8_t* out, size_t size);

// X25519 (RFC 7748) of a secret and the base point.
Bytes32 PublicOf(const Bytes32& secret);

// X25519 of a secret and a point; false when that is zero, as it is for every secret when the point is of low order.
bool SharedSecret(const Bytes32& secret, const Bytes32& point, Wiped<32>* shared);

// HKDF-SHA-256 (RFC 5869) with an output of 32 bytes.
Wiped<32> Hkdf(std::string_view key, std::string_view salt, std::string_view info);

Bytes32 HmacSha256(const Wiped<32>& key, std::string_view data);

// ChaCha20-Poly1305 without additional data, up to a GiB a call. One nonce seals once.
class Aead {
 public:
  static constexpr size_t kTag = 16;
  using Nonce = std::array<uint8_t, 12>;

  explicit Aead(const Wiped<32>& key);
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;
  ~Aead();

  // Writes plain.size() + kTag bytes.
  void Seal(const Nonce& nonce, std::string_view plain, char* out);

  // Writes sealed.size() - kTag bytes, and zeros when it does not open; `sealed` has kTag bytes at least.
  bool Open(const Nonce& nonce, std::string_view sealed, char* out);

 private:
  const Wiped<32> key_;
  EVP_CIPHER_CTX* const context_;
};

}  // namespace yizhan::age
