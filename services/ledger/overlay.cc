#include "ledger/overlay.h"

#include <cstring>

namespace yizhan::ledger {

char* Arena::Allocate(size_t size) {
  if (size > kChunk / 4) {
    large_.emplace_back(new char[size]);
    return large_.back().get();
  }
  if (kChunk - used_ < size) {
    if (used_chunks_ == chunks_.size()) chunks_.emplace_back(new char[kChunk]);
    ++used_chunks_;
    used_ = 0;
  }
  char* at = chunks_[used_chunks_ - 1].get() + used_;
  used_ += size;
  return at;
}

std::string_view Arena::Copy(std::string_view bytes) {
  if (bytes.empty()) return {};
  char* at = Allocate(bytes.size());
  memcpy(at, bytes.data(), bytes.size());
  return {at, bytes.size()};
}

void Arena::Clear() {
  constexpr size_t kKept = 64;  // 4 MiB
  if (chunks_.size() > kKept) chunks_.resize(kKept);
  large_.clear();
  used_chunks_ = 0;
  used_ = kChunk;
}

const Overlay::Entry* Overlay::Find(std::string_view key) const {
  auto it = map_.find(key);
  return it == map_.end() ? nullptr : &it->second;
}

void Overlay::Set(std::string_view key, Entry entry) {
  ++version_;
  auto it = map_.lower_bound(key);
  if (it != map_.end() && it->first == key) {
    undo_.push_back({it->first, it->second, true});
    it->second = entry;
  } else {
    it = map_.emplace_hint(it, arena_->Copy(key), entry);
    undo_.push_back({it->first, {}, false});
  }
}

void Overlay::RollBack() {
  ++version_;
  for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) {
    auto it = map_.find(undo->key);
    if (undo->existed) {
      it->second = undo->before;
    } else {
      map_.erase(it);
    }
  }
  undo_.clear();
}

void Overlay::Clear() {
  ++version_;
  map_.clear();
  undo_.clear();
}

}  // namespace yizhan::ledger
