#include "base/rpc/service.h"

#include <array>
#include <atomic>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "base/rpc/call_log.h"
#include "base/status.h"
#include "google/protobuf/descriptor.h"

namespace yizhan::rpc {
namespace {

using yizhan::common::v1::Access;

const google::protobuf::ServiceDescriptor* FindService(std::string_view full_name) {
  return google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(std::string(full_name));
}

bool HasRule(const Access& access) {
  return access.anyone() || access.people() || access.visitors() || access.internal() || access.roles_size() > 0;
}

// A process of every service counts as each of them.
absl::Status CheckService(const Access& access, const Principal& caller, const std::string& method) {
  if (access.services().empty() || caller.id() == "yizhan") return absl::OkStatus();
  for (const std::string& service : access.services()) {
    if (caller.id() == service) return absl::OkStatus();
  }
  return Refuse(absl::StatusCode::kPermissionDenied, "NOT_FOR_THIS_SERVICE",
                absl::StrCat(method, " is for ", absl::StrJoin(access.services(), " and "), ", not for the service ",
                             caller.id()));
}

}  // namespace

struct ServiceTable::Method {
  std::string name;
  Access access;
  yizhan::common::v1::Sharing sharing;
  RawHandler handler;
  std::unique_ptr<CallLog> log;
};

struct ServiceTable::Shared {
  std::atomic<int> in_flight{0};
  int max_in_flight = 20'000;
  Elsewhere* elsewhere = nullptr;
  Gate gate;
  metrics::Counter& shed =
      metrics::GetCounter("yizhan_rpc_shed_total", "Calls refused because too many were in flight.");
};

bool Context::HasRole(Role role) const {
  for (int held : caller.roles()) {
    if (held == role) return true;
  }
  return false;
}

std::string Context::Actor() const {
  switch (caller.kind()) {
    case Principal::KIND_PERSON:
      return "person:" + caller.id();
    case Principal::KIND_VISITOR:
      return "visitor:" + caller.id();
    case Principal::KIND_SERVICE:
      return "service:" + caller.id();
    default:
      return "";
  }
}

ServiceTable::ServiceTable() : shared_(std::make_unique<Shared>()) {}
ServiceTable::~ServiceTable() = default;
ServiceTable::ServiceTable(ServiceTable&&) noexcept = default;

void ServiceTable::set_max_in_flight(int calls) { shared_->max_in_flight = calls; }

void ServiceTable::set_elsewhere(Elsewhere* elsewhere) { shared_->elsewhere = elsewhere; }

void ServiceTable::set_gate(Gate gate) { shared_->gate = std::move(gate); }

absl::Status ServiceTable::Malformed(const std::string& type) {
  return Refuse(absl::StatusCode::kInvalidArgument, "MALFORMED_REQUEST",
                absl::StrCat("the request is not a valid ", type));
}

void ServiceTable::Add(std::string method, const google::protobuf::Descriptor* request,
                       const google::protobuf::Descriptor* response, RawHandler handler) {
  const google::protobuf::MethodDescriptor* descriptor = FindMethod(method);
  std::string mistake;
  if (descriptor == nullptr) {
    mistake = "no such method in the linked-in contracts";
  } else if (descriptor->client_streaming() || descriptor->server_streaming()) {
    mistake = "the method streams";
  } else if (descriptor->input_type() != request || descriptor->output_type() != response) {
    mistake = "the handler's types are not the method's";
  } else if (methods_.contains(method)) {
    mistake = "the method has a handler already";
  }
  if (!mistake.empty()) {
    log::Error("rpc", "a handler was registered wrongly").With("method", method).With("mistake", mistake);
    std::abort();
  }
  auto entry = std::make_unique<Method>();
  entry->name = method;
  entry->access = descriptor->options().GetExtension(yizhan::common::v1::access);
  entry->sharing = descriptor->options().GetExtension(yizhan::common::v1::sharing);
  entry->handler = std::move(handler);
  entry->log = std::make_unique<CallLog>(method, entry->access);
  methods_.emplace(std::move(method), std::move(entry));
}

void ServiceTable::Pass(std::string method, RawHandler handler) {
  const google::protobuf::MethodDescriptor* descriptor = FindMethod(method);
  Add(std::move(method), descriptor ? descriptor->input_type() : nullptr, descriptor ? descriptor->output_type() : nullptr,
      std::move(handler));
}

void ServiceTable::Dispatch(const Context& context, std::string_view method, std::string_view request,
                            RawReply reply) const {
  auto found = methods_.find(method);
  if (found == methods_.end()) {
    reply(Refuse(absl::StatusCode::kNotFound, "METHOD_UNKNOWN",
                 absl::StrCat("there is no method ", std::string(method.substr(0, 200)), " here")));
    return;
  }
  const Method& entry = *found->second;
  absl::Time start = absl::Now();
  absl::Status refused;
  if (request.size() > kMaxMessageBytes) {
    refused =
        Refuse(absl::StatusCode::kInvalidArgument, "REQUEST_TOO_LARGE",
               absl::StrCat("the request has ", request.size(), " bytes; at most ", kMaxMessageBytes, " are taken"));
  } else if (refused = CheckAccess(entry.access, context.caller, method); !refused.ok()) {
  } else if (context.caller.expires_at_us() > 0 && context.caller.expires_at_us() <= absl::ToUnixMicros(start)) {
    refused = Refuse(absl::StatusCode::kUnauthenticated, "TOKEN_EXPIRED", "the session has expired: log in again");
  } else if (start >= context.deadline) {
    refused = Refuse(absl::StatusCode::kDeadlineExceeded, "DEADLINE",
                     "the caller's deadline had passed before the call began");
  } else if (shared_->gate) {
    refused = shared_->gate(method);
  }
  if (refused.ok() && shared_->in_flight.fetch_add(1, std::memory_order_relaxed) >= shared_->max_in_flight) {
    shared_->in_flight.fetch_sub(1, std::memory_order_relaxed);
    shared_->shed.Add();
    refused = RefuseForNow(absl::StatusCode::kResourceExhausted, "TOO_BUSY",
                           "too many calls are being worked on: try again shortly", 500);
  }
  if (!refused.ok()) {
    entry.log->Answered(context, refused, start);
    reply(std::move(refused));
    return;
  }
  log::ScopedRequestId scope(context.request_id);  // for what the handler logs
  // The caller's name for the line is copied only when the line will be written.
  RawReply finish = [shared = shared_.get(), &entry, start, note = entry.log->Note(context),
                     reply = std::move(reply)](absl::StatusOr<std::string> result) mutable {
    if (result.ok() && result->size() > kMaxMessageBytes) {
      result = Refuse(absl::StatusCode::kOutOfRange, "ANSWER_TOO_LARGE",
                      absl::StrCat("the answer has ", result->size(), " bytes; ask for a smaller page"));
    }
    shared->in_flight.fetch_sub(1, std::memory_order_relaxed);
    entry.log->Answered(note, result.status(), start);
    reply(std::move(result));
  };
  if (Elsewhere* elsewhere = shared_->elsewhere) {
    finish = [elsewhere, context, &entry, bytes = std::string(request),
              finish = std::move(finish)](absl::StatusOr<std::string> result) mutable {
      if (result.ok() && entry.sharing != yizhan::common::v1::SHARING_UNSPECIFIED)
        elsewhere->Shared(context, entry.name, std::move(bytes), entry.sharing);
      if (result.ok() || !elsewhere->Would(result.status())) return finish(std::move(result));
      elsewhere->Call(context, entry.name, std::move(bytes), result.status(), std::move(finish));
    };
  }
  entry.handler(context, request, std::move(finish));
}

std::vector<std::string> ServiceTable::Missing(std::string_view service_full_name) const {
  std::vector<std::string> missing;
  const auto* service = FindService(service_full_name);
  if (service == nullptr) return {absl::StrCat("the service ", std::string(service_full_name), " itself")};
  for (int i = 0; i < service->method_count(); ++i) {
    const auto* method = service->method(i);
    if (method->client_streaming() || method->server_streaming()) continue;
    std::string path = absl::StrCat("/", service->full_name(), "/", method->name());
    if (!Has(path)) missing.push_back(std::move(path));
  }
  return missing;
}

const google::protobuf::MethodDescriptor* FindMethod(std::string_view method) {
  size_t slash = method.rfind('/');
  if (method.empty() || method[0] != '/' || slash == 0 || slash == std::string_view::npos || method.size() > 256)
    return nullptr;
  const auto* service = FindService(method.substr(1, slash - 1));
  return service == nullptr ? nullptr : service->FindMethodByName(std::string(method.substr(slash + 1)));
}

absl::StatusOr<Access> AccessOf(std::string_view method) {
  const auto* descriptor = FindMethod(method);
  if (descriptor == nullptr) {
    return Refuse(absl::StatusCode::kNotFound, "METHOD_UNKNOWN",
                  absl::StrCat("there is no method ", std::string(method.substr(0, 200)), " here"));
  }
  return descriptor->options().GetExtension(yizhan::common::v1::access);
}

absl::Status CheckAccess(const Access& access, const Principal& caller, std::string_view method) {
  const std::string name(method);
  if (!HasRule(access)) {
    return Refuse(absl::StatusCode::kPermissionDenied, "METHOD_WITHOUT_RULE",
                  absl::StrCat(name, " has no access rule: nobody may call it"));
  }
  if (access.anyone()) return absl::OkStatus();
  switch (caller.kind()) {
    case Principal::KIND_SERVICE:
      if (access.internal()) return CheckService(access, caller, name);
      return Refuse(absl::StatusCode::kPermissionDenied, "NOT_FOR_SERVICES",
                    absl::StrCat(name, " is for people: a service calls it on behalf of one"));
    case Principal::KIND_PERSON: {
      if (access.people()) return absl::OkStatus();
      std::string wanted;
      for (int role : access.roles()) {
        for (int held : caller.roles()) {
          if (held == role && role != yizhan::common::v1::ROLE_UNSPECIFIED) return absl::OkStatus();
        }
        absl::StrAppend(&wanted, wanted.empty() ? "" : " or ", yizhan::common::v1::Role_Name(static_cast<Role>(role)));
      }
      if (!wanted.empty()) {
        return Refuse(absl::StatusCode::kPermissionDenied, "ROLE_REQUIRED",
                      absl::StrCat(name, " needs ", wanted, ", which you do not hold"));
      }
      return Refuse(absl::StatusCode::kPermissionDenied, access.internal() ? "INTERNAL_METHOD" : "NOT_FOR_PEOPLE",
                    absl::StrCat(name, " is not for people"));
    }
    case Principal::KIND_VISITOR:
      if (access.visitors()) return absl::OkStatus();
      return Refuse(absl::StatusCode::kPermissionDenied, "NOT_FOR_VISITORS",
                    absl::StrCat(name, " is not for visitors"));
    default:
      return Refuse(absl::StatusCode::kUnauthenticated, "TOKEN_REQUIRED",
                    absl::StrCat(name, " needs a session: log in and send its token"));
  }
}

}  // namespace yizhan::rpc
