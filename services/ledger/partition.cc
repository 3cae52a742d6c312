#include "ledger/partition.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::ledger {
namespace {
constexpr uint32_t kMaxIndex = 4'095;
constexpr char kNotOwnerUrl[] = "yizhan/not-owner-of";
constexpr int kAskAgainMs = 200;
}  // namespace

std::string PartitionId::ToString() const { return absl::StrCat(service, "/", index); }

absl::StatusOr<PartitionId> PartitionId::Parse(std::string_view text) {
  auto wrong = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("'", std::string(text.substr(0, 64)),
                     "' is not a partition; write it as im/17: a service and an index below 4096"));
  };
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash > 16) return wrong();
  PartitionId id;
  for (char c : text.substr(0, slash)) {
    if (c < 'a' || c > 'z') return wrong();
    id.service += c;
  }
  const std::string_view digits = text.substr(slash + 1);
  if (digits.empty() || digits.size() > 4 || (digits.size() > 1 && digits[0] == '0')) return wrong();
  for (char c : digits) {
    if (c < '0' || c > '9') return wrong();
    id.index = id.index * 10 + static_cast<uint32_t>(c - '0');
  }
  if (id.index > kMaxIndex) return wrong();
  return id;
}

uint32_t PartitionIndexOf(std::string_view key, uint32_t count) {
  uint64_t hash = 14695981039346656037ull;
  for (unsigned char c : key) hash = (hash ^ c) * 1099511628211ull;
  return count == 0 ? 0 : static_cast<uint32_t>(hash % count);
}

absl::Status NotOwner(const PartitionId& partition) {
  const std::string name = partition.ToString();
  absl::Status status =
      RefuseForNow(absl::StatusCode::kUnavailable, "NOT_OWNER",
                   absl::StrCat("partition ", name, " is owned by another machine now; ask there"), kAskAgainMs);
  status.SetPayload(kNotOwnerUrl, absl::Cord(name));
  return status;
}

std::optional<PartitionId> NotOwnedPartition(const absl::Status& status) {
  auto payload = status.GetPayload(kNotOwnerUrl);
  if (!payload) return std::nullopt;
  auto id = PartitionId::Parse(std::string(*payload));
  return id.ok() ? std::optional(*std::move(id)) : std::nullopt;
}

}  // namespace yizhan::ledger
