#include "desk/events.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/status.h"
#include "desk/routing.h"
#include "desk/visitors.h"
#include "yizhan/live/v1/live_service.pb.h"

namespace yizhan::desk {
namespace {

using yizhan::desk::v1::DeskEvent;
using yizhan::desk::v1::DeskRecord;
using yizhan::desk::v1::QueueState;

constexpr size_t kPositionsTold = 200;

std::string Frame(const DeskEvent& event) {
  yizhan::live::v1::ServerFrame frame;
  *frame.mutable_desk() = event;
  return frame.SerializeAsString();
}

void Publish(rpc::Hub& hub, const std::string& topic, const DeskEvent& event) {
  if (hub.Heard(topic)) hub.Publish(topic, Frame(event));
}

// The conversation that a record is a line of; empty for others.
const std::string& ConversationOf(const DeskRecord& record) {
  static const std::string none;
  switch (record.kind_case()) {
    case DeskRecord::kLine: return record.line().conversation_id();
    case DeskRecord::kStarted: return record.started().conversation_id();
    case DeskRecord::kQueued: return record.queued().conversation_id();
    case DeskRecord::kAssigned: return record.assigned().conversation_id();
    case DeskRecord::kClosed: return record.closed().conversation_id();
    case DeskRecord::kRated: return record.rated().conversation_id();
    default: return none;
  }
}

// What changed, gathered over the records of a commit, so that each thing is told once.
struct Changes {
  std::set<std::string> receptions, agents, groups;
};

void Subscriptions(const Rows& rows, rpc::Hub& hub, const DeskRecord& record) {
  if (record.has_started()) {
    hub.Subscribe(record.started().customer_id(), CustomerTopic(record.started().conversation_id()), true);
  } else if (record.has_assigned()) {
    hub.Subscribe(record.assigned().agent_id(), AgentsTopic(record.assigned().conversation_id()), true);
  } else if (record.has_group_put()) {
    for (const auto& id : record.group_put().agent_ids()) hub.Subscribe(id, GroupTopic(record.group_put().group_id()), true);
  }
}

absl::Status PublishReception(const Core& core, const Rows& rows, rpc::Hub& hub, const std::string& conversation_id, Changes& changes) {
  YZ_ASSIGN_OR_RETURN(Reception reception, rows.ReceptionOf(conversation_id));
  changes.groups.insert(reception.group_id());
  if (!reception.agent_id().empty()) changes.agents.insert(reception.agent_id());
  DeskEvent event;
  const std::string agents = AgentsTopic(conversation_id), group = GroupTopic(reception.group_id()), customer = CustomerTopic(conversation_id);
  if (hub.Heard(agents) || hub.Heard(group)) {
    YZ_ASSIGN_OR_RETURN(*event.mutable_reception(), rows.Whole(reception, true, core.keyring()));
    Publish(hub, agents, event);
    Publish(hub, group, event);
  }
  if (hub.Heard(customer)) {
    YZ_ASSIGN_OR_RETURN(*event.mutable_reception(), ForCustomer(rows, reception, core.keyring()));
    Publish(hub, customer, event);
  }
  return absl::OkStatus();
}

absl::Status PublishGroup(const Rows& rows, rpc::Hub& hub, const std::string& group_id) {
  auto group = rows.Group(group_id);
  if (!group.ok()) return absl::OkStatus();
  DeskEvent event;
  if (hub.Heard(GroupTopic(group_id))) {
    YZ_ASSIGN_OR_RETURN(*event.mutable_queue(), QueueStateOf(rows, *group));
    Publish(hub, GroupTopic(group_id), event);
  }
  YZ_ASSIGN_OR_RETURN(auto queue, rows.Queue(group_id, kPositionsTold));
  for (size_t i = 0; i < queue.size(); ++i) {
    event.mutable_position()->set_conversation_id(queue[i].conversation_id);
    event.mutable_position()->set_position(static_cast<uint32_t>(i) + 1);
    Publish(hub, CustomerTopic(queue[i].conversation_id), event);
  }
  return absl::OkStatus();
}

absl::Status PublishAgent(const Rows& rows, rpc::Hub& hub, const std::string& agent_id) {
  YZ_ASSIGN_OR_RETURN(Agent agent, rows.AgentOf(agent_id));
  YZ_ASSIGN_OR_RETURN(auto groups, rows.Groups());
  for (const auto& group : groups) {
    if (Serves(group, agent_id)) agent.add_group_ids(group.group_id());
  }
  DeskEvent event;
  *event.mutable_agent() = agent;
  Publish(hub, AgentTopic(agent_id), event);
  for (const auto& id : agent.group_ids()) Publish(hub, GroupTopic(id), event);
  return absl::OkStatus();
}

absl::Status PublishAll(const Core& core, const Rows& rows, rpc::Hub& hub, absl::Span<const ledger::Record> records) {
  Changes changes;
  for (const ledger::Record& record : records) {
    DeskRecord payload;
    if (!payload.ParseFromString(record.payload())) return absl::DataLossError("unreadable payload");
    Subscriptions(rows, hub, payload);
    if (payload.has_agent()) {
      changes.agents.insert(payload.agent().agent_id());
      YZ_ASSIGN_OR_RETURN(auto groups, rows.Groups());
      for (const auto& group : groups) {
        if (Serves(group, payload.agent().agent_id())) changes.groups.insert(group.group_id());
      }
    }
    if (payload.has_queued()) changes.groups.insert(payload.queued().group_id());
    const std::string& conversation_id = ConversationOf(payload);
    if (conversation_id.empty()) continue;
    changes.receptions.insert(conversation_id);
    const std::string agents = AgentsTopic(conversation_id), customer = CustomerTopic(conversation_id);
    if (!hub.Heard(agents) && !hub.Heard(customer)) continue;
    DeskEvent event;
    YZ_ASSIGN_OR_RETURN(*event.mutable_line(), OpenLine(payload, record.time_us(), core.keyring()));
    Publish(hub, agents, event);
    if (!event.line().internal()) Publish(hub, customer, event);
  }
  for (const auto& id : changes.receptions) YZ_RETURN_IF_ERROR(PublishReception(core, rows, hub, id, changes));
  for (const auto& id : changes.agents) YZ_RETURN_IF_ERROR(PublishAgent(rows, hub, id));
  for (const auto& id : changes.groups) YZ_RETURN_IF_ERROR(PublishGroup(rows, hub, id));
  return absl::OkStatus();
}

}  // namespace

std::string AgentsTopic(std::string_view id) { return absl::StrCat("reception:", std::string(id), ":agents"); }
std::string CustomerTopic(std::string_view id) { return absl::StrCat("reception:", std::string(id), ":customer"); }
std::string GroupTopic(std::string_view id) { return absl::StrCat("group:", std::string(id)); }
std::string AgentTopic(std::string_view id) { return absl::StrCat("agent:", std::string(id)); }

void PublishTyping(rpc::Hub* hub, std::string_view topic, const std::string& conversation_id, const std::string& principal_id, bool active,
                   const std::string& preview) {
  if (hub == nullptr) return;
  DeskEvent event;
  event.mutable_typing()->set_conversation_id(conversation_id);
  event.mutable_typing()->set_principal_id(principal_id);
  event.mutable_typing()->set_active(active);
  event.mutable_typing()->set_preview(preview);
  Publish(*hub, std::string(topic), event);
}

absl::StatusOr<std::vector<std::string>> TopicsOf(const Rows& rows, const rpc::Principal& principal) {
  std::vector<std::string> topics;
  if (principal.kind() == rpc::Principal::KIND_VISITOR) {
    YZ_ASSIGN_OR_RETURN(CustomerRow customer, rows.CustomerOf(principal.id()));
    if (!customer.conversation_id.empty()) topics.push_back(CustomerTopic(customer.conversation_id));
    return topics;
  }
  const auto has = [&](int role) { return std::find(principal.roles().begin(), principal.roles().end(), role) != principal.roles().end(); };
  const bool supervisor = has(common::v1::ROLE_SUPERVISOR);
  if (!supervisor && !has(common::v1::ROLE_AGENT)) return topics;
  topics.push_back(AgentTopic(principal.id()));
  YZ_ASSIGN_OR_RETURN(auto groups, rows.Groups());
  for (const auto& group : groups) {
    if (supervisor || Serves(group, principal.id())) topics.push_back(GroupTopic(group.group_id()));
  }
  YZ_ASSIGN_OR_RETURN(auto mine, rows.Mine(principal.id()));
  for (const auto& id : mine) topics.push_back(AgentsTopic(id));
  return topics;
}

absl::StatusOr<QueueState> QueueStateOf(const Rows& rows, const ServiceGroup& group) {
  QueueState state;
  state.set_group_id(group.group_id());
  YZ_ASSIGN_OR_RETURN(auto queue, rows.Queue(group.group_id(), SIZE_MAX));
  state.set_waiting(static_cast<uint32_t>(queue.size()));
  if (!queue.empty()) state.set_oldest_us(queue[0].since_us);
  for (const auto& id : group.agent_ids()) {
    YZ_ASSIGN_OR_RETURN(Agent agent, rows.AgentOf(id));
    if (agent.state() == Agent::STATE_ONLINE) state.set_agents_online(state.agents_online() + 1);
  }
  return state;
}

void PublishRecords(const Core& core, rpc::Hub& hub, absl::Span<const ledger::Record> records) {
  const absl::Status status = core.Read([&](const Rows& rows) { return PublishAll(core, rows, hub, records); });
  if (!status.ok()) log::Error("desk", "events could not be told").With("error", status.ToString());
}

}  // namespace yizhan::desk
