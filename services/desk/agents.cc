#include "desk/agents.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/ids.h"
#include "base/rpc/hub.h"
#include "base/status.h"
#include "desk/attendance.h"
#include "desk/events.h"
#include "desk/origins.h"
#include "desk/routing.h"

namespace yizhan::desk {
namespace {

using namespace yizhan::desk::v1;  // NOLINT: the contract's nouns are this file's

constexpr size_t kMaxText = 10'000;
constexpr uint32_t kMaxCapacity = 50;
constexpr size_t kWaitingShown = 200;

absl::Status Unseen(const std::string& id) {
  return Refused(absl::StatusCode::kNotFound, "NO_SUCH_RECEPTION", absl::StrCat("there is no reception ", id, ", or it is not yours to see"));
}

// The reception, when `asker` has it (a supervisor acts for anybody). Says who has it otherwise.
absl::StatusOr<Reception> Held(const Rows& rows, const Asker& asker, const std::string& conversation_id) {
  YZ_ASSIGN_OR_RETURN(Reception reception, rows.ReceptionOf(conversation_id));
  YZ_RETURN_IF_ERROR(MaySee(rows, asker, reception));
  if (reception.owner() == OWNER_NONE) return Refused(absl::StatusCode::kFailedPrecondition, "CLOSED", "this reception is closed");
  if (reception.owner() == OWNER_AGENT && (reception.agent_id() == asker.id || asker.supervisor)) return reception;
  if (reception.owner() == OWNER_QUEUE && asker.supervisor) return reception;
  return Refused(absl::StatusCode::kPermissionDenied, "NOT_YOURS",
                 reception.owner() == OWNER_QUEUE ? "this reception waits in the queue; accept it first" : "another agent has this reception");
}

// A line of an agent on the draft.
absl::StatusOr<uint64_t> AddLine(Draft& draft, const std::string& conversation_id, const std::string& agent_id, const std::string& client_id,
                                 bool internal, const common::v1::Sealed& sealed) {
  YZ_ASSIGN_OR_RETURN(Reception reception, draft.rows().ReceptionOf(conversation_id));
  DeskRecord record;
  auto* line = record.mutable_line();
  line->set_conversation_id(conversation_id);
  line->set_seq(reception.last_seq() + 1);
  line->set_line_id(draft.NextLineId());
  line->set_client_id(client_id);
  line->set_author(Line::AUTHOR_AGENT);
  line->set_author_id(agent_id);
  line->set_internal(internal);
  *line->mutable_text() = sealed;
  YZ_RETURN_IF_ERROR(draft.Add(record));
  return line->seq();
}

absl::StatusOr<Agent> AgentWithGroups(const Rows& rows, const std::string& id) {
  YZ_ASSIGN_OR_RETURN(Agent agent, rows.AgentOf(id));
  YZ_ASSIGN_OR_RETURN(auto groups, rows.Groups());
  for (const auto& group : groups) {
    if (Serves(group, id)) agent.add_group_ids(group.group_id());
  }
  return agent;
}

absl::StatusOr<std::vector<ServiceGroup>> GroupsOf(const Rows& rows, const Asker& asker) {
  YZ_ASSIGN_OR_RETURN(auto groups, rows.Groups());
  if (!asker.supervisor) {
    groups.erase(std::remove_if(groups.begin(), groups.end(), [&](const ServiceGroup& g) { return !Serves(g, asker.id); }), groups.end());
  }
  return groups;
}

absl::StatusOr<std::string> DecideAccept(Draft& draft, const std::string& agent_id, const std::string& wanted) {
  std::string conversation_id = wanted;
  YZ_ASSIGN_OR_RETURN(Agent agent, draft.rows().AgentOf(agent_id));
  if (agent.state() == Agent::STATE_OFFLINE) {
    return Refused(absl::StatusCode::kFailedPrecondition, "OFFLINE", "you are offline; go online to take receptions");
  }
  if (agent.load() >= agent.capacity()) {
    return Refused(absl::StatusCode::kFailedPrecondition, "CAPACITY_REACHED",
                   absl::StrCat("you have ", agent.load(), " of at most ", agent.capacity(), " receptions; close one, or raise your capacity"));
  }
  YZ_ASSIGN_OR_RETURN(auto groups, GroupsOf(draft.rows(), {agent_id, false}));
  if (conversation_id.empty()) {
    int64_t since = 0;
    for (const auto& group : groups) {
      YZ_ASSIGN_OR_RETURN(auto queue, draft.rows().Queue(group.group_id(), 1));
      if (!queue.empty() && (conversation_id.empty() || queue[0].since_us < since)) {
        conversation_id = queue[0].conversation_id;
        since = queue[0].since_us;
      }
    }
    if (conversation_id.empty()) return Refused(absl::StatusCode::kNotFound, "NOBODY_WAITS", "nobody waits in your groups");
  }
  YZ_ASSIGN_OR_RETURN(Reception reception, draft.rows().ReceptionOf(conversation_id));
  const bool mine = std::any_of(groups.begin(), groups.end(), [&](const ServiceGroup& g) { return g.group_id() == reception.group_id(); });
  if (!mine) return Unseen(conversation_id);
  if (reception.owner() != OWNER_QUEUE) {
    return Refused(absl::StatusCode::kAborted, "ALREADY_TAKEN", "a colleague has taken this reception already, or it is closed");
  }
  YZ_RETURN_IF_ERROR(Assign(draft, conversation_id, agent_id, agent_id));
  return conversation_id;
}

}  // namespace

Asker AskerOf(const rpc::Context& context) { return {context.caller.id(), context.HasRole(common::v1::ROLE_SUPERVISOR)}; }

absl::Status MaySee(const Rows& rows, const Asker& asker, const Reception& reception) {
  if (asker.supervisor || reception.agent_id() == asker.id) return absl::OkStatus();
  if (reception.owner() == OWNER_QUEUE) {
    YZ_ASSIGN_OR_RETURN(ServiceGroup group, rows.Group(reception.group_id()));
    if (Serves(group, asker.id)) return absl::OkStatus();
  }
  YZ_ASSIGN_OR_RETURN(bool had, rows.Had(asker.id, reception.conversation_id()));
  return had ? absl::OkStatus() : Unseen(reception.conversation_id());
}

template <typename Response>
void Agents::Change(const rpc::Context& context, const std::string& request_id, Core::Decide decide, rpc::Reply<Response> reply) {
  auto shared = std::make_shared<rpc::Reply<Response>>(std::move(reply));
  core_->Submit(context.Actor(), request_id, std::move(decide), [this, shared](absl::StatusOr<std::string> conversation_id) {
    if (!conversation_id.ok()) return shared->Error(conversation_id.status());
    shared->Finish(core_->Read([&](const Rows& rows) -> absl::StatusOr<Response> {
      YZ_ASSIGN_OR_RETURN(Reception reception, rows.ReceptionOf(*conversation_id));
      Response response;
      YZ_ASSIGN_OR_RETURN(*response.mutable_reception(), rows.Whole(std::move(reception), true, core_->keyring()));
      return response;
    }));
  });
}

absl::StatusOr<GetWorkbenchResponse> Agents::Workbench(const rpc::Context& context) const {
  const Asker asker = AskerOf(context);
  return core_->Read([&](const Rows& rows) -> absl::StatusOr<GetWorkbenchResponse> {
    GetWorkbenchResponse response;
    YZ_ASSIGN_OR_RETURN(*response.mutable_me(), AgentWithGroups(rows, asker.id));
    YZ_ASSIGN_OR_RETURN(auto groups, GroupsOf(rows, asker));
    std::vector<std::string> colleagues;
    for (const auto& group : groups) {
      YZ_ASSIGN_OR_RETURN(*response.add_queues(), QueueStateOf(rows, group));
      YZ_ASSIGN_OR_RETURN(auto queue, rows.Queue(group.group_id(), kWaitingShown));
      for (const auto& waiting : queue) {
        if (static_cast<size_t>(response.waiting_size()) == kWaitingShown) break;
        YZ_ASSIGN_OR_RETURN(Reception reception, rows.ReceptionOf(waiting.conversation_id));
        YZ_ASSIGN_OR_RETURN(*response.add_waiting(), rows.Whole(std::move(reception), true, core_->keyring()));
      }
      for (const auto& id : group.agent_ids()) {
        if (std::find(colleagues.begin(), colleagues.end(), id) == colleagues.end()) colleagues.push_back(id);
      }
      *response.add_groups() = group;
    }
    for (const auto& id : colleagues) {
      YZ_ASSIGN_OR_RETURN(*response.add_colleagues(), AgentWithGroups(rows, id));
    }
    YZ_ASSIGN_OR_RETURN(auto mine, rows.Mine(asker.id));
    for (const auto& id : mine) {
      YZ_ASSIGN_OR_RETURN(Reception reception, rows.ReceptionOf(id));
      YZ_ASSIGN_OR_RETURN(*response.add_mine(), rows.Whole(std::move(reception), true, core_->keyring()));
    }
    // Those who wait longest for an answer first; the answered ones behind them.
    std::stable_sort(response.mutable_mine()->begin(), response.mutable_mine()->end(), [](const Reception& a, const Reception& b) {
      const auto rank = [](const Reception& r) { return r.unanswered_since_us() == 0 ? INT64_MAX : r.unanswered_since_us(); };
      return rank(a) < rank(b);
    });
    const absl::CivilDay today = absl::ToCivilDay(absl::Now(), absl::LocalTimeZone());
    const int64_t midnight_us = absl::ToUnixMicros(absl::FromCivil(today, absl::LocalTimeZone()));
    YZ_RETURN_IF_ERROR(rows.state().Scan(DonePrefix(asker.id), "", [&](std::string_view key, std::string_view) {
      if (ClosedAt(key) < midnight_us) return false;
      response.set_closed_today(response.closed_today() + 1);
      return true;
    }));
    YZ_ASSIGN_OR_RETURN(auto channels, rows.Channels());
    for (auto& channel : channels) *response.add_channels() = std::move(channel);
    return response;
  });
}

absl::StatusOr<ListReceptionsResponse> Agents::ListReceptions(const rpc::Context& context, const ListReceptionsRequest& request) const {
  const Asker asker = AskerOf(context);
  const size_t page = request.page_size() == 0 ? 50 : std::min(request.page_size(), 200u);
  size_t from = 0;
  if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &from)) {
    return Refused(absl::StatusCode::kInvalidArgument, "BAD_PAGE_TOKEN", "this page token was not made here; begin again without one");
  }
  return core_->Read([&](const Rows& rows) -> absl::StatusOr<ListReceptionsResponse> {
    std::vector<std::string> ids;
    const auto collect = [&](const std::string& prefix) {
      return rows.state().Scan(prefix, "", [&](std::string_view key, std::string_view) {
        ids.emplace_back(TrailingConversation(key));
        return ids.size() <= from + page + 1;
      });
    };
    if (request.filter() == ListReceptionsRequest::FILTER_DONE) {
      YZ_RETURN_IF_ERROR(collect(DonePrefix(asker.id)));
    } else if (request.filter() == ListReceptionsRequest::FILTER_CUSTOMER) {
      YZ_RETURN_IF_ERROR(rows.CustomerOf(request.customer_id()).status());
      YZ_RETURN_IF_ERROR(collect(HistoryPrefix(request.customer_id())));
    } else if (request.filter() == ListReceptionsRequest::FILTER_WAITING) {
      YZ_ASSIGN_OR_RETURN(auto groups, GroupsOf(rows, asker));
      std::vector<Rows::Waiting> all;
      for (const auto& group : groups) {
        YZ_ASSIGN_OR_RETURN(auto queue, rows.Queue(group.group_id(), from + page + 1));
        all.insert(all.end(), queue.begin(), queue.end());
      }
      std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.since_us < b.since_us; });
      for (auto& waiting : all) ids.push_back(std::move(waiting.conversation_id));
    } else {
      YZ_ASSIGN_OR_RETURN(ids, rows.Mine(asker.id));
    }
    // A customer's history is shown to whoever serves one of their receptions now; else only what the asker may see by themselves.
    bool serves_customer = asker.supervisor;
    if (request.filter() == ListReceptionsRequest::FILTER_CUSTOMER && !serves_customer) {
      YZ_ASSIGN_OR_RETURN(CustomerRow customer, rows.CustomerOf(request.customer_id()));
      if (!customer.conversation_id.empty()) {
        YZ_ASSIGN_OR_RETURN(Reception current, rows.ReceptionOf(customer.conversation_id));
        serves_customer = MaySee(rows, asker, current).ok();
      }
    }
    ListReceptionsResponse response;
    for (size_t i = from; i < ids.size() && static_cast<size_t>(response.receptions_size()) < page; ++i) {
      YZ_ASSIGN_OR_RETURN(Reception reception, rows.ReceptionOf(ids[i]));
      if (!serves_customer && !MaySee(rows, asker, reception).ok()) continue;
      YZ_ASSIGN_OR_RETURN(*response.add_receptions(), rows.Whole(std::move(reception), true, core_->keyring()));
    }
    if (ids.size() > from + page) response.set_next_page_token(absl::StrCat(from + page));
    return response;
  });
}

absl::StatusOr<ListReceptionLinesResponse> Agents::ListLines(const rpc::Context& context, const ListReceptionLinesRequest& request) const {
  const Asker asker = AskerOf(context);
  return core_->Read([&](const Rows& rows) -> absl::StatusOr<ListReceptionLinesResponse> {
    YZ_ASSIGN_OR_RETURN(Reception reception, rows.ReceptionOf(request.conversation_id()));
    if (!MaySee(rows, asker, reception).ok()) {
      // The customer's earlier receptions are open to who serves them now.
      YZ_ASSIGN_OR_RETURN(CustomerRow customer, rows.CustomerOf(reception.customer_id()));
      YZ_ASSIGN_OR_RETURN(Reception current, rows.ReceptionOf(customer.conversation_id));
      if (current.agent_id() != asker.id || current.owner() != OWNER_AGENT) return Unseen(request.conversation_id());
    }
    ListReceptionLinesResponse response;
    const size_t page = request.page_size() == 0 ? 200 : std::min(request.page_size(), 500u);
    bool more = false;
    YZ_ASSIGN_OR_RETURN(auto lines, rows.Lines(request.conversation_id(), request.after_seq(), page, true, core_->keyring(), &more));
    for (Line& line : lines) *response.add_lines() = std::move(line);
    response.set_more(more);
    YZ_ASSIGN_OR_RETURN(*response.mutable_reception(), rows.Whole(std::move(reception), true, core_->keyring()));
    return response;
  });
}

void Agents::SetState(const rpc::Context& context, const SetStateRequest& request, rpc::Reply<SetStateResponse> reply) {
  if (request.state() == Agent::STATE_UNSPECIFIED || !Agent::State_IsValid(request.state()) || request.capacity() > kMaxCapacity) {
    return reply.Error(Refused(absl::StatusCode::kInvalidArgument, "BAD_STATE", "state must be online, paused or offline, and capacity 1 to 50 (0 leaves it)"));
  }
  auto shared = std::make_shared<rpc::Reply<SetStateResponse>>(std::move(reply));
  const std::string id = context.caller.id();
  core_->Submit(
      context.Actor(), request.request_id(),
      [request, id](Draft& draft) -> absl::StatusOr<std::string> {
        YZ_RETURN_IF_ERROR(SetAgentState(draft, id, request.state(), request.capacity()));
        return id;
      },
      [this, shared](absl::StatusOr<std::string> id) {
        if (!id.ok()) return shared->Error(id.status());
        shared->Finish(core_->Read([&](const Rows& rows) -> absl::StatusOr<SetStateResponse> {
          SetStateResponse response;
          YZ_ASSIGN_OR_RETURN(*response.mutable_me(), AgentWithGroups(rows, *id));
          return response;
        }));
      });
}

void Agents::SendReply(const rpc::Context& context, const SendReplyRequest& request, rpc::Reply<SendReplyResponse> reply) {
  absl::Status checked = CheckText(request.text(), kMaxText);
  if (checked.ok()) checked = CheckClientId(request.client_id());
  auto reception = checked.ok() ? core_->Read([&](const Rows& rows) { return rows.ReceptionOf(request.conversation_id()); }) : absl::StatusOr<Reception>(checked);
  if (!reception.ok()) return reply.Error(reception.status());
  const Asker asker = AskerOf(context);
  const std::string actor = context.Actor();
  auto shared = std::make_shared<rpc::Reply<SendReplyResponse>>(std::move(reply));
  core_->Seal(reception->customer_id(), request.text(), [this, shared, request, asker, actor](absl::StatusOr<common::v1::Sealed> sealed) {
    if (!sealed.ok()) return shared->Error(sealed.status());
    core_->Submit(
        actor, "reply:" + request.conversation_id() + ":" + request.client_id(),
        [request, asker, sealed = *std::move(sealed)](Draft& draft) -> absl::StatusOr<std::string> {
          YZ_ASSIGN_OR_RETURN(Reception reception, draft.rows().ReceptionOf(request.conversation_id()));
          if (request.internal()) {
            // Notes are open to the group's agents, whoever has the reception.
            YZ_ASSIGN_OR_RETURN(ServiceGroup group, draft.rows().Group(reception.group_id()));
            if (!Serves(group, asker.id)) YZ_RETURN_IF_ERROR(MaySee(draft.rows(), asker, reception));
          } else {
            YZ_ASSIGN_OR_RETURN(reception, Held(draft.rows(), asker, request.conversation_id()));
          }
          Line result;
          result.set_conversation_id(request.conversation_id());
          YZ_ASSIGN_OR_RETURN(uint64_t seq, AddLine(draft, request.conversation_id(), asker.id, request.client_id(), request.internal(), sealed));
          result.set_seq(seq);
          return result.SerializeAsString();
        },
        [this, shared](absl::StatusOr<std::string> result) {
          if (!result.ok()) return shared->Error(result.status());
          Line at;
          if (!at.ParseFromString(*result)) return shared->Error(absl::InternalError("unreadable result"));
          shared->Finish(core_->Read([&](const Rows& rows) -> absl::StatusOr<SendReplyResponse> {
            SendReplyResponse response;
            YZ_ASSIGN_OR_RETURN(*response.mutable_line(), rows.LineAt(at.conversation_id(), at.seq(), core_->keyring()));
            return response;
          }));
        });
  });
}

void Agents::Transfer(const rpc::Context& context, const TransferRequest& request, rpc::Reply<TransferResponse> reply) {
  if (request.to_agent_id().empty() == request.to_group_id().empty()) {
    return reply.Error(Refused(absl::StatusCode::kInvalidArgument, "NO_TARGET", "name the agent or the group to transfer to, one of the two"));
  }
  if (!request.note().empty()) {
    if (absl::Status status = CheckText(request.note(), kMaxText); !status.ok()) return reply.Error(status);
  }
  auto reception = core_->Read([&](const Rows& rows) { return rows.ReceptionOf(request.conversation_id()); });
  if (!reception.ok()) return reply.Error(reception.status());
  const Asker asker = AskerOf(context);
  auto shared = std::make_shared<rpc::Reply<TransferResponse>>(std::move(reply));
  core_->Seal(reception->customer_id(), request.note(), [this, context, shared, request, asker](absl::StatusOr<common::v1::Sealed> sealed) {
    if (!sealed.ok()) return shared->Error(sealed.status());
    auto decide = [request, asker, sealed = *std::move(sealed)](Draft& draft) -> absl::StatusOr<std::string> {
      YZ_ASSIGN_OR_RETURN(Reception reception, Held(draft.rows(), asker, request.conversation_id()));
      if (!request.note().empty()) {
        YZ_RETURN_IF_ERROR(AddLine(draft, request.conversation_id(), asker.id, "note:" + request.request_id(), true, sealed).status());
      }
      if (!request.to_agent_id().empty()) {
        if (request.to_agent_id() == reception.agent_id()) {
          return Refused(absl::StatusCode::kInvalidArgument, "SAME_AGENT", "this agent has the reception already");
        }
        YZ_ASSIGN_OR_RETURN(Agent target, AgentWithGroups(draft.rows(), request.to_agent_id()));
        if (target.group_ids().empty() || !HasRoom(target)) {
          return Refused(absl::StatusCode::kFailedPrecondition, "AGENT_UNAVAILABLE", "this colleague is not online or has no room; choose another, or a group");
        }
        YZ_RETURN_IF_ERROR(Assign(draft, request.conversation_id(), request.to_agent_id(), asker.id));
      } else {
        YZ_RETURN_IF_ERROR(draft.rows().Group(request.to_group_id()).status());
        YZ_RETURN_IF_ERROR(Enqueue(draft, request.conversation_id(), request.to_group_id(), true, asker.id));
        // Not straight back to who just gave it away: only while nobody else is free does it wait.
        YZ_RETURN_IF_ERROR(RouteGroup(draft, request.to_group_id(), asker.id));
      }
      if (!reception.agent_id().empty()) YZ_RETURN_IF_ERROR(RouteForAgent(draft, reception.agent_id(), request.conversation_id()));
      return request.conversation_id();
    };
    Change<TransferResponse>(context, request.request_id(), std::move(decide), std::move(*shared));
  });
}

void Agents::PutGroup(const rpc::Context& context, const PutServiceGroupRequest& request, rpc::Reply<PutServiceGroupResponse> reply) {
  ServiceGroup group = request.group();
  if (absl::Status status = CheckText(group.name(), 100); !status.ok()) return reply.Error(Annotate(status, "group.name"));
  const bool fresh = group.group_id().empty();
  if (fresh) group.set_group_id(RandomId('s'));
  auto shared = std::make_shared<rpc::Reply<PutServiceGroupResponse>>(std::move(reply));
  core_->Submit(
      context.Actor(), request.request_id(),
      [group, fresh](Draft& draft) -> absl::StatusOr<std::string> {
        if (!fresh) YZ_RETURN_IF_ERROR(draft.rows().Group(group.group_id()).status());
        DeskRecord record;
        *record.mutable_group_put() = group;
        YZ_RETURN_IF_ERROR(draft.Add(record));
        YZ_RETURN_IF_ERROR(RouteGroup(draft, group.group_id()));
        return group.SerializeAsString();
      },
      [shared](absl::StatusOr<std::string> result) {
        if (!result.ok()) return shared->Error(result.status());
        PutServiceGroupResponse response;
        if (!response.mutable_group()->ParseFromString(*result)) return shared->Error(absl::InternalError("unreadable result"));
        shared->Ok(response);
      });
}

void Agents::PutChannel(const rpc::Context& context, const PutChannelRequest& request, rpc::Reply<PutChannelResponse> reply) {
  Channel channel = request.channel();
  if (absl::Status status = CheckText(channel.name(), 100); !status.ok()) return reply.Error(Annotate(status, "channel.name"));
  if (channel.allowed_origins_size() > 100 || channel.greeting().size() > 2'000) {
    return reply.Error(Refused(absl::StatusCode::kInvalidArgument, "TOO_LONG", "a channel has at most 100 origins and a greeting of 500 characters"));
  }
  for (const std::string& origin : channel.allowed_origins()) {
    if (absl::Status status = CheckOrigin(origin); !status.ok()) return reply.Error(Annotate(status, "channel.allowed_origins"));
  }
  const bool fresh = channel.channel_id().empty();
  if (fresh) channel.set_channel_id(RandomId('w'));
  auto shared = std::make_shared<rpc::Reply<PutChannelResponse>>(std::move(reply));
  core_->Submit(
      context.Actor(), request.request_id(),
      [channel, fresh](Draft& draft) -> absl::StatusOr<std::string> {
        if (!fresh) YZ_RETURN_IF_ERROR(draft.rows().ChannelOf(channel.channel_id()).status());
        YZ_RETURN_IF_ERROR(draft.rows().Group(channel.group_id()).status());
        DeskRecord record;
        *record.mutable_channel_put() = channel;
        YZ_RETURN_IF_ERROR(draft.Add(record));
        return channel.SerializeAsString();
      },
      [shared](absl::StatusOr<std::string> result) {
        if (!result.ok()) return shared->Error(result.status());
        PutChannelResponse response;
        if (!response.mutable_channel()->ParseFromString(*result)) return shared->Error(absl::InternalError("unreadable result"));
        shared->Ok(response);
      });
}

void Agents::Register(rpc::ServiceTable& table, rpc::Hub* const* hub) {
  const std::string service = "/yizhan.desk.v1.AgentService/";
  table.Unary<GetWorkbenchRequest, GetWorkbenchResponse>(service + "GetWorkbench", [this](const rpc::Context& context, const GetWorkbenchRequest&, auto reply) {
    reply.Finish(Workbench(context));
  });
  table.Unary<SetStateRequest, SetStateResponse>(service + "SetState", [this](const rpc::Context& context, const SetStateRequest& request, auto reply) {
    SetState(context, request, std::move(reply));
  });
  table.Unary<ListReceptionsRequest, ListReceptionsResponse>(service + "ListReceptions", [this](const rpc::Context& context, const ListReceptionsRequest& request, auto reply) {
    reply.Finish(ListReceptions(context, request));
  });
  table.Unary<AcceptRequest, AcceptResponse>(service + "Accept", [this](const rpc::Context& context, const AcceptRequest& request, rpc::Reply<AcceptResponse> reply) {
    Change<AcceptResponse>(context, request.request_id(),
                           [request, id = context.caller.id()](Draft& draft) { return DecideAccept(draft, id, request.conversation_id()); }, std::move(reply));
  });
  table.Unary<ListReceptionLinesRequest, ListReceptionLinesResponse>(
      service + "ListReceptionLines", [this](const rpc::Context& context, const ListReceptionLinesRequest& request, auto reply) { reply.Finish(ListLines(context, request)); });
  table.Unary<SendReplyRequest, SendReplyResponse>(service + "SendReply", [this](const rpc::Context& context, const SendReplyRequest& request, auto reply) {
    SendReply(context, request, std::move(reply));
  });
  table.Unary<TransferRequest, TransferResponse>(service + "Transfer", [this](const rpc::Context& context, const TransferRequest& request, auto reply) {
    Transfer(context, request, std::move(reply));
  });
  table.Unary<CloseRequest, CloseResponse>(service + "Close", [this](const rpc::Context& context, const CloseRequest& request, rpc::Reply<CloseResponse> reply) {
    auto decide = [request, asker = AskerOf(context)](Draft& draft) -> absl::StatusOr<std::string> {
      YZ_ASSIGN_OR_RETURN(Reception reception, Held(draft.rows(), asker, request.conversation_id()));
      YZ_RETURN_IF_ERROR(CloseReception(draft, request.conversation_id(), asker.id));
      if (!reception.agent_id().empty()) YZ_RETURN_IF_ERROR(RouteForAgent(draft, reception.agent_id()));
      return request.conversation_id();
    };
    Change<CloseResponse>(context, request.request_id(), std::move(decide), std::move(reply));
  });
  table.Unary<AgentSetTypingRequest, AgentSetTypingResponse>(
      service + "SetTyping", [this, hub](const rpc::Context& context, const AgentSetTypingRequest& request, auto reply) {
        auto reception = core_->Read([&](const Rows& rows) { return Held(rows, AskerOf(context), request.conversation_id()); });
        if (!reception.ok()) return reply.Error(reception.status());
        PublishTyping(*hub, CustomerTopic(request.conversation_id()), request.conversation_id(), context.caller.id(), request.active(), "");
        reply.Ok({});
      });
  table.Unary<PutServiceGroupRequest, PutServiceGroupResponse>(service + "PutServiceGroup", [this](const rpc::Context& context, const PutServiceGroupRequest& request, auto reply) {
    PutGroup(context, request, std::move(reply));
  });
  table.Unary<PutChannelRequest, PutChannelResponse>(service + "PutChannel", [this](const rpc::Context& context, const PutChannelRequest& request, auto reply) {
    PutChannel(context, request, std::move(reply));
  });
}

}  // namespace yizhan::desk
