// Certificates and TLS contexts.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

struct ssl_ctx_st;

namespace yizhan {

// PEM files.
struct TlsPaths {
  std::string ca;
  std::string certificate;
  std::string private_key;
};

// DIR/ca.pem, DIR/server.pem and DIR/server.key, made when they are absent: an authority and a server's certificate for
// demonstrations (P-256; localhost, 127.0.0.1, ::1, the domain and conference.DOMAIN; 825 days). The authority's key is
// thrown away after signing, so that nobody can be deceived with it; a certificate that ends within 30 days, or is for
// another domain, is replaced together with its authority. Keys are written with mode 0600. Unavailable when the folder
// cannot be written.
absl::StatusOr<TlsPaths> EnsureDemonstrationTls(const std::string& dir, const std::string& domain);

// --- the private authority of an installation, and the certificates by which its processes know one another

// The service of a process that runs every service; in calls it appears as "yizhan".
inline constexpr char kAllServices[] = "all";

// What a service's certificate says of its holder, as URI names "yizhan://NODE/SERVICE", one for each service.
struct ServiceIdentity {
  // Lower-case letters, digits, dots and hyphens, at most 63, no dot or hyphen at either end: "node-1".
  std::string node;
  // "im", "desk", "edge" and so on (lower-case letters, digits and hyphens, at most 32), or kAllServices alone.
  std::vector<std::string> services;

  // Whether it may act as this service.
  bool Is(std::string_view service) const;
};

// Reads the identity out of a certificate's URI names; those of other schemes are ignored. Unauthenticated
// (NO_IDENTITY) without one of ours, with one that is not well formed, and for more than one node.
absl::StatusOr<ServiceIdentity> ParseIdentity(const std::vector<std::string>& uris);

struct ServiceCertificate {
  ServiceIdentity identity;
  // DNS names and IP addresses by which others connect to it. The node's name is always one of the DNS names.
  std::vector<std::string> hosts;
};

// Makes the authority: DIR/ca.key (mode 0600, kept: whoever has it can be every service) and DIR/ca.pem (P-256, ten
// years). What is there stays; a lost ca.pem is made anew from its key. FailedPrecondition when only ca.pem is there,
// Unavailable when the folder cannot be written, InvalidArgument for a key that cannot be read.
absl::Status MakeAuthority(const std::string& dir);

// Issues OUT/NODE.pem and OUT/NODE.key (a new key, mode 0600): for client and server, P-256, 825 days, or as long as
// the authority where that is less. What is there is replaced, so renewing is issuing again: processes that watch the
// files take the new ones. Also says where the authority's certificate is. InvalidArgument for a name that is not as
// above; TLS_FILE as InvalidArgument for an authority that cannot be read, as Unavailable for a folder that cannot be
// written.
absl::StatusOr<TlsPaths> IssueServiceCertificate(const std::string& authority_dir,
                                                 const ServiceCertificate& certificate, const std::string& out);

// When a certificate ends (the first of a PEM file). InvalidArgument when it cannot be read.
absl::StatusOr<absl::Time> NotAfter(const std::string& pem);

// The URI names of a certificate (the first of a PEM file), in its order. InvalidArgument when it cannot be read.
absl::StatusOr<std::vector<std::string>> UriNames(const std::string& pem);

// Reads a service's files and says whose they are. InvalidArgument (TLS_FILE) when one cannot be read, the key is not
// the certificate's, or the certificate is not one of the authority's or not valid now; while files are being replaced
// that may be so for an instant. Unauthenticated as ParseIdentity().
absl::StatusOr<ServiceIdentity> ReadIdentity(const TlsPaths& paths);

// --- contexts

struct FreeSslContext {
  void operator()(ssl_ctx_st* context) const;
};
using SslContext = std::unique_ptr<ssl_ctx_st, FreeSslContext>;

// A server's context: TLS 1.2 and 1.3, the suites of RFC 9325, buffers given back while a connection is idle, no
// renegotiation, no session cache. `alpn`: the one protocol that is agreed to ("http/1.1"); empty for none.
// InvalidArgument names the file that cannot be read, or the key that is not the certificate's.
absl::StatusOr<SslContext> MakeServerContext(const TlsPaths& paths, const std::string& alpn = "");

}  // namespace yizhan
