#include "ledger/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "ledger/hooks.h"
#include "ledger/keyring.h"

namespace yizhan::ledger {
namespace {
constexpr int kTag = 16;
constexpr size_t kNonce = 12;
constexpr size_t kSalt = 16;

const unsigned char* Bytes(std::string_view view) { return reinterpret_cast<const unsigned char*>(view.data()); }
unsigned char* Bytes(char* at) { return reinterpret_cast<unsigned char*>(at); }

// Fetched once: an implicit fetch for each call costs more than the encryption.
const EVP_CIPHER* Cipher() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}
const EVP_MD* Digest() {
  static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return digest;
}

struct Contexts {
  EVP_CIPHER_CTX* encrypt = EVP_CIPHER_CTX_new();
  EVP_CIPHER_CTX* decrypt = EVP_CIPHER_CTX_new();
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  std::array<unsigned char, 4'096> random;
  size_t random_left = 0;
  ~Contexts() {
    EVP_CIPHER_CTX_free(encrypt);  // wipes the key schedule
    EVP_CIPHER_CTX_free(decrypt);
    EVP_MD_CTX_free(digest);
    OPENSSL_cleanse(random.data(), random.size());
  }
};

Contexts& Own() {
  thread_local Contexts contexts;
  return contexts;
}

// Only a broken OpenSSL fails here, and then nothing may be written in clear.
void Must(bool done) {
  if (!done) Die("the cryptographic library failed");
}
}  // namespace

std::string AesGcmSeal(const Key256& key, std::string_view nonce, std::string_view additional, std::string_view plain) {
  EVP_CIPHER_CTX* context = Own().encrypt;
  std::string out(plain.size() + kTag, '\0');
  int size = 0;
  Must(nonce.size() == kNonce && EVP_EncryptInit_ex2(context, Cipher(), key.data(), Bytes(nonce), nullptr) == 1);
  Must(EVP_EncryptUpdate(context, nullptr, &size, Bytes(additional), static_cast<int>(additional.size())) == 1);
  Must(EVP_EncryptUpdate(context, Bytes(out.data()), &size, Bytes(plain), static_cast<int>(plain.size())) == 1);
  Must(EVP_EncryptFinal_ex(context, Bytes(out.data()) + size, &size) == 1);
  Must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTag, out.data() + plain.size()) == 1);
  return out;
}

absl::StatusOr<std::string> AesGcmOpen(const Key256& key, std::string_view nonce, std::string_view additional,
                                       std::string_view sealed) {
  if (nonce.size() != kNonce || sealed.size() < kTag) return absl::DataLossError("sealed bytes are too short");
  EVP_CIPHER_CTX* context = Own().decrypt;
  std::string out(sealed.size() - kTag, '\0');
  std::array<char, kTag> tag;
  memcpy(tag.data(), sealed.data() + out.size(), kTag);
  int size = 0;
  Must(EVP_DecryptInit_ex2(context, Cipher(), key.data(), Bytes(nonce), nullptr) == 1);
  Must(EVP_DecryptUpdate(context, nullptr, &size, Bytes(additional), static_cast<int>(additional.size())) == 1);
  Must(EVP_DecryptUpdate(context, Bytes(out.data()), &size, Bytes(sealed), static_cast<int>(out.size())) == 1);
  Must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(context, Bytes(out.data()) + size, &size) != 1) {
    OPENSSL_cleanse(out.data(), out.size());
    return absl::DataLossError("sealed bytes do not open: they were changed, or sealed with another key");
  }
  return out;
}

std::array<uint8_t, 32> Sha256(std::initializer_list<std::string_view> parts) {
  EVP_MD_CTX* context = Own().digest;
  std::array<uint8_t, 32> hash;
  Must(EVP_DigestInit_ex2(context, Digest(), nullptr) == 1);
  for (std::string_view part : parts) Must(EVP_DigestUpdate(context, part.data(), part.size()) == 1);
  Must(EVP_DigestFinal_ex(context, hash.data(), nullptr) == 1);
  return hash;
}

void FillRandom(char* out, size_t size) {
  Contexts& own = Own();
  if (size > own.random.size() / 4) {
    Must(RAND_bytes(Bytes(out), static_cast<int>(size)) == 1);
    return;
  }
  if (own.random_left < size) {
    Must(RAND_bytes(own.random.data(), static_cast<int>(own.random.size())) == 1);
    own.random_left = own.random.size();
  }
  unsigned char* at = own.random.data() + own.random.size() - own.random_left;
  memcpy(out, at, size);
  OPENSSL_cleanse(at, size);
  own.random_left -= size;
}

Key256 Hkdf(const Key256& key, std::string_view salt, std::string_view info) {
  std::array<uint8_t, 32> extracted, out;
  unsigned int size = 0;
  Must(HMAC(EVP_sha256(), salt.data(), static_cast<int>(salt.size()), key.data(), key.size(), extracted.data(),
            &size) != nullptr);
  std::string block(info);
  block += '\x01';
  Must(HMAC(EVP_sha256(), extracted.data(), extracted.size(), Bytes(std::string_view(block)), block.size(), out.data(),
            &size) != nullptr);
  OPENSSL_cleanse(extracted.data(), extracted.size());
  return out;
}

DataKey::~DataKey() { OPENSSL_cleanse(key.data(), key.size()); }

yizhan::common::v1::Sealed Seal(const DataKey& key, std::string_view content) {
  std::string plain(kSalt + content.size(), '\0');
  FillRandom(plain.data(), kSalt);
  if (!content.empty()) memcpy(plain.data() + kSalt, content.data(), content.size());
  std::array<char, kNonce> nonce;
  FillRandom(nonce.data(), nonce.size());
  yizhan::common::v1::Sealed sealed;
  sealed.set_key_id(key.key_id);
  sealed.set_nonce(nonce.data(), nonce.size());
  sealed.set_ciphertext(AesGcmSeal(key.key, {nonce.data(), nonce.size()}, key.key_id, plain));
  const auto commitment = Sha256({std::string_view("\x03", 1), plain});
  sealed.set_commitment(commitment.data(), commitment.size());
  OPENSSL_cleanse(plain.data(), plain.size());
  return sealed;
}

absl::StatusOr<std::string> OpenWith(const DataKey& key, const yizhan::common::v1::Sealed& sealed, std::string* salt) {
  if (sealed.key_id() != key.key_id) {
    return absl::InvalidArgumentError("the content was sealed with the key " + sealed.key_id() + ", not with " +
                                      key.key_id);
  }
  auto plain = AesGcmOpen(key.key, sealed.nonce(), key.key_id, sealed.ciphertext());
  if (!plain.ok()) return plain.status();
  if (plain->size() < kSalt) return absl::DataLossError("sealed content is shorter than its salt");
  const auto commitment = Sha256({std::string_view("\x03", 1), *plain});
  if (sealed.commitment() != std::string_view(reinterpret_cast<const char*>(commitment.data()), commitment.size())) {
    OPENSSL_cleanse(plain->data(), plain->size());
    return absl::DataLossError("sealed content does not fit its commitment");
  }
  if (salt != nullptr) *salt = plain->substr(0, kSalt);
  std::string content = plain->substr(kSalt);
  OPENSSL_cleanse(plain->data(), plain->size());
  return content;
}

}  // namespace yizhan::ledger
