// Proto ⇄ logic, for every method of messaging. Access rules, deadlines, log lines: base/rpc/service.h.
#include <memory>
#include <utility>

#include "base/status.h"
#include "im/parts.h"

namespace yizhan::im {
namespace {

using rpc::Context;
using rpc::Reply;

// The way back for what is answered with bytes.
template <typename Response>
Answer ToAnswer(Reply<Response> reply) {
  return [reply = std::move(reply)](absl::StatusOr<std::string> result) mutable {
    if (result.ok()) {
      reply.OkBytes(*std::move(result));
    } else {
      reply.Error(result.status());
    }
  };
}

// A method that reads: answered at once.
template <typename Request, typename Response, typename Logic>
void Reads(rpc::ServiceTable& table, std::string method, Logic logic) {
  table.Unary<Request, Response>(
      std::move(method), [logic = std::move(logic)](const Context& context, const Request& request, Reply<Response> reply) {
        auto caller = CallerOf(context.caller);
        if (!caller.ok()) return reply.Error(caller.status());
        reply.Finish(logic(*caller, request, context));
      });
}

// A method that records: answered when it is durable.
template <typename Request, typename Response, typename Logic>
void Records(rpc::ServiceTable& table, std::string method, Logic logic) {
  table.Unary<Request, Response>(
      std::move(method), [logic = std::move(logic)](const Context& context, const Request& request, Reply<Response> reply) {
        auto caller = CallerOf(context.caller);
        if (!caller.ok()) return reply.Error(caller.status());
        logic(*caller, request, ToAnswer(std::move(reply)));
      });
}

void RegisterMessages(Parts& parts, rpc::ServiceTable& table) {
  Records<v1::SendMessageRequest, v1::SendMessageResponse>(
      table, "/yizhan.im.v1.MessageService/SendMessage",
      [&](const Caller& caller, const auto& request, Answer answer) {
        parts.messages.Send(caller, request, std::move(answer));
      });
  Reads<v1::ListMessagesRequest, v1::ListMessagesResponse>(
      table, "/yizhan.im.v1.MessageService/ListMessages",
      [&](const Caller& caller, const auto& request, const Context&) { return parts.messages.List(caller, request); });
  Reads<v1::ListArchiveRequest, v1::ListArchiveResponse>(
      table, "/yizhan.im.v1.MessageService/ListArchive",
      [&](const Caller& caller, const auto& request, const Context&) { return parts.archive.List(caller, request); });
  Records<v1::MoveCursorRequest, v1::MoveCursorResponse>(
      table, "/yizhan.im.v1.MessageService/MoveCursor",
      [&](const Caller& caller, const auto& request, Answer answer) {
        parts.cursors.Move(caller, request, std::move(answer));
      });
  Reads<v1::SetTypingRequest, v1::SetTypingResponse>(
      table, "/yizhan.im.v1.MessageService/SetTyping",
      [&](const Caller& caller, const auto& request, const Context&) -> absl::StatusOr<v1::SetTypingResponse> {
        YZ_RETURN_IF_ERROR(parts.typing.Set(caller, request));
        return v1::SetTypingResponse();
      });
}

void RegisterConversations(Parts& parts, rpc::ServiceTable& table) {
  Records<v1::CreateGroupRequest, v1::CreateGroupResponse>(
      table, "/yizhan.im.v1.ConversationService/CreateGroup",
      [&](const Caller& caller, const auto& request, Answer answer) {
        parts.conversations.CreateGroup(caller, request, std::move(answer));
      });
  Reads<v1::GetConversationRequest, v1::GetConversationResponse>(
      table, "/yizhan.im.v1.ConversationService/GetConversation",
      [&](const Caller& caller, const auto& request, const Context&) { return parts.conversations.Get(caller, request); });
  Reads<v1::SyncRequest, v1::SyncResponse>(
      table, "/yizhan.im.v1.ConversationService/Sync",
      [&](const Caller& caller, const auto& request, const Context&) { return parts.sync.Run(caller, request); });
  Reads<v1::ListMembersRequest, v1::ListMembersResponse>(
      table, "/yizhan.im.v1.ConversationService/ListMembers",
      [&](const Caller& caller, const auto& request, const Context&) {
        return parts.conversations.ListMembers(caller, request);
      });
  Records<v1::AddMembersRequest, v1::AddMembersResponse>(
      table, "/yizhan.im.v1.ConversationService/AddMembers",
      [&](const Caller& caller, const auto& request, Answer answer) {
        parts.conversations.AddMembers(caller, request, std::move(answer));
      });
  Records<v1::RemoveMemberRequest, v1::RemoveMemberResponse>(
      table, "/yizhan.im.v1.ConversationService/RemoveMember",
      [&](const Caller& caller, const auto& request, Answer answer) {
        parts.conversations.RemoveMember(caller, request, std::move(answer));
      });
  Records<v1::RenameGroupRequest, v1::RenameGroupResponse>(
      table, "/yizhan.im.v1.ConversationService/RenameGroup",
      [&](const Caller& caller, const auto& request, Answer answer) {
        parts.conversations.RenameGroup(caller, request, std::move(answer));
      });
  Reads<v1::GetPresenceRequest, v1::GetPresenceResponse>(
      table, "/yizhan.im.v1.ConversationService/GetPresence",
      [&](const Caller&, const auto& request, const Context&) { return parts.presence.Get(request); });
  Reads<v1::SetPresenceRequest, v1::SetPresenceResponse>(
      table, "/yizhan.im.v1.ConversationService/SetPresence",
      [&](const Caller&, const auto& request, const Context& context) {
        return parts.presence.Set({context.edge_id, context.link_session}, request);
      });
  Reads<v1::WatchPresenceRequest, v1::WatchPresenceResponse>(
      table, "/yizhan.im.v1.ConversationService/WatchPresence",
      [&](const Caller&, const auto& request, const Context& context) {
        return parts.presence.Watch({context.edge_id, context.link_session}, request);
      });
}

}  // namespace

absl::StatusOr<Caller> CallerOf(const rpc::Principal& principal) {
  auto number = PersonNo::Parse(principal.id());
  if (principal.kind() != rpc::Principal::KIND_PERSON || !number) {
    return Refuse(absl::StatusCode::kPermissionDenied, "NOT_A_PERSON",
                  "messaging is for the people of the directory; log in as one of them");
  }
  return Caller{*number, principal.id()};
}

void RegisterMethods(Parts& parts, rpc::ServiceTable& table) {
  RegisterMessages(parts, table);
  RegisterConversations(parts, table);
}

}  // namespace yizhan::im
