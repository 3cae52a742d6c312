#include <openssl/evp.h>

#include "absl/strings/escaping.h"
#include "base/status.h"
#include "ledger/core.h"

namespace yizhan::ledger {

absl::StatusOr<std::string> DigestState(const Store& store, uint32_t partition, const rocksdb::Snapshot* snapshot) {
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) return absl::InternalError("SHA-256 is not to be had");
  std::string lengths;
  YZ_RETURN_IF_ERROR(StoredState(&store, partition, snapshot).Scan({}, {}, [&](std::string_view key, std::string_view value) {
    lengths.clear();
    AppendU32(lengths, static_cast<uint32_t>(key.size()));
    AppendU32(lengths, static_cast<uint32_t>(value.size()));
    EVP_DigestUpdate(context.get(), lengths.data(), lengths.size());
    EVP_DigestUpdate(context.get(), key.data(), key.size());
    EVP_DigestUpdate(context.get(), value.data(), value.size());
    return true;
  }));
  std::string bytes(32, '\0');
  EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(bytes.data()), nullptr);
  return absl::BytesToHexString(bytes);
}

}  // namespace yizhan::ledger
