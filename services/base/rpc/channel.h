// Calling a service: in this process or elsewhere, by the same words.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/rpc/service.h"
#include "base/tls.h"
#include "yizhan/live/v1/link_service.pb.h"

namespace yizhan::rpc {

struct CallOptions {
  absl::Duration timeout = absl::Seconds(10);
  // On whose behalf: the caller is passed on, and the method's rule applies to them. Absent kind: this service itself.
  Principal on_behalf_of;
  // On behalf of somebody outside who has not been authenticated: only methods for anyone let them in. Beats
  // on_behalf_of.
  bool anonymous = false;
  // For a channel made by Connect(): the caller's token, sent as `authorization: Bearer`.
  std::string token;
  std::string request_id;
  std::string remote_address;
};

// A call of this service's own that has so long.
inline CallOptions Within(absl::Duration timeout) {
  CallOptions options;
  options.timeout = timeout;
  return options;
}

class Link;

// Calls and links of one service. Thread-safe.
class Channel {
 public:
  virtual ~Channel() = default;

  // One unary call. `done` runs once, on a thread of the transport's, not inside Call() unless the process is stopping,
  // and must not block. Statuses carry reason and retry hint (base/status.h).
  virtual void Call(std::string_view method, std::string request, CallOptions options, RawReply done) = 0;

  // One unary call, waiting for the answer. Not from a callback.
  absl::StatusOr<std::string> CallAndWait(std::string_view method, std::string request, CallOptions options = {});
  template <typename Response, typename Request>
  absl::StatusOr<Response> Wait(std::string_view method, const Request& request, CallOptions options = {}) {
    auto bytes = CallAndWait(method, request.SerializeAsString(), std::move(options));
    if (!bytes.ok()) return bytes.status();
    Response response;
    if (!response.ParseFromString(*bytes)) return absl::InternalError("unreadable answer");
    return response;
  }

  // Opens the link to a service ("im", "desk"). `on_frames` runs on a thread of the transport's, in order; `on_broken`
  // once, when the stream ended: the edge opens a new one and its sessions again. Neither is called once the link's
  // destructor has returned, except that one which is running just then is not waited for.
  virtual std::unique_ptr<Link> OpenLink(std::string service, std::string edge_id,
                                         std::function<void(yizhan::live::v1::LinkDown)> on_frames,
                                         std::function<void(absl::Status)> on_broken) = 0;
};

// The edge's side of a link. Frames sent while a batch is being written go with the next one: no timer, no call for
// each message.
class Link {
 public:
  virtual ~Link() = default;  // closes
  // Never blocks. ResourceExhausted when 64 MiB are queued; Unavailable when the link is broken.
  virtual absl::Status Send(const yizhan::live::v1::UpFrame& frame) = 0;
};

// What an outer face needs to be spoken to.
struct ConnectOptions {
  // "host:port".
  std::string address;
  // PEM of the authorities that the server's certificate is checked against.
  std::string ca;
  // The name in the certificate, where it is not the address's host.
  std::string server_name;
};

// A channel to the outer face of a server elsewhere: tools and tests. Connects at the first call. InvalidArgument when
// the authorities' file cannot be read.
absl::StatusOr<std::unique_ptr<Channel>> Connect(const ConnectOptions& options);

// A channel to the inner face of a server in another process of this machine, at its "unix:/PATH". Calls appear as
// those of `service_name` unless they pass a caller on. Connects at the first call. InvalidArgument for another
// address.
absl::StatusOr<std::unique_ptr<Channel>> ConnectInside(const std::string& address, std::string service_name);

// What the inner face of another machine needs to be spoken to.
struct ConnectInsideOptions {
  // "HOST:PORT". A number is better than a name: a resolver that is away at the first attempt costs up to two minutes.
  std::string address;
  // This process's own files; watched, as ServerOptions::inner_tls.
  TlsPaths tls;
  // The node that must answer: a server whose certificate has no "yizhan://NODE/..." of it is not spoken to, whatever
  // its address and DNS names.
  std::string node;
  // Which of the certificate's services calls, where it is of several; empty: the first.
  std::string service_name = "";
  // The service that must answer, by its certificate; empty: any of the node.
  std::string server_service = "";
};

// A channel to the inner face of a server on another machine. Connects at the first call. A silent peer is given up
// within five seconds, with its calls and links (Unavailable), and tried again a second later at most; an attempt that
// nothing answers takes three. Calls meanwhile fail with the attempt. Unavailable says why a server is not accepted;
// one that does not accept this certificate just closes. InvalidArgument for an address or a node that is none or a
// service that is not in the certificate, and as ReadIdentity().
absl::StatusOr<std::unique_ptr<Channel>> ConnectInside(const ConnectInsideOptions& options);

// Whether an address may be an inner face's, and whether it is one that needs certificates. InvalidArgument
// (INNER_ADDRESS) for one that is neither "unix:/PATH" nor "HOST:PORT".
enum class InnerAddress { kSocket, kNetwork };
absl::StatusOr<InnerAddress> CheckInnerAddress(std::string_view address);

}  // namespace yizhan::rpc
