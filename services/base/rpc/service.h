// A service's methods, registered once and served by every transport: gRPC, HTTP+JSON through the edge, the edge's
// link.
//
//   rpc::ServiceTable table;
//   table.Unary<SendMessageRequest, SendMessageResponse>(
//       "/yizhan.im.v1.MessageService/SendMessage",
//       [this](const rpc::Context& context, const SendMessageRequest& request, rpc::Reply<SendMessageResponse> reply) {
//       ... });
//
// What cuts across (the method's access rule, deadline, bound of calls in flight, log line, metrics) is done in front
// of the handler, in one place: Dispatch().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "yizhan/common/v1/access.pb.h"
#include "yizhan/common/v1/principal.pb.h"
#include "yizhan/common/v1/sharing.pb.h"

namespace yizhan::rpc {

using Principal = yizhan::common::v1::Principal;
using Role = yizhan::common::v1::Role;

// Bytes of one request or answer, on every transport.
inline constexpr size_t kMaxMessageBytes = 4u << 20;

// Who calls, and under which name it is logged. Handlers take from it what they need.
struct Context {
  Principal caller;
  std::string request_id;
  absl::Time deadline = absl::InfiniteFuture();
  std::string remote_address;
  // The session of a link at an edge; 0 for other calls. With edge_id it names a device.
  uint64_t link_session = 0;
  std::string edge_id;
  // The machine whose certificate the call came with, over the network's inner face; else empty.
  std::string node;
  // How many machines have passed the call on.
  uint32_t hops = 0;

  bool HasRole(Role role) const;
  // "person:ID", "visitor:ID", "service:NAME": the ledger's actor. Empty when nobody was authenticated.
  std::string Actor() const;
};

using RawReply = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;

// The way back: called once, from any thread. Letting it go without calling answers Internal.
template <typename Response>
class Reply {
 public:
  explicit Reply(RawReply send) : send_(std::move(send)) {}
  Reply(Reply&& other) noexcept : send_(std::exchange(other.send_, nullptr)) {}
  Reply& operator=(Reply&&) = delete;
  ~Reply() {
    if (send_) send_(absl::InternalError("the handler gave no answer"));
  }
  void Ok(const Response& response) { Send(response.SerializeAsString()); }
  // An answer that is already serialised.
  void OkBytes(std::string response) { Send(std::move(response)); }
  void Error(absl::Status status) { Send(std::move(status)); }
  void Finish(const absl::StatusOr<Response>& response) {
    if (response.ok()) {
      Ok(*response);
    } else {
      Error(response.status());
    }
  }

 private:
  void Send(absl::StatusOr<std::string> result) {
    if (RawReply send = std::exchange(send_, nullptr)) send(std::move(result));
  }
  RawReply send_;
};

// Where this process is one of several machines: what is not to be answered here, and who answers it then. Thread-safe;
// nothing of it blocks.
class Elsewhere {
 public:
  virtual ~Elsewhere() = default;
  // Whether a handler's refusal means that another machine would have done it.
  virtual bool Would(const absl::Status& refusal) const = 0;
  // Has the call answered there. `reply` runs once, on any thread.
  virtual void Call(const Context& context, std::string method, std::string request, const absl::Status& refusal,
                    RawReply reply) = 0;
  // A call whose contract says that others share it was carried out here.
  virtual void Shared(const Context& context, const std::string& method, std::string request,
                      yizhan::common::v1::Sharing sharing) = 0;
};

class ServiceTable {
 public:
  ServiceTable();
  ~ServiceTable();
  ServiceTable(ServiceTable&&) noexcept;

  // Registers a method's handler, which is called from many threads at once. Checks the method and its types against
  // the linked-in contract: a mistake here is a programming error and ends the process at start. Not while calls are
  // being dispatched.
  template <typename Request, typename Response, typename Handler>
  void Unary(std::string method, Handler handler) {
    Add(std::move(method), Request::descriptor(), Response::descriptor(),
        [handler = std::move(handler)](const Context& context, std::string_view bytes, RawReply reply) {
          Request request;
          if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
            reply(Malformed(Request::descriptor()->full_name()));
            return;
          }
          handler(context, request, Reply<Response>(std::move(reply)));
        });
  }

  using RawHandler = std::function<void(const Context&, std::string_view, RawReply)>;
  // The same for a method that is answered in another process: its bytes are handed on as they are.
  void Pass(std::string method, RawHandler handler);

  // Runs a call that has been authenticated: bound of calls in flight (ResourceExhausted), the caller's expiry, access
  // rule, deadline, then the handler; one log line and the metrics when it is answered. NotFound names an unknown
  // method. `reply` is called once, on any thread, possibly before Dispatch returns. `request` need live only until
  // Dispatch returns.
  void Dispatch(const Context& context, std::string_view method, std::string_view request, RawReply reply) const;

  bool Has(std::string_view method) const { return methods_.find(method) != methods_.end(); }
  // Methods of the service's descriptor ("yizhan.im.v1.MessageService") that have no handler: a service checks at start
  // that this is empty. Streaming methods are not counted.
  std::vector<std::string> Missing(std::string_view service_full_name) const;

  // Asked for every call from now on; outlives the table's use. Before the first call.
  void set_elsewhere(Elsewhere* elsewhere);
  // Says why no call of a method may be answered here at present (a process that is not up to date yet); ok when it
  // may. Before the first call.
  using Gate = std::function<absl::Status(std::string_view method)>;
  void set_gate(Gate gate);

  // Calls in flight beyond which new ones are refused; 20,000 unless set.
  void set_max_in_flight(int calls);

 private:
  struct Method;
  struct Shared;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  static absl::Status Malformed(const std::string& type);
  void Add(std::string method, const google::protobuf::Descriptor* request,
           const google::protobuf::Descriptor* response, RawHandler handler);

  std::unordered_map<std::string, std::unique_ptr<Method>, Hash, std::equal_to<>> methods_;
  std::unique_ptr<Shared> shared_;
};

// Whether a rule lets a caller in. PermissionDenied or Unauthenticated says what is missing.
absl::Status CheckAccess(const yizhan::common::v1::Access& access, const Principal& caller, std::string_view method);

// The rule of a method of the linked-in contract; NotFound names an unknown method.
absl::StatusOr<yizhan::common::v1::Access> AccessOf(std::string_view method);

// The descriptor behind "/package.Service/Method"; null when the linked-in contract has no such method.
const google::protobuf::MethodDescriptor* FindMethod(std::string_view method);

}  // namespace yizhan::rpc
