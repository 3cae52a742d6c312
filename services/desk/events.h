// From committed records to live events.
#pragma once

#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "base/rpc/hub.h"
#include "desk/core.h"
#include "yizhan/desk/v1/live.pb.h"

namespace yizhan::desk {

std::string AgentsTopic(std::string_view conversation_id);
std::string CustomerTopic(std::string_view conversation_id);
std::string GroupTopic(std::string_view group_id);
std::string AgentTopic(std::string_view agent_id);

// `hub` may be null: nobody is linked yet.
void PublishTyping(rpc::Hub* hub, std::string_view topic, const std::string& conversation_id, const std::string& principal_id, bool active,
                   const std::string& preview);

// What a person or a visitor hears from the beginning.
absl::StatusOr<std::vector<std::string>> TopicsOf(const Rows& rows, const rpc::Principal& principal);

// Publishes what records of one commit changed: lines as they are, the rest as it stands now. On the completion thread.
void PublishRecords(const Core& core, rpc::Hub& hub, absl::Span<const ledger::Record> records);

absl::StatusOr<yizhan::desk::v1::QueueState> QueueStateOf(const Rows& rows, const ServiceGroup& group);

}  // namespace yizhan::desk
