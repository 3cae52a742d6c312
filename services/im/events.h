// What messaging tells the edges: committed records, typing and presence as frames on topics.
//
// Topics: a conversation's id (messages, notices, typing, cursors); "person:ID" (joined, left, the cursors of large groups);
// "presence:ID". A frame is built only when somebody hears it, and serialised once.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "base/rpc/hub.h"
#include "im/core.h"
#include "yizhan/im/v1/live.pb.h"
#include "yizhan/im/v1/record.pb.h"

namespace yizhan::im {

std::string PersonTopic(std::string_view person_id);
std::string PresenceTopic(std::string_view person_id);

class Events {
 public:
  explicit Events(const Core* core) : core_(core) {}

  // Nothing is told before. The hub outlives the ledger's writer.
  void SetHub(rpc::Hub* hub) { hub_.store(hub, std::memory_order_release); }

  // The ledger's listener: on the completion thread, in order of seq within a partition.
  void OnCommitted(const ledger::PartitionId& partition, absl::Span<const ledger::Record> records);
  // Thread-safe.
  void OnTyping(const v1::TypingChanged& typing);
  void OnPresence(const v1::Presence& presence);
  void OnWatch(PersonNo watcher, PersonNo watched, bool active);

 private:
  void Tell(rpc::Hub& hub, const ledger::PartitionId& partition, const v1::ImRecord& record);
  void TellMessage(rpc::Hub& hub, std::string_view conversation_id, const v1::ImRecord& record);
  void TellCreated(rpc::Hub& hub, const v1::ConversationCreated& created);
  void TellJoined(rpc::Hub& hub, const ledger::PartitionId& partition, const v1::MembersJoined& joined);
  void TellLeft(rpc::Hub& hub, const v1::MemberLeft& left);
  void TellCursors(rpc::Hub& hub, const ledger::PartitionId& partition, const v1::CursorsMoved& cursors);

  const Core* const core_;
  std::atomic<rpc::Hub*> hub_{nullptr};
};

}  // namespace yizhan::im
