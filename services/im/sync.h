// What a client lacks.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "im/core.h"
#include "yizhan/im/v1/conversation_service.pb.h"

namespace yizhan::im {

inline constexpr int kMaxSyncVector = 20'000;

class Sync {
 public:
  explicit Sync(const Core* core) : core_(core) {}

  // Merges all partitions, newest first. left_ids come with the first page. A conversation that moves while a client turns the pages
  // reaches the client by its live stream, which it opens before.
  // InvalidArgument: INVALID_PAGE_TOKEN, TOO_MANY_CONVERSATIONS (a vector beyond kMaxSyncVector).
  absl::StatusOr<v1::SyncResponse> Run(const Caller& caller, const v1::SyncRequest& request) const;

  // The ids of all conversations that a person is a member of.
  absl::StatusOr<std::vector<std::string>> ConversationIds(PersonNo person) const;

 private:
  const Core* const core_;
};

}  // namespace yizhan::im
