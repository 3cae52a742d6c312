// A map with a bound: at the bound the entry that was touched longest ago makes room.
#pragma once

#include <cstddef>
#include <list>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace yizhan::directory {

// Not thread-safe. Find() and Put() count as a touch and cost O(1). A returned pointer is good until the next Put().
template <typename Key, typename Value>
class BoundedMap {
 public:
  // `bound` >= 1 entries are kept.
  explicit BoundedMap(size_t bound) : bound_(bound < 1 ? 1 : bound) {}

  // The value of `key`, touched; nullptr when there is none.
  Value* Find(const Key& key) {
    auto at = index_.find(key);
    if (at == index_.end()) return nullptr;
    order_.splice(order_.begin(), order_, at->second);
    return &at->second->second;
  }

  // Sets the value of `key`, evicting the least recently touched entry when the bound is reached.
  Value* Put(const Key& key, Value value) {
    if (Value* found = Find(key)) {
      *found = std::move(value);
      return found;
    }
    if (index_.size() >= bound_) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    order_.emplace_front(key, std::move(value));
    index_.emplace(key, order_.begin());
    return &order_.front().second;
  }

  // True when there was one.
  bool Erase(const Key& key) {
    auto at = index_.find(key);
    if (at == index_.end()) return false;
    order_.erase(at->second);
    index_.erase(at);
    return true;
  }

  void Clear() {
    index_.clear();
    order_.clear();
  }

  size_t size() const { return index_.size(); }

 private:
  const size_t bound_;
  std::list<std::pair<Key, Value>> order_;  // most recently touched first
  absl::flat_hash_map<Key, typename std::list<std::pair<Key, Value>>::iterator> index_;
};

}  // namespace yizhan::directory
