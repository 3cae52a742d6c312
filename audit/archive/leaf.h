// A record's leaf in the log: docs/formats/leaf.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "ledger/keyring.h"
#include "ledger/ledger.h"

struct evp_mac_ctx_st;

namespace yizhan::audit {

// The salt of the record's commitment, and the leaf's bytes.
struct Leaf {
  std::string salt;
  std::string bytes;
};

// Makes leaves with the installation's salt key: a salt is HMAC-SHA-256 of partition, 0x00 and seq (8 bytes,
// big-endian) under it. Thread-safe.
class LeafMaker {
 public:
  explicit LeafMaker(const ledger::Keyring& keyring);
  // `record_bytes` are the record as it is stored.
  absl::StatusOr<Leaf> Make(const ledger::Record& record, std::string_view record_bytes) const;

 private:
  // Holds the key; each salt is computed in a copy. Looking the algorithm up each time would cost more than the salt.
  const std::unique_ptr<evp_mac_ctx_st, void (*)(evp_mac_ctx_st*)> keyed_;
};

// Whether a record becomes a leaf: every one but the log's own.
bool BecomesLeaf(const ledger::Record& record);

}  // namespace yizhan::audit
