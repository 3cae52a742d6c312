#include "cluster/etcd/etcd_kv.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include <grpcpp/security/credentials.h>

#include "absl/random/random.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/rpc/grpc_library.h"
#include "base/status.h"
#include "cluster/etcd/client.h"
#include "cluster/etcd/etcd.pb.h"
#include "cluster/etcd/messages.h"
#include "cluster/etcd/watch_stream.h"

namespace yizhan::cluster {
namespace {

using etcd::CallSpec;

absl::Status Wrong(const std::string& message) {
  return Refuse(absl::StatusCode::kInvalidArgument, "ETCD_OPTIONS", "etcd: " + message);
}

class WatchHandle final : public Watch {
 public:
  explicit WatchHandle(std::shared_ptr<etcd::WatchStream> stream) : stream_(std::move(stream)) {}
  ~WatchHandle() override { stream_->Stop(); }

 private:
  const std::shared_ptr<etcd::WatchStream> stream_;
};

class EtcdKvImpl final : public EtcdKv {
 public:
  EtcdKvImpl(const EtcdOptions& options, const std::shared_ptr<grpc::ChannelCredentials>& credentials)
      : keys_(options.prefix), client_(std::make_shared<etcd::Client>(options, credentials)) {
    client_->Start();
  }
  ~EtcdKvImpl() override { client_->Stop(); }

  void Transact(Txn txn, absl::Duration timeout, Done<TxnResult> done) override {
    const CallSpec spec{.method = "/etcdserverpb.KV/Txn",
                        .operation = "transaction",
                        .timeout = timeout,
                        .repeatable = etcd::OnlyReads(txn)};
    client_->Ask<etcdserverpb::TxnResponse>(
        spec, ToRequest(keys_, std::move(txn)),
        [keys = keys_, done = std::move(done)](absl::StatusOr<etcdserverpb::TxnResponse> answer) mutable {
          if (!answer.ok()) return done(std::move(answer).status());
          done(FromResponse(keys, *std::move(answer)));
        });
  }

  void Get(Range range, absl::Duration timeout, Done<RangeResult> done) override {
    const CallSpec spec{.method = "/etcdserverpb.KV/Range", .operation = "get", .timeout = timeout, .repeatable = true};
    client_->Ask<etcdserverpb::RangeResponse>(
        spec, ToRequest(keys_, range),
        [keys = keys_, done = std::move(done)](absl::StatusOr<etcdserverpb::RangeResponse> answer) mutable {
          if (!answer.ok()) return done(std::move(answer).status());
          done(FromResponse(keys, *std::move(answer)));
        });
  }

  std::unique_ptr<Watch> StartWatch(std::string key, std::string end, int64_t from_revision,
                                    WatchCallbacks callbacks) override {
    auto stream = std::make_shared<etcd::WatchStream>(client_, keys_, key, end, from_revision, std::move(callbacks));
    client_->Follow(stream);
    stream->Open();
    return std::make_unique<WatchHandle>(std::move(stream));
  }

  void GrantLease(absl::Duration ttl, absl::Duration timeout, Done<int64_t> done) override {
    // An id of our own: who grants it a second time, because the first answer was lost, is told that it is there.
    absl::BitGen random;
    const int64_t id = absl::Uniform<int64_t>(absl::IntervalClosed, random, 1, INT64_MAX);
    etcdserverpb::LeaseGrantRequest request;
    request.set_id(id);
    request.set_ttl(std::max<int64_t>(absl::ToInt64Seconds(absl::Ceil(ttl, absl::Seconds(1))), 1));
    const CallSpec spec{
        .method = "/etcdserverpb.Lease/LeaseGrant", .operation = "lease grant", .timeout = timeout, .repeatable = true};
    client_->Ask<etcdserverpb::LeaseGrantResponse>(
        spec, request, [id, done = std::move(done)](absl::StatusOr<etcdserverpb::LeaseGrantResponse> answer) mutable {
          if (!answer.ok() && ReasonOf(answer.status()) != "ETCD_LEASE_EXISTS") {
            return done(std::move(answer).status());
          }
          done(id);
        });
  }

  void RenewLease(int64_t lease, absl::Duration timeout, Done<absl::Duration> done) override {
    etcdserverpb::LeaseKeepAliveRequest request;
    request.set_id(lease);
    // A stream's method, called as if it were a unary one: on the wire that is a stream of one message, answered by
    // one, and nothing is left open that could be in the wrong state.
    const CallSpec spec{.method = "/etcdserverpb.Lease/LeaseKeepAlive",
                        .operation = "lease renewal",
                        .timeout = timeout,
                        .repeatable = true};
    client_->Ask<etcdserverpb::LeaseKeepAliveResponse>(
        spec, request,
        [lease, done = std::move(done)](absl::StatusOr<etcdserverpb::LeaseKeepAliveResponse> answer) mutable {
          if (!answer.ok()) return done(std::move(answer).status());
          if (answer->ttl() <= 0) {
            return done(Refuse(absl::StatusCode::kNotFound, "ETCD_LEASE_ENDED",
                               absl::StrCat("etcd: lease renewal: lease ", lease, " has ended")));
          }
          done(absl::Seconds(answer->ttl()));
        });
  }

  void RevokeLease(int64_t lease, absl::Duration timeout, absl::AnyInvocable<void(absl::Status)> done) override {
    etcdserverpb::LeaseRevokeRequest request;
    request.set_id(lease);
    const CallSpec spec{.method = "/etcdserverpb.Lease/LeaseRevoke",
                        .operation = "lease revocation",
                        .timeout = timeout,
                        .repeatable = true};
    client_->Ask<etcdserverpb::LeaseRevokeResponse>(
        spec, request, [done = std::move(done)](absl::StatusOr<etcdserverpb::LeaseRevokeResponse> answer) mutable {
          done(absl::IsNotFound(answer.status()) ? absl::OkStatus() : answer.status());
        });
  }

  void Compact(int64_t revision, absl::Duration timeout, absl::AnyInvocable<void(absl::Status)> done) override {
    etcdserverpb::CompactionRequest request;
    request.set_revision(revision);
    const CallSpec spec{
        .method = "/etcdserverpb.KV/Compact", .operation = "compaction", .timeout = timeout, .repeatable = true};
    client_->Ask<etcdserverpb::CompactionResponse>(
        spec, request, [done = std::move(done)](absl::StatusOr<etcdserverpb::CompactionResponse> answer) mutable {
          done(ReasonOf(answer.status()) == "ETCD_COMPACTED" ? absl::OkStatus() : answer.status());
        });
  }

  std::vector<EndpointHealth> Health() override { return client_->endpoints().Health(); }

 private:
  const etcd::KeySpace keys_;
  const std::shared_ptr<etcd::Client> client_;
};

absl::StatusOr<std::string> ReadPem(const char* what, const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in || text.str().find("-----BEGIN ") == std::string::npos) {
    return Wrong(absl::StrCat("the ", what, " ", file, " cannot be read or is not PEM"));
  }
  return text.str();
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(const EtcdOptions& options) {
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return Wrong("a certificate needs its key, and a key its certificate");
  }
  if (options.ca_file.empty()) {
    if (!options.certificate_file.empty()) return Wrong("a certificate without the authority's file: TLS needs both");
    return grpc::InsecureChannelCredentials();
  }
  grpc::SslCredentialsOptions tls;
  YZ_ASSIGN_OR_RETURN(tls.pem_root_certs, ReadPem("authority's file", options.ca_file));
  if (!options.certificate_file.empty()) {
    YZ_ASSIGN_OR_RETURN(tls.pem_cert_chain, ReadPem("certificate", options.certificate_file));
    YZ_ASSIGN_OR_RETURN(tls.pem_private_key, ReadPem("key", options.key_file));
  }
  return grpc::SslCredentials(tls);
}

absl::Status CheckAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == std::string::npos || colon == 0 || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 1 ||
      port > 65535 || address.find('/') != std::string::npos) {
    return Wrong(absl::StrCat("`", address, "` is not host:port"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<EtcdKv>> ConnectEtcd(EtcdOptions options) {
  if (options.endpoints.empty()) return Wrong("no endpoints: name at least one member as host:port");
  for (const std::string& address : options.endpoints) YZ_RETURN_IF_ERROR(CheckAddress(address));
  if (options.user.empty() && !options.password.empty()) return Wrong("a password without a user");
  if (!options.user.empty() && options.password.empty()) return Wrong("the user " + options.user + " has no password");
  if (options.max_calls < 1 || options.max_request_bytes_in_flight < 1) return Wrong("bounds below 1");
  YZ_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ChannelCredentials> credentials, Credentials(options));
  rpc::KeepGrpcThreads();
  return std::make_unique<EtcdKvImpl>(options, credentials);
}

}  // namespace yizhan::cluster
