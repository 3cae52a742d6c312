#include "base/rpc/channel.h"

#include <fstream>
#include <sstream>
#include <utility>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

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

absl::Status Stopped() {
  return RefuseForNow(absl::StatusCode::kUnavailable, "STOPPING", "the process is stopping", 2000);
}

class BrokenLink final : public Link {
 public:
  absl::Status Send(const yizhan::live::v1::UpFrame&) override { return Stopped(); }
};

class GrpcChannel final : public Channel {
 public:
  GrpcChannel(std::shared_ptr<grpc::Channel> channel, std::string service_name, std::shared_ptr<Gate> gate)
      : gate_(std::move(gate)), channel_(std::move(channel)), stub_(channel_), service_name_(std::move(service_name)) {}

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
    bool begun = gate_->Pass([&] {
      stub_.UnaryCall(&call->context, std::string(method), grpc::StubOptions(), &call->request, &call->response,
                      [call](grpc::Status status) {
                        std::unique_ptr<PendingCall> owned(call);
                        if (status.ok()) {
                          owned->done(FromBuffer(owned->response));
                        } else {
                          owned->done(FromGrpc(status));
                        }
                      });
    });
    if (!begun) {
      std::unique_ptr<PendingCall> owned(call);
      owned->done(Stopped());
    }
  }

  std::unique_ptr<Link> OpenLink(std::string service, std::string edge_id,
                                 std::function<void(yizhan::live::v1::LinkDown)> on_frames,
                                 std::function<void(absl::Status)> on_broken) override {
    std::unique_ptr<Link> link;
    if (!gate_->Pass([&] { link = NewLink(channel_, gate_, service, edge_id, on_frames, on_broken); })) {
      on_broken(Stopped());
      link = std::make_unique<BrokenLink>();
    }
    return link;
  }

 private:
  const std::shared_ptr<Gate> gate_;
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

std::unique_ptr<Channel> WrapChannel(std::shared_ptr<grpc::Channel> channel, std::string service_name,
                                     std::shared_ptr<Gate> gate) {
  return std::make_unique<GrpcChannel>(std::move(channel), std::move(service_name), std::move(gate));
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
  return WrapChannel(grpc::CreateCustomChannel(options.address, grpc::SslCredentials(tls), arguments), "",
                     std::make_shared<Gate>());
}

}  // namespace yizhan::rpc
