// Sending messages and reading a conversation's history by seq.
#pragma once

#include "absl/status/statusor.h"
#include "im/core.h"
#include "yizhan/im/v1/message_service.pb.h"

namespace yizhan::im {

inline constexpr size_t kMaxClientIdBytes = 128;

class Messages {
 public:
  explicit Messages(const Core* core) : core_(core) {}

  // Answers a SendMessageResponse once the message is durable. Content is sealed on the calling thread, but for a conversation's first
  // message of the day, whose data key has to be made first.
  // Refusals: what CheckContent says; CLIENT_ID_LENGTH, NO_CONVERSATION, UNKNOWN_REPLY (InvalidArgument); CONVERSATION_NOT_FOUND;
  // NOT_A_MEMBER; PERSON_NOT_FOUND, PERSON_INACTIVE (direct conversations); and the ledger's own.
  void Send(const Caller& caller, const v1::SendMessageRequest& request, Answer answer) const;

  // CONVERSATION_NOT_FOUND; DataLoss for damaged content.
  absl::StatusOr<v1::ListMessagesResponse> List(const Caller& caller, const v1::ListMessagesRequest& request) const;

 private:
  const Core* const core_;
};

}  // namespace yizhan::im
