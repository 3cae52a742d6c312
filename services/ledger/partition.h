// The unit of order, of ownership and of replication.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace yizhan::ledger {

// "im/17": a service's name ([a-z]{1,16}) and an index below 4,096.
struct PartitionId {
  std::string service;
  uint32_t index = 0;

  std::string ToString() const;
  static absl::StatusOr<PartitionId> Parse(std::string_view text);
  friend auto operator<=>(const PartitionId&, const PartitionId&) = default;
};

// Which of `count` partitions a key (a conversation's id) belongs to: 64-bit FNV-1a modulo count. Frozen for ever.
uint32_t PartitionIndexOf(std::string_view key, uint32_t count);

// What a command on a partition that another machine owns is refused with: Unavailable NOT_OWNER, to be tried again
// there after 200 ms, with the partition as a payload (which stays in this process).
absl::Status NotOwner(const PartitionId& partition);
// The partition that such a refusal names; nullopt for every other status.
std::optional<PartitionId> NotOwnedPartition(const absl::Status& status);

}  // namespace yizhan::ledger
