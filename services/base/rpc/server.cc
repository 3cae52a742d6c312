#include "base/rpc/server.h"

#include <fstream>
#include <map>
#include <sstream>

#include <grpcpp/grpcpp.h>

#include "base/logging.h"
#include "base/rpc/grpc_channel.h"
#include "base/rpc/grpc_library.h"
#include "base/rpc/link_hub.h"
#include "base/rpc/link_server.h"
#include "base/rpc/unary_server.h"
#include "base/rpc/wire.h"
#include "base/status.h"

namespace yizhan::rpc {
namespace {

using Hubs = std::map<std::string, std::unique_ptr<LinkHub>>;

// What gRPC hands every call of one face to.
class Generic final : public grpc::CallbackGenericService {
 public:
  Generic(Face face, absl::Mutex* mutex, const Hubs* hubs) : face_(face), mutex_(mutex), hubs_(hubs) {}

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    if (context->method() != kLinkMethod) return NewUnaryReactor(context, &face_);
    if (!face_.inner) {
      return NewRefusal(
          Refuse(absl::StatusCode::kPermissionDenied, "INTERNAL_METHOD", "links are for edges of this installation"));
    }
    auto service = context->client_metadata().find(kLinkServiceKey);
    std::string name =
        service == context->client_metadata().end() ? "" : std::string(service->second.data(), service->second.size());
    absl::MutexLock lock(mutex_);
    auto hub = hubs_->find(name);
    if (hub == hubs_->end()) {
      return NewRefusal(
          Refuse(absl::StatusCode::kNotFound, "SERVICE_UNKNOWN", "no service \"" + name + "\" serves links here"));
    }
    return NewLinkReactor(context, hub->second.get(), face_.table);
  }

 private:
  const Face face_;
  absl::Mutex* const mutex_;
  const Hubs* const hubs_;
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream bytes;
  bytes << in.rdbuf();
  if (!in || bytes.str().empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "TLS_FILE",
                  "the file " + path + " cannot be read or is empty: is tls configured rightly?");
  }
  return bytes.str();
}

class GrpcServer final : public Server {
 public:
  GrpcServer(const ServerOptions& options, const ServiceTable* table, Authenticator* authenticator)
      : name_(options.service_name),
        inner_service_({table, nullptr, true}, &mutex_, &hubs_),
        outer_service_({table, authenticator, false}, &mutex_, &hubs_) {}
  ~GrpcServer() override { Stop(); }

  absl::Status Listen(const ServerOptions& options) {
    grpc::ServerBuilder inner;
    inner.SetMaxReceiveMessageSize(kMaxLinkMessageBytes);
    inner.SetMaxSendMessageSize(kMaxLinkMessageBytes);
    inner.RegisterCallbackGenericService(&inner_service_);
    inner_ = inner.BuildAndStart();
    if (inner_ == nullptr) return absl::InternalError("the in-process server did not start");
    gate_->Keep(inner_);
    if (options.address.empty()) return absl::OkStatus();

    grpc::SslServerCredentialsOptions tls;
    YZ_ASSIGN_OR_RETURN(std::string certificate, ReadFile(options.tls.certificate));
    YZ_ASSIGN_OR_RETURN(std::string key, ReadFile(options.tls.private_key));
    tls.pem_key_cert_pairs.push_back({std::move(key), std::move(certificate)});
    grpc::ServerBuilder outer;
    outer.SetMaxReceiveMessageSize(kMaxMessageBytes);
    outer.SetMaxSendMessageSize(kMaxMessageBytes);
    outer.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 100);
    outer.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 16 << 10);
    outer.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    // As the other listeners: gRPC's own two minutes are long for a connection that says nothing.
    outer.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 20'000);
    outer.AddListeningPort(options.address, grpc::SslServerCredentials(tls), &port_);
    outer.RegisterCallbackGenericService(&outer_service_);
    outer_ = outer.BuildAndStart();
    if (outer_ == nullptr || port_ == 0) {
      return Refuse(
          absl::StatusCode::kUnavailable, "PORT_IN_USE",
          "gRPC cannot listen on " + options.address + ": is the port in use, or the certificate not the key's?");
    }
    return absl::OkStatus();
  }

  int port() const override { return port_; }

  std::unique_ptr<Channel> channel() override {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxLinkMessageBytes);
    arguments.SetMaxSendMessageSize(kMaxLinkMessageBytes);
    return WrapChannel(inner_->InProcessChannel(arguments), name_, gate_);
  }

  Hub* ServeLink(std::string service, LinkHandler* handler) override {
    absl::MutexLock lock(&mutex_);
    auto& hub = hubs_[service];
    if (hub == nullptr) hub = std::make_unique<LinkHub>(service, handler);
    return hub.get();
  }

  void Stop() override {
    auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(2);
    if (outer_ != nullptr) outer_->Shutdown(deadline);
    {
      absl::MutexLock lock(&mutex_);
      for (auto& [name, hub] : hubs_) hub->BreakAll();
    }
    gate_->Close();
    if (inner_ != nullptr) inner_->Shutdown(deadline);
    outer_.reset();
    inner_.reset();
  }

 private:
  const std::string name_;
  absl::Mutex mutex_;
  Hubs hubs_;  // guarded by mutex_; Generic takes it too
  Generic inner_service_, outer_service_;
  int port_ = 0;
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  std::shared_ptr<grpc::Server> inner_;
  std::unique_ptr<grpc::Server> outer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options, const ServiceTable* table,
                                                      Authenticator* authenticator) {
  if (!options.address.empty() && authenticator == nullptr) {
    return absl::InvalidArgumentError("an outer face needs an authenticator");
  }
  KeepGrpcThreads();
  auto server = std::make_unique<GrpcServer>(options, table, authenticator);
  YZ_RETURN_IF_ERROR(server->Listen(options));
  return server;
}

}  // namespace yizhan::rpc
