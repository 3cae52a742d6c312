#include "base/age_crypto.h"

#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

namespace yizhan::age {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free>;

Key PrivateKey(const Bytes32& secret) {
  Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, secret.data(), secret.size()));
  Must(key != nullptr);
  return key;
}

// Fetched once: an implicit fetch for each call costs more than a short encryption.
const EVP_CIPHER* Cipher() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  return cipher;
}

void Hmac(std::string_view key, std::string_view data, uint8_t* out) {
  unsigned int size = 0;
  Must(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Bytes(data), data.size(), out, &size) != nullptr);
}

}  // namespace

void Must(bool done) {
  if (done) return;
  std::fprintf(stderr, "the cryptographic library failed\n");
  std::abort();
}

void FillRandom(uint8_t* out, size_t size) { Must(RAND_priv_bytes(out, static_cast<int>(size)) == 1); }

Bytes32 PublicOf(const Bytes32& secret) {
  Bytes32 point;
  size_t size = point.size();
  Must(EVP_PKEY_get_raw_public_key(PrivateKey(secret).get(), point.data(), &size) == 1 && size == point.size());
  return point;
}

bool SharedSecret(const Bytes32& secret, const Bytes32& point, Wiped<32>* shared) {
  const Key mine = PrivateKey(secret);
  const Key theirs(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, point.data(), point.size()));
  Must(theirs != nullptr);
  const KeyContext context(EVP_PKEY_CTX_new(mine.get(), nullptr));
  Must(context != nullptr && EVP_PKEY_derive_init(context.get()) == 1);
  Must(EVP_PKEY_derive_set_peer(context.get(), theirs.get()) == 1);
  size_t size = shared->size();
  const bool derived = EVP_PKEY_derive(context.get(), shared->data(), &size) == 1 && size == shared->size();
  ERR_clear_error();
  // OpenSSL refuses a secret that is zero; the format does too, so it is not left to one library's habit.
  return derived && CRYPTO_memcmp(shared->data(), Bytes32{}.data(), shared->size()) != 0;
}

Wiped<32> Hkdf(std::string_view key, std::string_view salt, std::string_view info) {
  Wiped<32> extracted, out;
  Hmac(salt.empty() ? std::string_view("") : salt, key, extracted.data());
  Hmac(View(extracted), std::string(info) + '\x01', out.data());
  return out;
}

Bytes32 HmacSha256(const Wiped<32>& key, std::string_view data) {
  Bytes32 mac;
  Hmac(View(key), data, mac.data());
  return mac;
}

Aead::Aead(const Wiped<32>& key) : key_(key), context_(EVP_CIPHER_CTX_new()) { Must(context_ != nullptr); }

Aead::~Aead() { EVP_CIPHER_CTX_free(context_); }  // wipes the key schedule

void Aead::Seal(const Nonce& nonce, std::string_view plain, char* out) {
  int size = 0;
  Must(EVP_EncryptInit_ex2(context_, Cipher(), key_.data(), nonce.data(), nullptr) == 1);
  Must(EVP_EncryptUpdate(context_, Bytes(out), &size, Bytes(plain), static_cast<int>(plain.size())) == 1);
  Must(EVP_EncryptFinal_ex(context_, Bytes(out) + size, &size) == 1);
  Must(EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_GET_TAG, kTag, out + plain.size()) == 1);
}

bool Aead::Open(const Nonce& nonce, std::string_view sealed, char* out) {
  const std::string_view body = sealed.substr(0, sealed.size() - kTag);
  std::array<char, kTag> tag;
  std::memcpy(tag.data(), sealed.data() + body.size(), kTag);
  int size = 0;
  Must(EVP_DecryptInit_ex2(context_, Cipher(), key_.data(), nonce.data(), nullptr) == 1);
  Must(EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) == 1);
  Must(EVP_DecryptUpdate(context_, Bytes(out), &size, Bytes(body), static_cast<int>(body.size())) == 1);
  if (EVP_DecryptFinal_ex(context_, Bytes(out) + size, &size) == 1) return true;
  OPENSSL_cleanse(out, body.size());
  ERR_clear_error();
  return false;
}

}  // namespace yizhan::age
