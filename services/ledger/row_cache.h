// Rows of state that the writer looked at lately: a decision and its apply() read the same few rows again and again,
// and a map answers sooner than a skip list or a file.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"

namespace yizhan::ledger {

// Holds what is committed, never what a batch is about to change. Two generations: when the young one has half of the
// bound, it becomes the old one, and what nobody asked for since is forgotten. One thread.
class RowCache {
 public:
  // nullopt: there is no such row.
  using Row = std::optional<std::string>;

  explicit RowCache(size_t max_bytes) : half_(max_bytes / 2) {}

  // Null when the row is not known here. Valid until the next call.
  const Row* Find(std::string_view key);
  void Remember(std::string_view key, Row row);
  // The row was committed: a known one is known as it is now, others stay unknown.
  void Committed(std::string_view key, std::optional<std::string_view> row);
  void Clear();

  size_t bytes() const { return young_bytes_ + old_bytes_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  using Rows = absl::flat_hash_map<std::string, Row, Hash, std::equal_to<>>;
  // With what a map's slot and a heap block cost beside the bytes.
  static size_t Cost(std::string_view key, const Row& row) { return 96 + key.size() + (row ? row->size() : 0); }

  const size_t half_;
  Rows young_, old_;
  size_t young_bytes_ = 0, old_bytes_ = 0;
};

}  // namespace yizhan::ledger
