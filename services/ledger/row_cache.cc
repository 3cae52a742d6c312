#include "ledger/row_cache.h"

#include <utility>

namespace yizhan::ledger {

const RowCache::Row* RowCache::Find(std::string_view key) {
  if (auto young = young_.find(key); young != young_.end()) return &young->second;
  auto old = old_.find(key);
  if (old == old_.end()) return nullptr;
  Row row = std::move(old->second);
  old_bytes_ -= Cost(key, row);
  old_.erase(old);
  Remember(key, std::move(row));
  return &young_.find(key)->second;
}

void RowCache::Remember(std::string_view key, Row row) {
  if (young_bytes_ >= half_) {
    old_ = std::exchange(young_, {});
    old_bytes_ = std::exchange(young_bytes_, 0);
  }
  const size_t cost = Cost(key, row);
  if (young_.insert_or_assign(std::string(key), std::move(row)).second) young_bytes_ += cost;
}

void RowCache::Committed(std::string_view key, std::optional<std::string_view> row) {
  for (auto [rows, bytes] : {std::pair(&young_, &young_bytes_), std::pair(&old_, &old_bytes_)}) {
    auto known = rows->find(key);
    if (known == rows->end()) continue;
    *bytes -= Cost(key, known->second);
    known->second = row ? Row(std::string(*row)) : std::nullopt;
    *bytes += Cost(key, known->second);
    return;
  }
}

void RowCache::Clear() {
  young_.clear();
  old_.clear();
  young_bytes_ = old_bytes_ = 0;
}

}  // namespace yizhan::ledger
