// Read and delivered positions: one pair a member, moved forward by records of their own. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "im/core.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::im {

// Moves that wait for the one on its way, for one member of one conversation.
inline constexpr size_t kMaxWaitingMoves = 1'024;

class Cursors {
 public:
  explicit Cursors(const Core* core) : core_(core) {}

  // Answers a MoveCursorResponse with the cursors as they are then. Nothing is recorded when nothing moves forward; what arrives while
  // a member's move is being committed goes with the next record, all in one. What is read has been delivered.
  // CONVERSATION_NOT_FOUND; NOT_A_MEMBER; SEQ_AHEAD (InvalidArgument) beyond the last seq; TOO_MANY_MOVES (ResourceExhausted).
  void Move(const Caller& caller, const v1::MoveCursorRequest& request, Answer answer);

 private:
  using Key = std::pair<std::string, PersonNo>;
  struct Position {
    uint64_t read = 0;
    uint64_t delivered = 0;
    void Raise(const Position& to);
  };
  // Exists while a move of the member is on its way.
  struct Lane {
    std::vector<Answer> answers;  // of the move on its way
    Position next;                // of the one after it
    std::vector<Answer> waiting;
  };

  void Submit(const Caller& caller, const std::string& conversation_id, Position target);
  void Finish(const Caller& caller, const std::string& conversation_id, const absl::StatusOr<std::string>& result);

  const Core* const core_;
  absl::Mutex mu_;
  absl::flat_hash_map<Key, Lane> lanes_ ABSL_GUARDED_BY(mu_);
};

}  // namespace yizhan::im
