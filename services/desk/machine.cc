#include "desk/machine.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "desk/rows.h"

namespace yizhan::desk {
namespace {

using yizhan::desk::v1::DeskRecord;

// A reception's row without what is computed when it is shown.
void PutReception(const Reception& reception, ledger::StateWriter& state) {
  state.Put(ReceptionKey(reception.conversation_id()), reception.SerializeAsString());
}

void PutAgent(const Agent& agent, ledger::StateWriter& state) { state.Put(AgentKey(agent.agent_id()), agent.SerializeAsString()); }

// Takes a line's position and keeps the record as the line.
void PutLine(const DeskRecord& record, uint64_t seq, int64_t time_us, Reception& reception, ledger::StateWriter& state) {
  std::string row;
  AppendU64(row, static_cast<uint64_t>(time_us));
  record.AppendToString(&row);
  state.Put(LineKey(reception.conversation_id(), seq), row);
  reception.set_last_seq(seq);
}

// Takes the reception from its agent or out of its queue.
absl::Status Detach(Reception& reception, ledger::StateWriter& state) {
  if (reception.owner() == desk::v1::OWNER_AGENT) {
    state.Delete(MineKey(reception.agent_id(), reception.conversation_id()));
    YZ_ASSIGN_OR_RETURN(Agent agent, Rows(&state).AgentOf(reception.agent_id()));
    if (agent.load() > 0) agent.set_load(agent.load() - 1);
    PutAgent(agent, state);
    reception.clear_agent_id();
  } else if (reception.owner() == desk::v1::OWNER_QUEUE) {
    YZ_ASSIGN_OR_RETURN(auto queue, Rows(&state).Queue(reception.group_id(), SIZE_MAX));
    for (const auto& waiting : queue) {
      if (waiting.conversation_id == reception.conversation_id()) state.Delete(waiting.key);
    }
  }
  return absl::OkStatus();
}

absl::Status ApplyStarted(const DeskRecord& record, int64_t time_us, ledger::StateWriter& state) {
  const auto& started = record.started();
  Reception reception;
  reception.set_conversation_id(started.conversation_id());
  reception.set_customer_id(started.customer_id());
  reception.set_channel_id(started.channel_id());
  reception.set_created_at_us(time_us);
  reception.set_page_url(started.page_url());
  PutLine(record, started.seq(), time_us, reception, state);
  PutReception(reception, state);
  YZ_ASSIGN_OR_RETURN(CustomerRow customer, Rows(&state).CustomerOf(started.customer_id()));
  customer.conversation_id = started.conversation_id();
  state.Put(CustomerKey(started.customer_id()), customer.Encode());
  state.Put(HistoryKey(started.customer_id(), time_us, started.conversation_id()), "");
  return absl::OkStatus();
}

absl::Status ApplyLine(const DeskRecord& record, int64_t time_us, ledger::StateWriter& state) {
  const auto& line = record.line();
  YZ_ASSIGN_OR_RETURN(Reception reception, Rows(&state).ReceptionOf(line.conversation_id()));
  PutLine(record, line.seq(), time_us, reception, state);
  if (line.author() == Line::AUTHOR_CUSTOMER && reception.unanswered_since_us() == 0) reception.set_unanswered_since_us(time_us);
  if (line.author() == Line::AUTHOR_AGENT && !line.internal()) reception.clear_unanswered_since_us();
  PutReception(reception, state);
  return absl::OkStatus();
}

absl::Status ApplyQueued(const DeskRecord& record, int64_t time_us, uint64_t seq, ledger::StateWriter& state) {
  const auto& queued = record.queued();
  YZ_ASSIGN_OR_RETURN(Reception reception, Rows(&state).ReceptionOf(queued.conversation_id()));
  YZ_RETURN_IF_ERROR(Detach(reception, state));
  PutLine(record, queued.seq(), time_us, reception, state);
  // At the head: it waits since the moment it first waited.
  const int64_t since = queued.at_head() && reception.queued_at_us() != 0 ? reception.queued_at_us() : time_us;
  if (reception.queued_at_us() == 0) reception.set_queued_at_us(time_us);
  reception.set_group_id(queued.group_id());
  reception.set_owner(desk::v1::OWNER_QUEUE);
  state.Put(QueueKey(queued.group_id(), since, seq), reception.conversation_id());
  PutReception(reception, state);
  return absl::OkStatus();
}

absl::Status ApplyAssigned(const DeskRecord& record, int64_t time_us, ledger::StateWriter& state) {
  const auto& assigned = record.assigned();
  YZ_ASSIGN_OR_RETURN(Reception reception, Rows(&state).ReceptionOf(assigned.conversation_id()));
  YZ_RETURN_IF_ERROR(Detach(reception, state));
  PutLine(record, assigned.seq(), time_us, reception, state);
  reception.set_owner(desk::v1::OWNER_AGENT);
  reception.set_agent_id(assigned.agent_id());
  reception.set_assigned_at_us(time_us);
  PutReception(reception, state);
  YZ_ASSIGN_OR_RETURN(Agent agent, Rows(&state).AgentOf(assigned.agent_id()));
  agent.set_load(agent.load() + 1);
  PutAgent(agent, state);
  state.Put(MineKey(assigned.agent_id(), assigned.conversation_id()), "");
  state.Put(HadKey(assigned.agent_id(), assigned.conversation_id()), "");
  return absl::OkStatus();
}

absl::Status ApplyClosed(const DeskRecord& record, int64_t time_us, ledger::StateWriter& state) {
  const auto& closed = record.closed();
  YZ_ASSIGN_OR_RETURN(Reception reception, Rows(&state).ReceptionOf(closed.conversation_id()));
  const std::string agent = reception.agent_id();
  YZ_RETURN_IF_ERROR(Detach(reception, state));
  PutLine(record, closed.seq(), time_us, reception, state);
  reception.set_owner(desk::v1::OWNER_NONE);
  reception.set_agent_id(agent);  // who had it last
  reception.set_closed_at_us(time_us);
  reception.clear_unanswered_since_us();
  PutReception(reception, state);
  if (!agent.empty()) state.Put(DoneKey(agent, time_us, closed.conversation_id()), "");
  return absl::OkStatus();
}

absl::Status ApplyRated(const DeskRecord& record, int64_t time_us, ledger::StateWriter& state) {
  YZ_ASSIGN_OR_RETURN(Reception reception, Rows(&state).ReceptionOf(record.rated().conversation_id()));
  PutLine(record, record.rated().seq(), time_us, reception, state);
  reception.set_rating(record.rated().rating());
  PutReception(reception, state);
  return absl::OkStatus();
}

absl::Status ApplyCustomer(const yizhan::desk::v1::CustomerPut& put, ledger::StateWriter& state) {
  CustomerRow row;
  auto known = Rows(&state).CustomerOf(put.customer().customer_id());
  if (known.ok()) {
    row = *std::move(known);
  } else if (!absl::IsNotFound(known.status())) {
    return known.status();
  }
  row.customer = put.customer();
  if (!put.channel_id().empty()) row.channel_id = put.channel_id();
  state.Put(CustomerKey(put.customer().customer_id()), row.Encode());
  if (!put.token_hash().empty()) state.Put(TokenKey(put.token_hash()), put.customer().customer_id());
  return absl::OkStatus();
}

absl::Status ApplyAgent(const yizhan::desk::v1::AgentChanged& changed, ledger::StateWriter& state) {
  YZ_ASSIGN_OR_RETURN(Agent agent, Rows(&state).AgentOf(changed.agent_id()));
  agent.set_state(changed.state());
  agent.set_capacity(changed.capacity());
  PutAgent(agent, state);
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyPayload(const DeskRecord& payload, int64_t time_us, uint64_t seq, ledger::StateWriter& state) {
  switch (payload.kind_case()) {
    case DeskRecord::kGroupPut:
      state.Put(GroupKey(payload.group_put().group_id()), payload.group_put().SerializeAsString());
      return absl::OkStatus();
    case DeskRecord::kChannelPut:
      state.Put(ChannelKey(payload.channel_put().channel_id()), payload.channel_put().SerializeAsString());
      return absl::OkStatus();
    case DeskRecord::kCustomerPut:
      return ApplyCustomer(payload.customer_put(), state);
    case DeskRecord::kLine:
      return ApplyLine(payload, time_us, state);
    case DeskRecord::kStarted:
      return ApplyStarted(payload, time_us, state);
    case DeskRecord::kQueued:
      return ApplyQueued(payload, time_us, seq, state);
    case DeskRecord::kAssigned:
      return ApplyAssigned(payload, time_us, state);
    case DeskRecord::kClosed:
      return ApplyClosed(payload, time_us, state);
    case DeskRecord::kRated:
      return ApplyRated(payload, time_us, state);
    case DeskRecord::kAgent:
      return ApplyAgent(payload.agent(), state);
    case DeskRecord::KIND_NOT_SET:
      break;
  }
  return absl::DataLossError("a desk record of a kind that this program does not know");
}

absl::Status DeskMachine::Apply(const ledger::Record& record, ledger::StateWriter& state) {
  DeskRecord payload;
  if (!payload.ParseFromString(record.payload())) return absl::DataLossError("unreadable payload");
  return ApplyPayload(payload, record.time_us(), record.seq(), state);
}

std::string TypeOf(const DeskRecord& payload) {
  const auto* field = payload.GetReflection()->GetOneofFieldDescriptor(payload, DeskRecord::descriptor()->oneof_decl(0));
  return absl::StrCat("desk.", field ? field->message_type()->name() : "Unknown");
}

}  // namespace yizhan::desk
