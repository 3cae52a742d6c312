#include "base/rpc/inner_tls.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "base/status.h"

namespace yizhan::rpc {
namespace {

using grpc::experimental::FileWatcherCertificateProvider;
using grpc::experimental::TlsCustomVerificationCheckRequest;

constexpr unsigned int kRefreshSeconds = 2;
// A peer that has said nothing for the first is asked, and given up when it has not answered for the second.
constexpr int kAskAfterMs = 1'500, kGiveUpAfterMs = 3'000;

std::vector<std::string> Strings(const std::vector<grpc::string_ref>& values) {
  std::vector<std::string> strings;
  for (const grpc::string_ref& value : values) strings.emplace_back(value.data(), value.size());
  return strings;
}

// One watcher, which is a thread of gRPC's, for all faces and channels with the same files.
std::shared_ptr<FileWatcherCertificateProvider> Watch(const TlsPaths& paths) {
  static auto& mutex = *new absl::Mutex;
  static auto& watchers = *new std::map<std::string, std::weak_ptr<FileWatcherCertificateProvider>>;
  const std::string key = absl::StrCat(paths.ca, "\n", paths.certificate, "\n", paths.private_key);
  absl::MutexLock lock(&mutex);
  std::shared_ptr<FileWatcherCertificateProvider> watcher = watchers[key].lock();
  if (watcher == nullptr) {
    watcher = std::make_shared<FileWatcherCertificateProvider>(paths.private_key, paths.certificate, paths.ca,
                                                               kRefreshSeconds);
    watchers[key] = watcher;
  }
  return watcher;
}

// Lets only one node be spoken to, and one service of it. Runs after the chain has been verified.
class NodeVerifier final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  NodeVerifier(std::string node, std::string service) : node_(std::move(node)), service_(std::move(service)) {}

  bool Verify(TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* result) override {
    absl::StatusOr<ServiceIdentity> identity = ParseIdentity(Strings(request->uri_names()));
    if (!identity.ok()) {
      *result = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, std::string(identity.status().message()));
    } else if (identity->node != node_) {
      *result = grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                             "the node " + identity->node + " answers where " + node_ + " should");
    } else if (!service_.empty() && !identity->Is(service_)) {
      *result = grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                             "the service " + identity->services.front() + " answers where " + service_ + " should");
    }
    return true;
  }
  void Cancel(TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::string node_, service_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> InnerServerCredentials(const TlsPaths& paths) {
  grpc::experimental::TlsServerCredentialsOptions options(Watch(paths));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> InnerChannelCredentials(const TlsPaths& paths, std::string node,
                                                                 std::string service) {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Watch(paths));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  options.set_certificate_verifier(
      grpc::experimental::ExternalCertificateVerifier::Create<NodeVerifier>(std::move(node), std::move(service)));
  options.set_check_call_host(false);  // the node's name is what counts
  return grpc::experimental::TlsCredentials(options);
}

void SetInnerArguments(grpc::ServerBuilder* server) {
  server->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  server->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 5'000);
  server->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kAskAfterMs);
  server->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kGiveUpAfterMs);
  server->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  server->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // And lets itself be asked as often.
  server->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kAskAfterMs / 3);
  server->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
}

void SetInnerArguments(const std::string& node, grpc::ChannelArguments* channel) {
  // What the server is asked for by name: that is one of its certificate's, which its address need not be.
  channel->SetSslTargetNameOverride(node);
  channel->SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kAskAfterMs);
  channel->SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kGiveUpAfterMs);
  channel->SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  channel->SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // An attempt to connect has three seconds, the pause after it grows to one.
  channel->SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 3'000);
  channel->SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  channel->SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  channel->SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 1'000);
  // No proxy of the environment's, no configuration out of the DNS, no connection of another channel's.
  channel->SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  channel->SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  channel->SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
}

absl::StatusOr<ServiceIdentity> PeerIdentity(const grpc::GenericCallbackServerContext& call) {
  std::shared_ptr<const grpc::AuthContext> peer = call.auth_context();
  if (peer == nullptr || !peer->IsPeerAuthenticated()) return ParseIdentity({});
  return ParseIdentity(Strings(peer->FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME)));
}

std::string CallerName(const ServiceIdentity& identity, std::string_view claimed) {
  if (identity.Is(kAllServices)) return "yizhan";
  return identity.Is(claimed) ? std::string(claimed) : identity.services.front();
}

absl::Status MayPassOn(const ServiceIdentity& identity, const Principal& caller, std::string_view called) {
  if (caller.kind() != Principal::KIND_SERVICE || identity.Is(caller.id()) || identity.Is(called)) {
    return absl::OkStatus();
  }
  return Refuse(absl::StatusCode::kPermissionDenied, "NOT_THIS_SERVICE",
                absl::StrCat("the certificate of ", identity.node, " is for ", absl::StrJoin(identity.services, ", "),
                             ": it cannot call as the service ", caller.id()));
}

}  // namespace yizhan::rpc
