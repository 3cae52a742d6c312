// Certificates and TLS contexts.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

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

struct FreeSslContext {
  void operator()(ssl_ctx_st* context) const;
};
using SslContext = std::unique_ptr<ssl_ctx_st, FreeSslContext>;

// A server's context: TLS 1.2 and 1.3, the suites of RFC 9325, buffers given back while a connection is idle, no
// renegotiation, no session cache. `alpn`: the one protocol that is agreed to ("http/1.1"); empty for none.
// InvalidArgument names the file that cannot be read, or the key that is not the certificate's.
absl::StatusOr<SslContext> MakeServerContext(const TlsPaths& paths, const std::string& alpn = "");

}  // namespace yizhan
