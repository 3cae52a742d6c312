// Who is reachable: in memory, by device, gone with the device's session. Thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "im/ids.h"
#include "yizhan/im/v1/conversation.pb.h"
#include "yizhan/im/v1/conversation_service.pb.h"

namespace yizhan::im {

inline constexpr int kMaxWatched = 500;

// A device: a session at an edge.
struct DeviceId {
  std::string edge_id;
  uint64_t session = 0;

  friend bool operator==(const DeviceId&, const DeviceId&) = default;
  template <typename H>
  friend H AbslHashValue(H hash, const DeviceId& device) {
    return H::combine(std::move(hash), device.edge_id, device.session);
  }
};

class Presence {
 public:
  // How presence leaves: a person's presence has changed; a person's devices begin or cease to hear another's. Called in order, one at a
  // time, without a lock held, on whatever thread caused them.
  struct Outlets {
    std::function<void(const v1::Presence&)> changed;
    std::function<void(PersonNo watcher, PersonNo watched, bool active)> watch;
  };
  explicit Presence(Outlets outlets) : outlets_(std::move(outlets)) {}

  // A device came: its person is online until it says otherwise (what a device has said counts more than the silence of another).
  void Open(const DeviceId& device, PersonNo person);
  // A device went; offline is said when it was the last.
  void Close(const DeviceId& device);

  // Sets a device's presence. NO_SESSION (FailedPrecondition) for a device that is not open; STATUS_LENGTH (InvalidArgument).
  absl::StatusOr<v1::SetPresenceResponse> Set(const DeviceId& device, const v1::SetPresenceRequest& request);
  // Sets whom a device hears; answers their presence. NO_SESSION; TOO_MANY_WATCHED, INVALID_PERSON_ID (InvalidArgument).
  absl::StatusOr<v1::WatchPresenceResponse> Watch(const DeviceId& device, const v1::WatchPresenceRequest& request);

  // In the order asked; offline for who is not known. TOO_MANY_WATCHED, INVALID_PERSON_ID.
  absl::StatusOr<v1::GetPresenceResponse> Get(const v1::GetPresenceRequest& request) const;

  size_t devices() const;

 private:
  struct Device {
    PersonNo person;
    bool said = false;
    v1::Presence::Show show = v1::Presence::SHOW_ONLINE;
    std::string status;
    std::vector<PersonNo> watched;
  };
  struct Person {
    std::vector<DeviceId> devices;
    absl::flat_hash_map<PersonNo, int> watched;  // by how many of the devices
  };

  v1::Presence BestOf(PersonNo person) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Replace(Device& device, std::vector<PersonNo> watched) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void QueueIfChanged(const v1::Presence& before) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Runs what is queued, unless another thread is at it.
  void Drain() ABSL_LOCKS_EXCLUDED(mu_);

  const Outlets outlets_;
  mutable absl::Mutex mu_;
  absl::flat_hash_map<DeviceId, Device> devices_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<PersonNo, Person> persons_ ABSL_GUARDED_BY(mu_);
  // Bounded by what callers put in at once: a caller leaves only when it is empty or another thread is emptying it.
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mu_);
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace yizhan::im
