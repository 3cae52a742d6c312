#include <openssl/evp.h>

#include "base/status.h"
#include "ledger/core.h"
#include "ledger/hooks.h"

namespace yizhan::ledger {

StateDigester::StateDigester() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
    Die("the cryptographic library failed");
}

void StateDigester::Add(std::string_view key, std::string_view value) {
  lengths_.clear();
  AppendU32(lengths_, static_cast<uint32_t>(key.size()));
  AppendU32(lengths_, static_cast<uint32_t>(value.size()));
  EVP_DigestUpdate(context_.get(), lengths_.data(), lengths_.size());
  EVP_DigestUpdate(context_.get(), key.data(), key.size());
  EVP_DigestUpdate(context_.get(), value.data(), value.size());
}

std::string StateDigester::Finish() {
  std::string bytes(32, '\0');
  EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(bytes.data()), nullptr);
  return bytes;
}

absl::StatusOr<std::string> DigestState(const Store& store, uint32_t partition, const rocksdb::Snapshot* snapshot) {
  StateDigester digester;
  YZ_RETURN_IF_ERROR(
      StoredState(&store, partition, snapshot).Scan({}, {}, [&](std::string_view key, std::string_view value) {
        digester.Add(key, value);
        return true;
      }));
  return digester.Finish();
}

absl::StatusOr<Head> HeadOf(const Store& store, uint32_t partition, const rocksdb::Snapshot* snapshot) {
  YZ_ASSIGN_OR_RETURN(auto stored, store.Get(Table::kMeta, meta::HeadKey(partition), snapshot));
  if (!stored) return Head{};
  return Head::Decode(*stored);
}

}  // namespace yizhan::ledger
