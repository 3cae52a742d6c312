#include "base/rpc/channel.h"

#include <fstream>
#include <sstream>
#include <utility>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/rpc/grpc_channel.h"
#include "base/rpc/grpc_library.h"
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

absl::Status CheckInnerAddress(std::string_view address) {
  constexpr std::string_view kScheme = "unix:/";
  if (address.substr(0, kScheme.size()) == kScheme) return absl::OkStatus();
  return Refuse(absl::StatusCode::kInvalidArgument, "INNER_ADDRESS",
                absl::StrCat("the inner face believes its callers, so its address must be unix:/PATH and not ",
                             std::string(address)));
}

std::unique_ptr<Channel> WrapChannel(std::shared_ptr<grpc::Channel> channel, std::string service_name) {
  return std::make_unique<GrpcChannel>(std::move(channel), std::move(service_name));
}

absl::StatusOr<std::unique_ptr<Channel>> ConnectInside(const std::string& address, std::string service_name) {
  YZ_RETURN_IF_ERROR(CheckInnerAddress(address));
  KeepGrpcThreads();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxLinkMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxLinkMessageBytes);
  return WrapChannel(grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments),
                     std::move(service_name));
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
