// Who gets what: the oldest waiting first, to the free agent with the least load; a capacity is never exceeded, because one writer
// decides.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "desk/draft.h"

namespace yizhan::desk {

// Gives out what waits in a group while a fitting agent is free; `not_to` (who has just given something away) gets nothing of it.
absl::Status RouteGroup(Draft& draft, std::string_view group_id, std::string_view not_to = {});

// The same for every group that an agent serves: after they came or have room again.
// What they have just given away (`not_this`) does not come back.
absl::Status RouteForAgent(Draft& draft, std::string_view agent_id, std::string_view not_this = {});

// Whether an agent takes one more now.
bool HasRoom(const Agent& agent);
bool Serves(const ServiceGroup& group, std::string_view agent_id);

// The steps of a reception's life, as records on the draft.
absl::Status Enqueue(Draft& draft, const std::string& conversation_id, const std::string& group_id, bool at_head, const std::string& by_agent_id);
absl::Status Assign(Draft& draft, const std::string& conversation_id, const std::string& agent_id, const std::string& by_agent_id);
absl::Status CloseReception(Draft& draft, const std::string& conversation_id, const std::string& by_agent_id);

}  // namespace yizhan::desk
