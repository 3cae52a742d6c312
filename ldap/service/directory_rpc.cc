// Proto ⇄ logic, for every method of the directory. Access rules, deadlines, log lines: base/rpc/service.h.
#include <string>
#include <utility>

#include "base/status.h"
#include "ldap/service/parts.h"
#include "ldap/service/service.h"
#include "yizhan/directory/v1/directory_service.pb.h"
#include "yizhan/directory/v1/session_service.pb.h"

namespace yizhan::directory {
namespace {

using rpc::Context;
using rpc::Reply;

constexpr char kSessions[] = "/yizhan.directory.v1.SessionService/";
constexpr char kDirectory[] = "/yizhan.directory.v1.DirectoryService/";

Caller CallerOf(const Context& context) { return {context.caller, context.Actor()}; }

// The client's address: what the edge has stamped on the request, else who is at the other end.
template <typename Request>
const std::string& AddressOf(const Context& context, const Request& request) {
  return request.remote_address().empty() ? context.remote_address : request.remote_address();
}

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
void Reads(rpc::ServiceTable& table, const char* service, const char* method, Logic logic) {
  table.Unary<Request, Response>(std::string(service) + method,
                                 [logic = std::move(logic)](const Context& context, const Request& request, Reply<Response> reply) {
                                   reply.Finish(logic(context, request));
                                 });
}

// A method that answers later.
template <typename Request, typename Response, typename Logic>
void Later(rpc::ServiceTable& table, const char* service, const char* method, Logic logic) {
  table.Unary<Request, Response>(std::string(service) + method,
                                 [logic = std::move(logic)](const Context& context, const Request& request, Reply<Response> reply) {
                                   logic(context, request, ToAnswer(std::move(reply)));
                                 });
}

absl::StatusOr<v1::WhoAmIResponse> WhoAmI(Parts& parts, const Context& context) {
  const auto entry = parts.core.roster().Find(context.caller.id());
  if (!entry) return absl::NotFoundError("the directory does not know you any more");
  v1::WhoAmIResponse response;
  *response.mutable_person() = entry->person;
  *response.mutable_principal() = context.caller;
  return response;
}

void RegisterSessions(Parts& parts, rpc::ServiceTable& table) {
  Later<v1::LogInRequest, v1::LogInResponse>(table, kSessions, "LogIn", [&](const Context& context, const auto& request, Answer answer) {
    parts.log_ins.LogIn(request, AddressOf(context, request), context.deadline, std::move(answer));
  });
  Later<v1::LogOutRequest, v1::LogOutResponse>(table, kSessions, "LogOut", [&](const Context& context, const auto&, Answer answer) {
    parts.sessions.LogOut(CallerOf(context), std::move(answer));
  });
  Later<v1::RecordLogInFailureRequest, v1::RecordLogInFailureResponse>(
      table, kSessions, "RecordLogInFailure", [&](const Context&, const auto& request, Answer answer) {
        v1::LogInFailed failed;
        failed.set_login(request.login());
        failed.set_remote_address(request.remote_address());
        failed.set_count(std::max(request.count(), 1u));
        parts.log_ins.RecordFailure(failed, std::move(answer));
      });
  Later<v1::RecordSessionUseRequest, v1::RecordSessionUseResponse>(
      table, kSessions, "RecordSessionUse", [&](const Context&, const auto& request, Answer answer) {
        parts.sessions.RecordUse(request.session_id(), absl::FromUnixMicros(request.used_at_us()), std::move(answer));
      });
  Reads<v1::WhoAmIRequest, v1::WhoAmIResponse>(table, kSessions, "WhoAmI",
                                               [&](const Context& context, const auto&) { return WhoAmI(parts, context); });
  Reads<v1::ListSessionsRequest, v1::ListSessionsResponse>(
      table, kSessions, "ListSessions", [&](const Context& context, const auto&) { return parts.sessions.List(CallerOf(context)); });
  Later<v1::EndSessionRequest, v1::EndSessionResponse>(
      table, kSessions, "EndSession", [&](const Context& context, const auto& request, Answer answer) {
        parts.sessions.End(CallerOf(context), request, std::move(answer));
      });
  Reads<v1::IntrospectRequest, v1::IntrospectResponse>(
      table, kSessions, "Introspect", [&](const Context&, const auto& request) { return parts.sessions.Introspect(request.token()); });
  Reads<v1::GetScramParametersRequest, v1::GetScramParametersResponse>(
      table, kSessions, "GetScramParameters", [&](const Context&, const auto& request) { return parts.log_ins.Parameters(request); });
  Later<v1::LogInScramRequest, v1::LogInScramResponse>(
      table, kSessions, "LogInScram", [&](const Context& context, const auto& request, Answer answer) {
        parts.log_ins.LogInScram(request, AddressOf(context, request), context.deadline, std::move(answer));
      });
}

void RegisterPeople(Parts& parts, rpc::ServiceTable& table) {
  Reads<v1::GetPersonRequest, v1::GetPersonResponse>(
      table, kDirectory, "GetPerson", [&](const Context&, const auto& request) { return parts.people.Get(request); });
  Reads<v1::ListPeopleRequest, v1::ListPeopleResponse>(
      table, kDirectory, "ListPeople",
      [&](const Context& context, const auto& request) { return parts.people.List(CallerOf(context), request); });
  Reads<v1::SyncDirectoryRequest, v1::SyncDirectoryResponse>(
      table, kDirectory, "SyncDirectory", [&](const Context&, const auto& request) { return parts.people.Sync(request); });
  Later<v1::CreatePersonRequest, v1::CreatePersonResponse>(
      table, kDirectory, "CreatePerson", [&](const Context& context, const auto& request, Answer answer) {
        parts.people.Create(CallerOf(context), request, context.deadline, std::move(answer));
      });
  Later<v1::UpdatePersonRequest, v1::UpdatePersonResponse>(
      table, kDirectory, "UpdatePerson", [&](const Context& context, const auto& request, Answer answer) {
        parts.people.Update(CallerOf(context), request, std::move(answer));
      });
  Later<v1::SetPasswordRequest, v1::SetPasswordResponse>(
      table, kDirectory, "SetPassword", [&](const Context& context, const auto& request, Answer answer) {
        parts.people.SetPassword(CallerOf(context), request, context.remote_address, context.deadline, std::move(answer));
      });
}

void RegisterDepartments(Parts& parts, rpc::ServiceTable& table) {
  Reads<v1::ListDepartmentsRequest, v1::ListDepartmentsResponse>(
      table, kDirectory, "ListDepartments",
      [&](const Context&, const auto&) -> absl::StatusOr<v1::ListDepartmentsResponse> { return parts.departments.List(); });
  Later<v1::PutDepartmentRequest, v1::PutDepartmentResponse>(
      table, kDirectory, "PutDepartment", [&](const Context& context, const auto& request, Answer answer) {
        parts.departments.Put(CallerOf(context), request, std::move(answer));
      });
  Reads<v1::ListGroupsRequest, v1::ListGroupsResponse>(
      table, kDirectory, "ListGroups", [&](const Context&, const auto& request) { return parts.groups.List(request); });
  Later<v1::PutGroupRequest, v1::PutGroupResponse>(
      table, kDirectory, "PutGroup", [&](const Context& context, const auto& request, Answer answer) {
        parts.groups.Put(CallerOf(context), request, std::move(answer));
      });
  Later<v1::SyncLdapRequest, v1::SyncLdapResponse>(
      table, kDirectory, "SyncLdap", [&](const Context& context, const auto& request, Answer answer) {
        parts.ldap_sync.Start(CallerOf(context), request, std::move(answer));
      });
}

}  // namespace

void RegisterMethods(Parts& parts, rpc::ServiceTable& table) {
  RegisterSessions(parts, table);
  RegisterPeople(parts, table);
  RegisterDepartments(parts, table);
}

}  // namespace yizhan::directory
