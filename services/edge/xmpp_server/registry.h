// Which sessions there are on which thread, by what clients name: a full address (two of one name cannot be) and a resumption id.
// Thread-safe; what it finds may be over by the time one gets there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "edge/xmpp_server/text.h"

namespace yizhan::edge::xmpp {

struct SessionPlace {
  size_t thread = 0;
  uint64_t session = 0;
  bool operator==(const SessionPlace&) const = default;
};

class Registry {
 public:
  // Takes an address; the session that had it before, which is to be ended.
  std::optional<SessionPlace> Take(std::string_view full_jid, SessionPlace place) {
    absl::MutexLock lock(&mutex_);
    auto [found, added] = jids_.try_emplace(std::string(full_jid), place);
    if (added) return std::nullopt;
    return std::exchange(found->second, place);
  }
  // Gives it back, unless another session has taken it meanwhile.
  void Drop(std::string_view full_jid, SessionPlace place) {
    absl::MutexLock lock(&mutex_);
    if (auto found = jids_.find(full_jid); found != jids_.end() && found->second == place) jids_.erase(found);
  }

  void AddResumption(const std::string& id, SessionPlace place) {
    absl::MutexLock lock(&mutex_);
    resumptions_[id] = place;
  }
  void DropResumption(std::string_view id) {
    absl::MutexLock lock(&mutex_);
    if (auto found = resumptions_.find(id); found != resumptions_.end()) resumptions_.erase(found);
  }
  std::optional<SessionPlace> FindResumption(std::string_view id) const {
    absl::MutexLock lock(&mutex_);
    auto found = resumptions_.find(id);
    return found == resumptions_.end() ? std::nullopt : std::optional<SessionPlace>(found->second);
  }
  size_t size() const {
    absl::MutexLock lock(&mutex_);
    return jids_.size();
  }

 private:
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, SessionPlace, NameHash, NameEq> jids_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, SessionPlace, NameHash, NameEq> resumptions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace yizhan::edge::xmpp
