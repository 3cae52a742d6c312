// Calls to all services of a process: generic dispatch into a ServiceTable, and the edges' links.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/rpc/channel.h"
#include "base/rpc/hub.h"
#include "base/rpc/service.h"
#include "base/rpc/stream.h"
#include "base/tls.h"

namespace yizhan::rpc {

// Turns a bearer token into a caller. Calls back at once when the answer is at hand. Unauthenticated for an unknown or
// ended one.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  virtual void Authenticate(std::string_view token, absl::AnyInvocable<void(absl::StatusOr<Principal>)> done) = 0;
  // Forgets what it remembered of a token's session (log-out, kick): at once instead of after 30 seconds.
  virtual void Forget(std::string_view session_id) = 0;
};

// Asks the services that issue tokens (directory for "yzp_", desk for "yzv_") and remembers the answer for 30 seconds,
// at most 200,000 of them.
std::unique_ptr<Authenticator> MakeAuthenticator(Channel* directory, Channel* desk);

struct TlsFiles {
  std::string certificate;  // PEM, chain
  std::string private_key;  // PEM
};

struct ServerOptions {
  // "127.0.0.1:0" and so on; empty: in-process only.
  std::string address;
  TlsFiles tls;
  // The inner face for other processes, over gRPC; empty: none. Either "unix:/PATH", for this machine: who may open the
  // socket is trusted as a service, so it is this user's alone; its folder should be too. Or "HOST:PORT" (port 0: any),
  // for other machines, with inner_tls: who calls is what the caller's certificate says.
  std::string inner_address;
  // For "HOST:PORT" only: as IssueServiceCertificate() makes them. Watched: connections that begin a few seconds after
  // they were replaced are judged and answered by the new ones, and those that run go on. Replace each by renaming: a
  // key that is not the certificate's closes the door until it is.
  TlsPaths inner_tls;
  // The name under which this process's own calls appear ("service:NAME").
  std::string service_name = "yizhan";
};

// Two faces of one table. The outer face (address) authenticates `authorization: Bearer`; the inner one is for
// services: they are trusted as SERVICE unless they pass a caller on. Those of this process reach it by channel(),
// which dispatches without gRPC in between, those of other processes by ConnectInside().
//
// Over "HOST:PORT" a caller's service is in its certificate ("yizhan" for one of all services; of several services, the
// one it names, else the first), and a caller without such a name is refused (NO_IDENTITY). Who may pass a person or a
// visitor on is every service; another service only one that is all services, or is the one that is called: a replica
// of it hands on what it has been asked itself.
class Server {
 public:
  // All outlive the server; authenticator may be null without an address. Unavailable when an address cannot be bound,
  // InvalidArgument when a certificate or its key cannot be read, or the inner address is neither a socket's nor has
  // what it needs (INNER_ADDRESS, INNER_TLS; TLS_FILE and NO_IDENTITY as ReadIdentity()).
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options, const ServiceTable* table,
                                                       Authenticator* authenticator);
  virtual ~Server() = default;  // stops

  // The port that was bound; 0 without address.
  virtual int port() const = 0;
  // The port of an inner face that is "HOST:PORT"; 0 for others.
  virtual int inner_port() const = 0;
  // The channel within this process. May outlive the server: then it refuses.
  virtual std::unique_ptr<Channel> channel() = 0;
  // Serves LinkService for a service: edges reach it by OpenLink with this name. The hub lives as long as the server,
  // the handler must outlive it. Before the first link to this service.
  virtual Hub* ServeLink(std::string service, LinkHandler* handler) = 0;
  // Gives the streams of a method ("/package.Service/Method") that clients begin on the outer face to `accept`, which
  // is called on a thread of gRPC's and must not block. Null: streams of it are refused from now on.
  virtual void ServeStream(std::string method, StreamAcceptor accept) = 0;
  // Refuses new calls, gives those that run two seconds, cancels the rest and waits for their handlers to answer. Once.
  virtual void Stop() = 0;
};

}  // namespace yizhan::rpc
