// The cluster's log holds what has been committed lately, not history: this puts the replica on its disk, tells how far
// it is, and drops from the log of the partitions that it owns what enough machines have.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "cluster/context.h"
#include "cluster/mirror.h"
#include "cluster/roster.h"

namespace yizhan::cluster {

class Window {
 public:
  Window(Context* context, const Roster* roster, std::function<bool(const std::string&)> decides,
         std::function<int64_t()> revision);

  void Start();
  // Asks once every NodeOptions::sync_every.
  void Tick();

  // How far a machine's replica is on its disk, as it has said.
  std::optional<uint64_t> Synced(const std::string& node, const std::string& partition) const;
  // What an owner has put into the log.
  void Committed(const std::string& partition, uint64_t last_seq, size_t bytes);
  // Bytes of this machine's partitions in the log.
  size_t bytes() const { return bytes_; }
  // WINDOW_FULL when nothing more may be put into it.
  absl::Status Full() const;

 private:
  struct Held {
    std::deque<std::pair<uint64_t, size_t>> entries;  // last seq, bytes
    uint64_t dropped = 0;                             // up to
  };
  void Say(const std::map<std::string, uint64_t>& heads);
  void Changed();
  void Cut();
  // Up to where enough machines have a partition; those that are slow count as long as there is room.
  uint64_t Enough(const std::string& partition, bool wait_for_slow) const;
  void Compact();

  Context* const context_;
  const Roster* const roster_;
  const std::function<bool(const std::string&)> decides_;
  const std::function<int64_t()> revision_;
  Mirror synced_;
  std::map<std::string, std::map<std::string, uint64_t>> by_node_;
  std::map<std::string, uint64_t> own_;
  std::map<std::string, Held> held_;
  size_t bytes_ = 0;
  bool syncing_ = false, cutting_ = false;
  absl::Time compacted_ = absl::InfinitePast();
  int64_t compact_next_ = 0;
};

}  // namespace yizhan::cluster
