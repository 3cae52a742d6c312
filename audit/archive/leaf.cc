#include "audit/archive/leaf.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <cstdlib>

#include "audit/archive/machine.h"
#include "audit/tlog/entry.h"
#include "audit/tlog/hash.h"
#include "base/status.h"

namespace yizhan::audit {
namespace {

EVP_MAC_CTX* Keyed(std::array<uint8_t, 32> key) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  EVP_MAC_free(mac);  // the context holds it
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  // An OpenSSL without HMAC-SHA-256 is no OpenSSL on which an archive may run.
  if (context == nullptr || EVP_MAC_init(context, key.data(), key.size(), parameters) != 1) std::abort();
  OPENSSL_cleanse(key.data(), key.size());
  return context;
}

}  // namespace

LeafMaker::LeafMaker(const ledger::Keyring& keyring)
    : keyed_(Keyed(keyring.Derive("archive-salt")), EVP_MAC_CTX_free) {}

absl::StatusOr<Leaf> LeafMaker::Make(const ledger::Record& record, std::string_view record_bytes) const {
  std::string salted = record.partition();
  salted.push_back('\0');
  AppendU64(salted, record.seq());
  Leaf leaf;
  leaf.salt.resize(kHashBytes);
  size_t length = 0;
  const std::unique_ptr<EVP_MAC_CTX, void (*)(EVP_MAC_CTX*)> context(EVP_MAC_CTX_dup(keyed_.get()), EVP_MAC_CTX_free);
  if (!context || EVP_MAC_update(context.get(), reinterpret_cast<const uint8_t*>(salted.data()), salted.size()) != 1 ||
      EVP_MAC_final(context.get(), reinterpret_cast<uint8_t*>(leaf.salt.data()), &length, leaf.salt.size()) != 1) {
    return absl::InternalError("HMAC-SHA-256 failed");
  }
  LogEntry entry;
  entry.partition = record.partition();
  entry.seq = record.seq();
  entry.time_micros = record.time_us();
  entry.record_type = record.type();
  YZ_ASSIGN_OR_RETURN(entry.commitment, RecordCommitment(leaf.salt, record_bytes));
  YZ_ASSIGN_OR_RETURN(leaf.bytes, EncodeEntry(entry));
  return leaf;
}

bool BecomesLeaf(const ledger::Record& record) {
  return record.type() != kLeavesTaken && record.type() != kCheckpointSigned;
}

}  // namespace yizhan::audit
