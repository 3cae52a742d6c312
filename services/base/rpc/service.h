// A service's methods, registered once and served by every transport: gRPC, HTTP+JSON through the edge, the edge's link.
//
//   rpc::ServiceTable table;
//   table.Unary<SendMessageRequest, SendMessageResponse>(
//       "/yizhan.im.v1.MessageService/SendMessage",
//       [this](const rpc::Context& context, const SendMessageRequest& request, rpc::Reply<SendMessageResponse> reply) { ... });
//
// What cuts across (authentication, the method's access rule, deadline, request id, log line, metrics) is done in front of the
// handler, in one place: Dispatch().
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "yizhan/common/v1/access.pb.h"
#include "yizhan/common/v1/principal.pb.h"

namespace yizhan::rpc {

using Principal = yizhan::common::v1::Principal;
using Role = yizhan::common::v1::Role;

// Who calls, and under which name it is logged. Handlers take from it what they need.
struct Context {
  Principal caller;
  std::string request_id;
  absl::Time deadline = absl::InfiniteFuture();
  std::string remote_address;
  // The session of a link at an edge; 0 for other calls. With edge_id it names a device.
  uint64_t link_session = 0;
  std::string edge_id;

  bool HasRole(Role role) const;
  // "person:ID", "visitor:ID", "service:NAME": the ledger's actor.
  std::string Actor() const;
};

// The way back: called once, from any thread. Letting it go without calling answers Internal.
template <typename Response>
class Reply {
 public:
  explicit Reply(absl::AnyInvocable<void(absl::StatusOr<std::string>)> send) : send_(std::move(send)) {}
  Reply(Reply&& other) : send_(std::exchange(other.send_, nullptr)) {}
  Reply& operator=(Reply&&) = delete;
  ~Reply() {
    if (send_) send_(absl::InternalError("the handler gave no answer"));
  }
  void Ok(const Response& response) { Send(response.SerializeAsString()); }
  // An answer that is already serialised.
  void OkBytes(std::string response) { Send(std::move(response)); }
  void Error(absl::Status status) { Send(std::move(status)); }
  void Finish(const absl::StatusOr<Response>& response) {
    if (response.ok()) Ok(*response); else Error(response.status());
  }

 private:
  void Send(absl::StatusOr<std::string> result) {
    if (auto send = std::exchange(send_, nullptr)) send(std::move(result));
  }
  absl::AnyInvocable<void(absl::StatusOr<std::string>)> send_;
};

using RawReply = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;

class ServiceTable {
 public:
  template <typename Request, typename Response, typename Handler>
  void Unary(std::string method, Handler handler) {
    Add(std::move(method), Request::descriptor(), Response::descriptor(),
        [handler = std::move(handler)](const Context& context, std::string_view bytes, RawReply reply) mutable {
          Request request;
          if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
            reply(absl::InvalidArgumentError("the request is not a valid " + std::string(Request::descriptor()->full_name())));
            return;
          }
          handler(context, request, Reply<Response>(std::move(reply)));
        });
  }

  // Runs a call that has been authenticated: access rule, deadline, then the handler. NotFound names an unknown method.
  // `reply` is called once, on any thread.
  void Dispatch(const Context& context, std::string_view method, std::string_view request, RawReply reply) const;

  bool Has(std::string_view method) const { return methods_.contains(method); }
  // Methods of the service's descriptor that have no handler: a service checks at start that this is empty.
  std::vector<std::string> Missing(std::string_view service_full_name) const;

 private:
  using RawHandler = absl::AnyInvocable<void(const Context&, std::string_view, RawReply) const>;
  struct Method {
    yizhan::common::v1::Access access;
    std::shared_ptr<RawHandler> handler;
  };
  // Checks the method against the linked-in descriptors; a mistake here is a programming error and ends the process at start.
  template <typename H>
  void Add(std::string method, const google::protobuf::Descriptor* request, const google::protobuf::Descriptor* response, H handler);
  void AddRaw(std::string method, const google::protobuf::Descriptor* request, const google::protobuf::Descriptor* response,
              absl::AnyInvocable<void(const Context&, std::string_view, RawReply)> handler);
  absl::flat_hash_map<std::string, Method> methods_;
};

// Whether a rule lets a caller in. PermissionDenied or Unauthenticated says what is missing.
absl::Status CheckAccess(const yizhan::common::v1::Access& access, const Principal& caller, std::string_view method);

}  // namespace yizhan::rpc
