#include "base/rpc/server.h"

#include <sys/stat.h>

#include <fstream>
#include <map>
#include <sstream>

#include <grpcpp/grpcpp.h>

#include "base/logging.h"
#include "base/rpc/grpc_library.h"
#include "base/rpc/inner_tls.h"
#include "base/rpc/link_hub.h"
#include "base/rpc/link_server.h"
#include "base/rpc/local_transport.h"
#include "base/rpc/outer_port.h"
#include "base/rpc/stream_server.h"
#include "base/rpc/unary_server.h"
#include "base/rpc/wire.h"
#include "base/status.h"

namespace yizhan::rpc {
namespace {

// What gRPC may hold for all outer connections together.
constexpr size_t kMaxOuterBytes = 512 << 20;

// The hubs of the services that edges link to. Thread-safe.
class Hubs {
 public:
  LinkHub* Serve(const std::string& service, LinkHandler* handler) {
    absl::MutexLock lock(&mutex_);
    auto& hub = hubs_[service];
    if (hub == nullptr) hub = std::make_unique<LinkHub>(service, handler);
    return hub.get();
  }
  LinkHub* Find(std::string_view service) const {
    absl::MutexLock lock(&mutex_);
    auto found = hubs_.find(service);
    return found == hubs_.end() ? nullptr : found->second.get();
  }
  void BreakAll() {
    absl::MutexLock lock(&mutex_);
    for (auto& [name, hub] : hubs_) hub->BreakAll();
  }

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, std::unique_ptr<LinkHub>, std::less<>> hubs_ ABSL_GUARDED_BY(mutex_);
};

// The methods that stream. Thread-safe.
class Streams {
 public:
  void Serve(const std::string& method, StreamAcceptor accept) {
    absl::MutexLock lock(&mutex_);
    accept_[method] = std::move(accept);
  }
  bool Has(const std::string& method) const {
    absl::MutexLock lock(&mutex_);
    return accept_.contains(method);
  }
  // Null where nobody accepts just now.
  StreamAcceptor Find(const std::string& method) const {
    absl::MutexLock lock(&mutex_);
    auto found = accept_.find(method);
    return found == accept_.end() ? nullptr : found->second;
  }

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, StreamAcceptor> accept_ ABSL_GUARDED_BY(mutex_);
};

// What gRPC hands every call of one face to.
class Generic final : public grpc::CallbackGenericService {
 public:
  Generic(Face face, const Hubs* hubs, const Streams* streams)
      : face_(std::move(face)), hubs_(hubs), streams_(streams) {}

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    if (!face_.inner && streams_->Has(context->method())) {
      StreamAcceptor accept = streams_->Find(context->method());
      if (accept != nullptr) return NewStreamReactor(context, accept);
      return NewRefusal(RefuseForNow(absl::StatusCode::kUnavailable, "STOPPING", "the process is stopping", 2000));
    }
    if (context->method() != kLinkMethod) return NewUnaryReactor(context, &face_);
    if (!face_.inner) {
      return NewRefusal(
          Refuse(absl::StatusCode::kPermissionDenied, "INTERNAL_METHOD", "links are for edges of this installation"));
    }
    auto service = context->client_metadata().find(kLinkServiceKey);
    std::string name =
        service == context->client_metadata().end() ? "" : std::string(service->second.data(), service->second.size());
    if (face_.certified) {
      absl::Status may = MayLink(*context);
      if (!may.ok()) return NewRefusal(may);
    }
    LinkHub* hub = hubs_->Find(name);
    if (hub == nullptr) return NewRefusal(NoSuchLinkService(name));
    return NewLinkReactor(context, hub, face_.table);
  }

 private:
  static absl::Status MayLink(const grpc::GenericCallbackServerContext& context) {
    YZ_ASSIGN_OR_RETURN(ServiceIdentity peer, PeerIdentity(context));
    YZ_ASSIGN_OR_RETURN(auto access, AccessOf(kLinkMethod));
    Principal caller;
    caller.set_kind(Principal::KIND_SERVICE);
    caller.set_id(CallerName(peer, "edge"));
    return CheckAccess(access, caller, kLinkMethod);
  }

  const Face face_;
  const Hubs* const hubs_;
  const Streams* const streams_;
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

class ServerImpl final : public Server {
 public:
  ServerImpl(const ServerOptions& options, const ServiceTable* table, Authenticator* authenticator)
      : name_(options.service_name),
        local_(std::make_shared<LocalTransport>(
            table, [hubs = &hubs_](std::string_view service) { return hubs->Find(service); })),
        inner_service_(
            {table, nullptr, true,
             CheckInnerAddress(options.inner_address).value_or(InnerAddress::kSocket) == InnerAddress::kNetwork, name_},
            &hubs_, &streams_),
        outer_service_({table, authenticator, false}, &hubs_, &streams_) {}
  ~ServerImpl() override { Stop(); }

  absl::Status ListenInside(const ServerOptions& options) {
    const std::string& address = options.inner_address;
    YZ_ASSIGN_OR_RETURN(const InnerAddress kind, CheckInnerAddress(address));
    const bool has_tls = !options.inner_tls.ca.empty() || !options.inner_tls.certificate.empty() ||
                         !options.inner_tls.private_key.empty();
    if (has_tls != (kind == InnerAddress::kNetwork)) {
      return Refuse(absl::StatusCode::kInvalidArgument, "INNER_TLS",
                    has_tls ? "the inner face " + address + " is a socket's and takes no certificates"
                            : "the inner face " + address + " is on the network and needs ca, certificate and key");
    }
    grpc::ServerBuilder inner;
    inner.SetMaxReceiveMessageSize(kMaxLinkMessageBytes);
    inner.SetMaxSendMessageSize(kMaxLinkMessageBytes);
    int bound = 0;
    if (kind == InnerAddress::kSocket) {
      inner.AddListeningPort(address, grpc::InsecureServerCredentials(), &bound);
    } else {
      YZ_RETURN_IF_ERROR(ReadIdentity(options.inner_tls).status());
      SetInnerArguments(&inner);
      inner.AddListeningPort(address, InnerServerCredentials(options.inner_tls), &bound);
    }
    inner.RegisterCallbackGenericService(&inner_service_);
    inner_ = inner.BuildAndStart();
    if (kind == InnerAddress::kNetwork) {
      if (inner_ == nullptr || bound == 0) {
        return Refuse(absl::StatusCode::kUnavailable, "PORT_IN_USE",
                      "gRPC cannot listen on " + address + ": is the port free, is the address this machine's?");
      }
      inner_port_ = bound;
      return absl::OkStatus();
    }
    const std::string path = address.substr(address.find(':') + 1);
    if (inner_ == nullptr || bound == 0 || ::chmod(path.c_str(), 0600) != 0) {
      return Refuse(absl::StatusCode::kUnavailable, "PORT_IN_USE",
                    "gRPC cannot listen on " + address + ": is the folder there, is the path shorter than 108 bytes?");
    }
    return absl::OkStatus();
  }

  absl::Status ListenOutside(const ServerOptions& options) {
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
    // A stream whose client has vanished without a word ends within 45 s.
    outer.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 25'000);
    outer.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
    // One that asks for nothing is let go; it connects again when it does.
    outer.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 300'000);
    outer.SetResourceQuota(grpc::ResourceQuota("outer").Resize(kMaxOuterBytes));
    YZ_ASSIGN_OR_RETURN(outer_port_, OuterPort::Open(options.address));
    port_ = outer_port_->port();
    auto acceptor = outer.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, grpc::SslServerCredentials(tls));
    outer.RegisterCallbackGenericService(&outer_service_);
    outer_ = outer.BuildAndStart();
    if (outer_ == nullptr) {
      return Refuse(absl::StatusCode::kInvalidArgument, "TLS_FILE",
                    "gRPC does not start with the certificate " + options.tls.certificate + ": is it not the key's?");
    }
    outer_port_->Start(std::move(acceptor));
    return absl::OkStatus();
  }

  int port() const override { return port_; }
  int inner_port() const override { return inner_port_; }
  std::unique_ptr<Channel> channel() override { return local_->NewChannel(name_); }
  Hub* ServeLink(std::string service, LinkHandler* handler) override { return hubs_.Serve(service, handler); }

  void ServeStream(std::string method, StreamAcceptor accept) override { streams_.Serve(method, std::move(accept)); }

  void Stop() override {
    auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(2);
    if (outer_port_ != nullptr) outer_port_->Stop();
    if (outer_ != nullptr) outer_->Shutdown(deadline);
    hubs_.BreakAll();
    if (inner_ != nullptr) inner_->Shutdown(deadline);
    local_->Stop();
    outer_.reset();
    inner_.reset();
  }

 private:
  const std::string name_;
  Hubs hubs_;
  Streams streams_;
  const std::shared_ptr<LocalTransport> local_;
  Generic inner_service_, outer_service_;
  int port_ = 0, inner_port_ = 0;
  std::unique_ptr<OuterPort> outer_port_;
  std::unique_ptr<grpc::Server> inner_, outer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options, const ServiceTable* table,
                                                      Authenticator* authenticator) {
  if (!options.address.empty() && authenticator == nullptr) {
    return absl::InvalidArgumentError("an outer face needs an authenticator");
  }
  auto server = std::make_unique<ServerImpl>(options, table, authenticator);
  if (!options.inner_address.empty() || !options.address.empty()) KeepGrpcThreads();
  if (!options.inner_address.empty()) YZ_RETURN_IF_ERROR(server->ListenInside(options));
  if (!options.address.empty()) YZ_RETURN_IF_ERROR(server->ListenOutside(options));
  return server;
}

}  // namespace yizhan::rpc
