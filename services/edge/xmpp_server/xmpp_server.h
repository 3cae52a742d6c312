// XMPP for the clients that institutions already have: RFC 6120, 6121 and what README.md lists. Three kinds of listeners, one server.
//
//   auto xmpp = XmppServer::Start({.domain = "bank.example", .tls = tls_paths}, router.get());
//   ...
//   xmpp->Stop();   // before SessionRouter::Stop() and IoPool::Stop()
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/tls.h"
#include "edge/session_router.h"
#include "edge/xmpp_server/xmpp_context.h"

namespace yizhan::edge::xmpp {

struct XmppOptions {
  // People are login@domain.
  std::string domain = "localhost";
  // Groups are handle@groups_domain; empty means "conference." and the domain.
  std::string groups_domain;
  // Where to listen; empty: not at all, port 0: any free one. STARTTLS (nothing but that is offered before it),
  std::string address = "0.0.0.0:5222";
  // TLS from the first byte (XEP-0368),
  std::string tls_address = "0.0.0.0:5223";
  // and without any, for measuring: refused unless it is a loopback address.
  std::string plain_address;
  // Needed for the first two.
  TlsPaths tls;
  size_t max_connections = 200'000;
  // From the connection's first byte to its resource.
  absl::Duration log_in_time = absl::Seconds(30);
  XmppLimits limits;
};

class XmppServer {
 public:
  // The router outlives the server. People are read from the directory first; when it cannot be reached they come later. InvalidArgument
  // (domain, TLS files, PLAIN_NOT_LOOPBACK); Unavailable (PORT_IN_USE).
  static absl::StatusOr<std::unique_ptr<XmppServer>> Start(XmppOptions options, SessionRouter* router);
  virtual ~XmppServer() = default;  // stops

  // The ports that were bound; 0 for a listener that is not wanted.
  virtual int port() const = 0;
  virtual int tls_port() const = 0;
  virtual int plain_port() const = 0;
  virtual const std::string& groups_domain() const = 0;
  // Bound resources, those that wait for their client to come back included.
  virtual size_t sessions() const = 0;
  // Tells every client (system-shutdown) and closes. Once; not from a thread of the pool.
  virtual void Stop() = 0;
};

}  // namespace yizhan::edge::xmpp
