// Somebody types: passed on, never recorded. Thread-safe.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "im/core.h"
#include "yizhan/im/v1/live.pb.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::im {

// Larger groups hear neither who types nor whose cursors move: each member's screen would be busy with nothing else.
inline constexpr uint32_t kMaxChattyMembers = 200;
// Who typed within the last second, at most; beyond, typing is not passed on.
inline constexpr size_t kMaxTyping = 20'000;

class Typing {
 public:
  Typing(const Core* core, std::function<void(const v1::TypingChanged&)> publish)
      : core_(core), publish_(std::move(publish)) {}

  // Ok whether or not it was passed on: at most one change a second for a person in a conversation, nothing in large groups and in a
  // direct conversation that does not exist yet. CONVERSATION_NOT_FOUND; NOT_A_MEMBER; NO_CONVERSATION, INVALID_PERSON_ID
  // (InvalidArgument).
  absl::Status Set(const Caller& caller, const v1::SetTypingRequest& request);

 private:
  struct Last {
    absl::Time when;
    bool active = false;
  };
  bool MayPass(const Caller& caller, const std::string& conversation_id, bool active);

  const Core* const core_;
  const std::function<void(const v1::TypingChanged&)> publish_;
  absl::Mutex mu_;
  absl::flat_hash_map<std::pair<std::string, PersonNo>, Last> last_ ABSL_GUARDED_BY(mu_);
};

}  // namespace yizhan::im
