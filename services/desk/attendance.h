// Agents who are gone: whose every device went, and did not come back.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "desk/core.h"

namespace yizhan::desk {

// Pauses an agent who has been gone for `pause`, so that no customer is given to an empty chair, and takes them offline after
// `offline`, so that those who wait for them are answered by a colleague. Who comes back says themselves that they are at work again.
// Both are commands of the desk on the record; where they are refused (another machine decides for the desk, a full disk) they are tried
// again as long as the agent is gone and the record does not say so. An agent counts as there while one of their sessions is open on the live stream; who
// never opened one (a program that calls AgentService only) is let be until the process starts anew.
class Attendance {
 public:
  struct Patience {
    absl::Duration pause = absl::Minutes(1);
    absl::Duration offline = absl::Minutes(5);
  };
  Attendance(const Core* core, Patience patience) : core_(core), patience_(patience) {}
  ~Attendance() { Stop(); }

  // Once, with the agents who are at work as the process starts: they are gone until they come.
  void Start(const std::vector<std::string>& at_work);
  // Before the ledger stops.
  void Stop();

  // A session of an agent opened, or closed. Never blocks.
  void Come(const std::string& agent_id, const std::string& edge_id, uint64_t session);
  void Go(const std::string& agent_id, const std::string& edge_id, uint64_t session);

 private:
  struct Absence {
    absl::Time since;
    bool paused = false;  // has been said
    absl::Time not_before = absl::InfinitePast();
  };
  void Run();
  // Who is due at `now`, and for what; when the next one is.
  struct Due {
    std::string agent_id;
    yizhan::desk::v1::Agent::State state;
  };
  std::vector<Due> TakeDue(absl::Time now, absl::Time* next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Say(const Due& due);
  // It was refused.
  void Again(const Due& due, const absl::Status& why);

  const Core* const core_;
  const Patience patience_;
  std::thread thread_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::set<std::pair<std::string, uint64_t>>> sessions_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Absence> gone_ ABSL_GUARDED_BY(mutex_);
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

// What an agent says of themselves: on the draft, with what follows (who goes offline gives back what they have; who comes online may
// be given something). A capacity of 0 leaves it. Changes nothing when it is so already.
absl::Status SetAgentState(Draft& draft, const std::string& agent_id, yizhan::desk::v1::Agent::State state, uint32_t capacity);

}  // namespace yizhan::desk
