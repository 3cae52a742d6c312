#include "audit/index/encrypted_env.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <rocksdb/env.h>
#include <rocksdb/env_encryption.h>

#include <cstring>

namespace yizhan::audit {
namespace {

using Key = std::array<uint8_t, 32>;
using Nonce = std::array<uint8_t, 16>;
constexpr size_t kPrefix = 4096;  // keeps direct I/O aligned

class CtrStream : public rocksdb::BlockAccessCipherStream {
 public:
  CtrStream(const Key& key, const Nonce& nonce) : key_(key), nonce_(nonce) {}
  ~CtrStream() override { OPENSSL_cleanse(key_.data(), key_.size()); }

  size_t BlockSize() override { return 16; }
  rocksdb::Status Encrypt(uint64_t offset, char* data, size_t size) override { return Crypt(offset, data, size); }
  rocksdb::Status Decrypt(uint64_t offset, char* data, size_t size) override { return Crypt(offset, data, size); }

 protected:
  void AllocateScratch(std::string&) override {}
  rocksdb::Status EncryptBlock(uint64_t, char*, char*) override { return rocksdb::Status::NotSupported("by ranges only"); }
  rocksdb::Status DecryptBlock(uint64_t, char*, char*) override { return rocksdb::Status::NotSupported("by ranges only"); }

 private:
  rocksdb::Status Crypt(uint64_t offset, char* data, size_t size) {
    // Counter block: the nonce plus the block's number, as a 128-bit big-endian integer.
    Nonce counter = nonce_;
    uint64_t carry = offset / 16;
    for (int i = 15; i >= 0 && carry != 0; --i) {
      carry += counter[i];
      counter[i] = static_cast<uint8_t>(carry);
      carry >>= 8;
    }
    std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> ctx(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    if (!ctx || EVP_EncryptInit_ex(ctx.get(), EVP_aes_256_ctr(), nullptr, key_.data(), counter.data()) != 1) {
      return rocksdb::Status::IOError("AES-256-CTR cannot be set up");
    }
    uint8_t skipped[16] = {};
    int written = 0;
    if (offset % 16 != 0 && EVP_EncryptUpdate(ctx.get(), skipped, &written, skipped, static_cast<int>(offset % 16)) != 1) {
      return rocksdb::Status::IOError("AES-256-CTR failed");
    }
    auto* bytes = reinterpret_cast<uint8_t*>(data);
    while (size > 0) {
      const int step = static_cast<int>(std::min<size_t>(size, 1 << 30));
      if (EVP_EncryptUpdate(ctx.get(), bytes, &written, bytes, step) != 1) return rocksdb::Status::IOError("AES-256-CTR failed");
      bytes += step;
      size -= step;
    }
    return rocksdb::Status::OK();
  }

  Key key_;
  Nonce nonce_;
};

class CtrProvider : public rocksdb::EncryptionProvider {
 public:
  explicit CtrProvider(const Key& key) : key_(key) {}
  ~CtrProvider() override { OPENSSL_cleanse(key_.data(), key_.size()); }

  const char* Name() const override { return "AES-256-CTR"; }
  size_t GetPrefixLength() const override { return kPrefix; }

  rocksdb::Status CreateNewPrefix(const std::string&, char* prefix, size_t length) const override {
    std::memset(prefix, 0, length);
    return RAND_bytes(reinterpret_cast<uint8_t*>(prefix), sizeof(Nonce)) == 1 ? rocksdb::Status::OK()
                                                                             : rocksdb::Status::IOError("no randomness to be had");
  }

  rocksdb::Status AddCipher(const std::string&, const char*, size_t, bool) override {
    return rocksdb::Status::NotSupported("the key is given at construction");
  }

  rocksdb::Status CreateCipherStream(const std::string&, const rocksdb::EnvOptions&, rocksdb::Slice& prefix,
                                     std::unique_ptr<rocksdb::BlockAccessCipherStream>* result) override {
    Nonce nonce;
    if (prefix.size() < nonce.size()) return rocksdb::Status::Corruption("a file of the search index has lost its prefix");
    std::memcpy(nonce.data(), prefix.data(), nonce.size());
    *result = std::make_unique<CtrStream>(key_, nonce);
    return rocksdb::Status::OK();
  }

 private:
  Key key_;
};

}  // namespace

std::unique_ptr<rocksdb::Env> NewEncryptedEnv(const std::array<uint8_t, 32>& key) {
  return std::unique_ptr<rocksdb::Env>(rocksdb::NewEncryptedEnv(rocksdb::Env::Default(), std::make_shared<CtrProvider>(key)));
}

}  // namespace yizhan::audit
