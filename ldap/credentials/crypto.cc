#include "ldap/credentials/crypto.h"

#include <sodium.h>

#include <cstdint>
#include <cstdlib>

namespace yizhan::directory {
namespace {

const unsigned char* Bytes(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }
unsigned char* Bytes(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

std::string Encode(std::string_view data, int variant) {
  std::string out(sodium_base64_encoded_len(data.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), Bytes(data), data.size(), variant);
  out.pop_back();  // the terminating zero
  return out;
}

bool Decode(std::string_view text, int variant, std::string* out) {
  std::string decoded(text.size() / 4 * 3 + 3, '\0');
  size_t length = 0;
  const char* end = nullptr;
  if (sodium_base642bin(Bytes(decoded), decoded.size(), text.data(), text.size(), nullptr, &length, &end, variant) !=
          0 ||
      end != text.data() + text.size()) {
    return false;
  }
  decoded.resize(length);
  if (Encode(decoded, variant) != text) return false;  // non-zero trailing bits
  *out = std::move(decoded);
  return true;
}

}  // namespace

void StartCrypto() {
  static const int started = sodium_init();
  if (started < 0) std::abort();
}

std::string RandomBytes(size_t count) {
  StartCrypto();
  std::string out(count, '\0');
  randombytes_buf(out.data(), out.size());
  return out;
}

std::string Sha256(std::string_view data) {
  std::string out(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(Bytes(out), Bytes(data), data.size());
  return out;
}

std::string KeyedDigest(std::string_view key, std::initializer_list<std::string_view> parts) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, Bytes(key), key.size());
  for (std::string_view part : parts) {
    unsigned char length[8];
    for (int i = 0; i < 8; ++i) length[i] = static_cast<unsigned char>(uint64_t{part.size()} >> (56 - 8 * i));
    crypto_auth_hmacsha256_update(&state, length, sizeof(length));
    crypto_auth_hmacsha256_update(&state, Bytes(part), part.size());
  }
  std::string out(crypto_auth_hmacsha256_BYTES, '\0');
  crypto_auth_hmacsha256_final(&state, Bytes(out));
  sodium_memzero(&state, sizeof(state));
  return out;
}

bool SameBytes(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0);
}

std::string Base64(std::string_view data) { return Encode(data, sodium_base64_VARIANT_ORIGINAL); }
std::string Base64Url(std::string_view data) { return Encode(data, sodium_base64_VARIANT_URLSAFE_NO_PADDING); }
bool DecodeBase64(std::string_view text, std::string* out) { return Decode(text, sodium_base64_VARIANT_ORIGINAL, out); }
bool DecodeBase64Url(std::string_view text, std::string* out) {
  return Decode(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING, out);
}

}  // namespace yizhan::directory
