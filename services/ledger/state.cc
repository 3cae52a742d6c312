// Reading state: from the store, and from the store under a batch's changes.
#include "ledger/state.h"

#include <algorithm>
#include <iterator>
#include <memory>

#include "base/status.h"
#include "ledger/pending_state.h"
#include "ledger/rocks.h"
#include "ledger/store.h"
#include "rocksdb/db.h"

namespace yizhan::ledger {
namespace {

// A RocksDB iterator over the keys of one partition in [from, end), seen without the partition's number.
class Cursor {
 public:
  // An empty `end` is the partition's.
  Cursor(const Store* store, uint32_t partition, const rocksdb::Snapshot* snapshot, std::string_view from,
         std::string_view end)
      : lower_(StateKey(partition, from)),
        upper_(end.empty() ? StateKey(partition + 1, {}) : StateKey(partition, end)) {
    lower_slice_ = ToSlice(lower_);
    upper_slice_ = ToSlice(upper_);
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    options.iterate_lower_bound = &lower_slice_;
    options.iterate_upper_bound = &upper_slice_;
    if (lower_ < upper_) it_.reset(store->db()->NewIterator(options, store->table(Table::kState)));
  }
  void First() {
    if (it_) it_->SeekToFirst();
  }
  void Last() {
    if (it_) it_->SeekToLast();
  }
  bool Valid() const { return it_ && it_->Valid(); }
  void Next() { it_->Next(); }
  void Prev() { it_->Prev(); }
  std::string_view key() const { return ToView(it_->key()).substr(4); }
  std::string_view value() const { return ToView(it_->value()); }
  absl::Status status() const { return it_ ? FromRocks(it_->status(), "reading state") : absl::OkStatus(); }

 private:
  const std::string lower_, upper_;
  rocksdb::Slice lower_slice_, upper_slice_;
  std::unique_ptr<rocksdb::Iterator> it_;
};

struct Range {
  std::string from;
  std::string end;  // empty: no end
};

Range Forward(std::string_view prefix, std::string_view from) {
  return {std::string(std::max(prefix, from)), PrefixEnd(prefix)};
}

Range Backward(std::string_view prefix, std::string_view below) {
  Range range{std::string(prefix), PrefixEnd(prefix)};
  if (!below.empty() && (range.end.empty() || below < range.end)) range.end = below;
  return range;
}
}  // namespace

absl::StatusOr<std::optional<std::string>> StoredState::Get(std::string_view key) const {
  return store_->Get(Table::kState, StateKey(partition_, key), snapshot_);
}

absl::Status StoredState::Scan(std::string_view prefix, std::string_view from,
                               absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const {
  const Range range = Forward(prefix, from);
  Cursor cursor(store_, partition_, snapshot_, range.from, range.end);
  for (cursor.First(); cursor.Valid() && visit(cursor.key(), cursor.value()); cursor.Next()) {
  }
  return cursor.status();
}

absl::Status StoredState::ScanBack(std::string_view prefix, std::string_view below,
                                   absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const {
  const Range range = Backward(prefix, below);
  Cursor cursor(store_, partition_, snapshot_, range.from, range.end);
  for (cursor.Last(); cursor.Valid() && visit(cursor.key(), cursor.value()); cursor.Prev()) {
  }
  return cursor.status();
}

absl::StatusOr<std::optional<std::string>> PendingState::Get(std::string_view key) const {
  if (const Overlay::Entry* entry = overlay_->Find(key)) {
    if (entry->deleted) return std::nullopt;
    return std::string(entry->value);
  }
  if (cache_ == nullptr) return stored_.Get(key);
  const std::string full = StateKey(stored_.partition(), key);
  if (const RowCache::Row* row = cache_->Find(full)) return *row;
  YZ_ASSIGN_OR_RETURN(auto row, stored_.Get(key));
  cache_->Remember(full, row);
  return row;
}

absl::Status PendingState::Scan(std::string_view prefix, std::string_view from,
                                absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const {
  const Range range = Forward(prefix, from);
  Cursor cursor(stored_.store(), stored_.partition(), nullptr, range.from, range.end);
  cursor.First();
  const Overlay::Map& changes = overlay_->map();
  uint64_t version = overlay_->version();
  auto change = changes.lower_bound(range.from);
  for (;;) {
    const bool changed = change != changes.end() && (range.end.empty() || change->first < range.end);
    const bool stored = cursor.Valid();
    if (!changed && !stored) break;
    if (!changed || (stored && cursor.key() < change->first)) {
      // The stored key stands still while visit() runs; what it changes may move the changes behind it.
      const std::string_view key = cursor.key();
      if (!visit(key, cursor.value())) break;
      if (overlay_->version() != version) {
        version = overlay_->version();
        change = changes.upper_bound(key);
      }
      cursor.Next();
      continue;
    }
    const std::string_view key = change->first;
    const Overlay::Entry entry = change->second;
    if (stored && cursor.key() == key) cursor.Next();
    if (!entry.deleted && !visit(key, entry.value)) break;
    if (overlay_->version() != version) {
      version = overlay_->version();
      change = changes.upper_bound(key);
    } else {
      ++change;
    }
  }
  return cursor.status();
}

absl::Status PendingState::ScanBack(std::string_view prefix, std::string_view below,
                                    absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const {
  const Range range = Backward(prefix, below);
  Cursor cursor(stored_.store(), stored_.partition(), nullptr, range.from, range.end);
  cursor.Last();
  const Overlay::Map& changes = overlay_->map();
  // The greatest change below `bound`, or end().
  auto before = [&](std::string_view bound, bool none) {
    auto it = none ? changes.end() : changes.lower_bound(bound);
    if (it == changes.begin()) return changes.end();
    --it;
    return it->first < std::string_view(range.from) ? changes.end() : it;
  };
  uint64_t version = overlay_->version();
  auto change = before(range.end, range.end.empty());
  for (;;) {
    const bool changed = change != changes.end();
    const bool stored = cursor.Valid();
    if (!changed && !stored) break;
    if (!changed || (stored && cursor.key() > change->first)) {
      const std::string_view key = cursor.key();
      if (!visit(key, cursor.value())) break;
      if (overlay_->version() != version) {
        version = overlay_->version();
        change = before(key, false);
      }
      cursor.Prev();
      continue;
    }
    const std::string_view key = change->first;
    const Overlay::Entry entry = change->second;
    if (stored && cursor.key() == key) cursor.Prev();
    if (!entry.deleted && !visit(key, entry.value)) break;
    version = overlay_->version();
    change = before(key, false);
  }
  return cursor.status();
}

}  // namespace yizhan::ledger
