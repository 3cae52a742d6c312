#include "base/rpc/channel.h"

#include <arpa/inet.h>

#include <fstream>
#include <sstream>
#include <utility>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/rpc/grpc_channel.h"
#include "base/rpc/grpc_library.h"
#include "base/rpc/inner_tls.h"
#include "base/rpc/link_client.h"
#include "base/rpc/wire.h"
#include "base/status.h"

namespace yizhan::rpc {
namespace {

struct PendingCall {
  grpc::ClientContext context;
  grpc::ByteBuffer request, response;
  RawReply done;
};

class GrpcChannel final : public Channel {
 public:
  GrpcChannel(std::shared_ptr<grpc::Channel> channel, std::string service_name)
      : channel_(std::move(channel)), stub_(channel_), service_name_(std::move(service_name)) {}

  void Call(std::string_view method, std::string request, CallOptions options, RawReply done) override {
    auto* call = new PendingCall;
    call->done = std::move(done);
    call->request = ToBuffer(std::move(request));
    if (options.timeout != absl::InfiniteDuration())
      call->context.set_deadline(absl::ToChronoTime(absl::Now() + options.timeout));
    if (!options.request_id.empty()) call->context.AddMetadata(kRequestIdKey, options.request_id);
    if (!options.token.empty()) call->context.AddMetadata(kAuthorizationKey, "Bearer " + options.token);
    if (!service_name_.empty()) {
      call->context.AddMetadata(kServiceKey, service_name_);
      if (options.anonymous) {
        call->context.AddMetadata(kCallerKey, "");
      } else if (options.on_behalf_of.kind() != Principal::KIND_UNSPECIFIED) {
        call->context.AddMetadata(kCallerKey, options.on_behalf_of.SerializeAsString());
      }
      if (!options.remote_address.empty()) call->context.AddMetadata(kRemoteKey, options.remote_address);
    }
    stub_.UnaryCall(&call->context, std::string(method), grpc::StubOptions(), &call->request, &call->response,
                    [call](grpc::Status status) {
                      std::unique_ptr<PendingCall> owned(call);
                      if (status.ok()) {
                        owned->done(FromBuffer(owned->response));
                      } else {
                        owned->done(FromGrpc(status));
                      }
                    });
  }

  std::unique_ptr<Link> OpenLink(std::string service, std::string edge_id,
                                 std::function<void(yizhan::live::v1::LinkDown)> on_frames,
                                 std::function<void(absl::Status)> on_broken) override {
    return NewLink(channel_, std::move(service), std::move(edge_id), std::move(on_frames), std::move(on_broken));
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  const std::string service_name_;
};

// A name, an IPv4 address or an IPv6 address in brackets; not what gRPC takes for the scheme of a path.
bool IsHost(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    in6_addr bytes;
    return inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), &bytes) == 1;
  }
  if (host.empty() || host.size() > 253 || host == "unix" || host == "unix-abstract") return false;
  for (char c : host) {
    if (!absl::ascii_isalnum(c) && c != '.' && c != '-' && c != '_') return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<std::string> Channel::CallAndWait(std::string_view method, std::string request, CallOptions options) {
  absl::Notification answered;
  absl::StatusOr<std::string> answer;
  Call(method, std::move(request), std::move(options), [&](absl::StatusOr<std::string> result) {
    answer = std::move(result);
    answered.Notify();
  });
  answered.WaitForNotification();
  return answer;
}

absl::StatusOr<InnerAddress> CheckInnerAddress(std::string_view address) {
  constexpr std::string_view kScheme = "unix:/";
  if (address.substr(0, kScheme.size()) == kScheme) return InnerAddress::kSocket;
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  if (colon != std::string_view::npos && IsHost(address.substr(0, colon)) &&
      absl::SimpleAtoi(std::string(address.substr(colon + 1)), &port) && port <= 65535) {
    return InnerAddress::kNetwork;
  }
  return Refuse(absl::StatusCode::kInvalidArgument, "INNER_ADDRESS",
                absl::StrCat("an inner face's address must be unix:/PATH or HOST:PORT and not ", std::string(address)));
}

std::unique_ptr<Channel> WrapChannel(std::shared_ptr<grpc::Channel> channel, std::string service_name) {
  return std::make_unique<GrpcChannel>(std::move(channel), std::move(service_name));
}

absl::StatusOr<std::unique_ptr<Channel>> ConnectInside(const std::string& address, std::string service_name) {
  YZ_ASSIGN_OR_RETURN(const InnerAddress kind, CheckInnerAddress(address));
  if (kind != InnerAddress::kSocket) {
    return Refuse(absl::StatusCode::kInvalidArgument, "INNER_ADDRESS",
                  absl::StrCat("the inner face ", address, " is on the network: it is spoken to with certificates"));
  }
  KeepGrpcThreads();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxLinkMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxLinkMessageBytes);
  return WrapChannel(grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments),
                     std::move(service_name));
}

absl::StatusOr<std::unique_ptr<Channel>> ConnectInside(const ConnectInsideOptions& options) {
  YZ_ASSIGN_OR_RETURN(const InnerAddress kind, CheckInnerAddress(options.address));
  if (kind != InnerAddress::kNetwork) {
    return Refuse(absl::StatusCode::kInvalidArgument, "INNER_ADDRESS",
                  absl::StrCat("the inner face ", options.address, " is a socket's and takes no certificates"));
  }
  if (!ParseIdentity({absl::StrCat("yizhan://", options.node, "/", kAllServices)}).ok()) {
    return Refuse(
        absl::StatusCode::kInvalidArgument, "TLS_NAME",
        absl::StrCat("\"", options.node, "\", which is to answer at ", options.address, ", is not a node's name"));
  }
  YZ_ASSIGN_OR_RETURN(const ServiceIdentity self, ReadIdentity(options.tls));
  const std::string name = CallerName(self, options.service_name);
  if (!options.service_name.empty() && name != options.service_name && !self.Is(options.service_name)) {
    return Refuse(
        absl::StatusCode::kInvalidArgument, "TLS_NAME",
        absl::StrCat("the certificate ", options.tls.certificate, " is not for the service ", options.service_name));
  }
  KeepGrpcThreads();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxLinkMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxLinkMessageBytes);
  SetInnerArguments(options.node, &arguments);
  // With the scheme, lest a host be taken for one.
  const std::string target = "dns:///" + absl::StrReplaceAll(options.address, {{"[", "%5B"}, {"]", "%5D"}});
  return WrapChannel(grpc::CreateCustomChannel(target, InnerChannelCredentials(options.tls, options.node, options.server_service),
                                               arguments),
                     name);
}

absl::StatusOr<std::unique_ptr<Channel>> Connect(const ConnectOptions& options) {
  std::ifstream in(options.ca, std::ios::binary);
  std::stringstream ca;
  ca << in.rdbuf();
  if (!in || ca.str().empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "TLS_FILE",
                  "the authorities' file " + options.ca + " cannot be read or is empty");
  }
  KeepGrpcThreads();
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ca.str();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  return WrapChannel(grpc::CreateCustomChannel(options.address, grpc::SslCredentials(tls), arguments), "");
}

}  // namespace yizhan::rpc
