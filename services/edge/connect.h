// HTTP+JSON: the Connect protocol's unary calls, for every method of the contracts, without a handler for each.
// https://connectrpc.com/docs/protocol
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/http/message.h"
#include "base/rpc/channel.h"
#include "base/rpc/server.h"
#include "edge/rate_limiter.h"

namespace yizhan::edge {

// What a POST to /package.Service/Method says, checked as far as it can be without asking anybody. A status names the
// first mistake.
struct ConnectCall {
  std::string method;
  // The request, in the binary form, with the fields that the edge sets.
  std::string request;
  bool json = true;
  absl::Duration timeout = absl::Seconds(30);
  bool anyone = false;        // the method's rule lets anybody in
  bool wants_cookie = false;  // Yizhan-Session: cookie
  std::string request_id;
};
absl::StatusOr<ConnectCall> ParseConnectCall(const http::Request& request);

// Whether a path is one of the contracts' ("/yizhan.").
bool IsConnectPath(std::string_view path);

class ConnectHandler {
 public:
  // Finds the channel for a method; null where this installation lacks the service. All outlive the handler.
  using Channels = std::function<rpc::Channel*(std::string_view method)>;
  ConnectHandler(Channels channels, rpc::Authenticator* authenticator, RateLimiter* anonymous);

  // Any thread.
  void Handle(http::Request request, http::Respond respond);

 private:
  struct Pending;
  void Pass(std::shared_ptr<Pending> pending);
  void Answer(const std::shared_ptr<Pending>& pending, absl::StatusOr<std::string> result);

  const Channels channels_;
  rpc::Authenticator* const authenticator_;
  RateLimiter* const anonymous_;
};

}  // namespace yizhan::edge
