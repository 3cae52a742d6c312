// The changes of a batch to one partition's state that are not in the store yet.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"

namespace yizhan::ledger {

// Bytes that live until Clear(). Chunks are kept for the next batch, up to a bound.
class Arena {
 public:
  std::string_view Copy(std::string_view bytes);
  char* Allocate(size_t size);
  void Clear();

 private:
  static constexpr size_t kChunk = 64 << 10;
  std::vector<std::unique_ptr<char[]>> chunks_;  // kChunk bytes each
  std::vector<std::unique_ptr<char[]>> large_;
  size_t used_chunks_ = 0;
  size_t used_ = kChunk;  // of the last used chunk
};

// Ordered, with an undo log for one command. One thread.
class Overlay {
 public:
  struct Entry {
    std::string_view value;
    bool deleted = false;
  };
  using Map = absl::btree_map<std::string_view, Entry>;

  explicit Overlay(Arena* arena) : arena_(arena) {}

  // Null when the batch has not touched the key. Valid until the next change.
  const Entry* Find(std::string_view key) const;
  void Put(std::string_view key, std::string_view value) { Set(key, Entry{arena_->Copy(value), false}); }
  void Delete(std::string_view key) { Set(key, Entry{{}, true}); }

  // From here on, changes can be taken back.
  void Begin() { undo_.clear(); }
  // Takes back what was changed since Begin().
  void RollBack();
  // Before the arena is cleared.
  void Clear();

  const Map& map() const { return map_; }
  // Changes with every change: an iterator into map() is good while it stands still. Key bytes stay valid until
  // Clear().
  uint64_t version() const { return version_; }

 private:
  struct Undo {
    std::string_view key;
    Entry before;
    bool existed;
  };
  void Set(std::string_view key, Entry entry);

  Arena* const arena_;
  Map map_;
  std::vector<Undo> undo_;
  uint64_t version_ = 0;
};

}  // namespace yizhan::ledger
