#include "desk/routing.h"

#include <algorithm>

#include "base/status.h"

namespace yizhan::desk {

using yizhan::desk::v1::DeskRecord;

bool HasRoom(const Agent& agent) { return agent.state() == Agent::STATE_ONLINE && agent.load() < agent.capacity(); }

bool Serves(const ServiceGroup& group, std::string_view agent_id) {
  return std::find(group.agent_ids().begin(), group.agent_ids().end(), agent_id) != group.agent_ids().end();
}

absl::Status Enqueue(Draft& draft, const std::string& conversation_id, const std::string& group_id, bool at_head, const std::string& by_agent_id) {
  YZ_ASSIGN_OR_RETURN(Reception reception, draft.rows().ReceptionOf(conversation_id));
  DeskRecord record;
  auto* queued = record.mutable_queued();
  queued->set_conversation_id(conversation_id);
  queued->set_seq(reception.last_seq() + 1);
  queued->set_line_id(draft.NextLineId());
  queued->set_group_id(group_id);
  queued->set_at_head(at_head);
  queued->set_by_agent_id(by_agent_id);
  return draft.Add(record);
}

absl::Status Assign(Draft& draft, const std::string& conversation_id, const std::string& agent_id, const std::string& by_agent_id) {
  YZ_ASSIGN_OR_RETURN(Reception reception, draft.rows().ReceptionOf(conversation_id));
  DeskRecord record;
  auto* assigned = record.mutable_assigned();
  assigned->set_conversation_id(conversation_id);
  assigned->set_seq(reception.last_seq() + 1);
  assigned->set_line_id(draft.NextLineId());
  assigned->set_agent_id(agent_id);
  assigned->set_by_agent_id(by_agent_id);
  return draft.Add(record);
}

absl::Status CloseReception(Draft& draft, const std::string& conversation_id, const std::string& by_agent_id) {
  YZ_ASSIGN_OR_RETURN(Reception reception, draft.rows().ReceptionOf(conversation_id));
  DeskRecord record;
  auto* closed = record.mutable_closed();
  closed->set_conversation_id(conversation_id);
  closed->set_seq(reception.last_seq() + 1);
  closed->set_line_id(draft.NextLineId());
  closed->set_by_agent_id(by_agent_id);
  return draft.Add(record);
}

absl::Status RouteGroup(Draft& draft, std::string_view group_id, std::string_view not_to) {
  YZ_ASSIGN_OR_RETURN(ServiceGroup group, draft.rows().Group(group_id));
  while (true) {
    YZ_ASSIGN_OR_RETURN(auto next, draft.rows().Queue(group_id, 1));
    if (next.empty()) return absl::OkStatus();
    std::string best;
    uint32_t least = 0;
    for (const std::string& id : group.agent_ids()) {
      YZ_ASSIGN_OR_RETURN(Agent agent, draft.rows().AgentOf(id));
      if (id != not_to && HasRoom(agent) && (best.empty() || agent.load() < least)) {
        best = id;
        least = agent.load();
      }
    }
    if (best.empty()) return absl::OkStatus();
    YZ_RETURN_IF_ERROR(Assign(draft, next[0].conversation_id, best, ""));
  }
}

absl::Status RouteForAgent(Draft& draft, std::string_view agent_id, std::string_view not_this) {
  YZ_ASSIGN_OR_RETURN(auto groups, draft.rows().Groups());
  // Several groups compete for the room that one agent has: the longest waiting of all of them is next.
  while (true) {
    YZ_ASSIGN_OR_RETURN(Agent agent, draft.rows().AgentOf(agent_id));
    if (!HasRoom(agent)) return absl::OkStatus();
    std::string next;
    int64_t since = 0;
    for (const ServiceGroup& group : groups) {
      if (!Serves(group, agent_id)) continue;
      YZ_ASSIGN_OR_RETURN(auto queue, draft.rows().Queue(group.group_id(), 2));
      if (!queue.empty() && queue[0].conversation_id == not_this) queue.erase(queue.begin());
      if (!queue.empty() && (next.empty() || queue[0].since_us < since)) {
        next = queue[0].conversation_id;
        since = queue[0].since_us;
      }
    }
    if (next.empty()) return absl::OkStatus();
    YZ_RETURN_IF_ERROR(Assign(draft, next, std::string(agent_id), ""));
  }
}

}  // namespace yizhan::desk
