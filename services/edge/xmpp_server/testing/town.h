// A town of four people, u1 to u4 (p1 to p4, password "right"), with just enough of directory and im behind a real server for tests of
// real sockets: messages between two get their seq and reach whoever is connected.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "base/http/io_pool.h"
#include "base/http/testing.h"
#include "base/rpc/server.h"
#include "edge/session_router.h"
#include "edge/xmpp_server/xmpp_server.h"

namespace yizhan::edge::xmpp {

class Town {
 public:
  // Plain XMPP always; TLS beside it when asked.
  explicit Town(XmppOptions options = {}, bool tls = false);
  ~Town();

  // How often a method (its last name) was called; waits until it was so often, at most 10 s.
  int Count(const std::string& name) const;
  bool WaitForCount(const std::string& name, int count) const;
  // The town's people grow by this one.
  void AddPerson(const std::string& login);

  XmppServer& xmpp() { return *xmpp_; }
  int port() const { return xmpp_->plain_port(); }
  const std::string& ca() const { return tls_.ca; }
  void StopXmpp() { xmpp_->Stop(); }
  SessionRouter& router() { return *router_; }

 private:
  class Handler;
  void Register();
  void See(const std::string& method);

  mutable absl::Mutex mutex_;
  std::vector<std::string> seen_;
  std::vector<std::string> logins_;
  std::map<std::string, uint64_t> seqs_;
  std::string folder_;
  TlsPaths tls_;
  rpc::ServiceTable table_;
  std::unique_ptr<Handler> handler_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::Channel> channel_;
  std::unique_ptr<rpc::Authenticator> authenticator_;
  rpc::Hub* hub_ = nullptr;
  std::unique_ptr<http::IoPool> pool_;
  std::unique_ptr<SessionRouter> router_;
  std::unique_ptr<XmppServer> xmpp_;
};

// A client of the town, over http::testing::Client.
class TownClient {
 public:
  explicit TownClient(int port, const std::string& ca = "") : client_(port, ca) {}

  void Send(std::string_view bytes) { client_.Send(bytes); }
  std::string ReadUntil(std::string_view mark) { return client_.ReadUntil(mark); }
  std::string ReadAll() { return client_.ReadAll(); }
  // The stream's header, up to the features.
  std::string Open();
  // PLAIN; what the server says.
  std::string LogIn(const std::string& login, const std::string& password = "right");
  // Header, log-in, header, resource, presence.
  void Enter(const std::string& login, const std::string& resource = "desk");

 private:
  http::testing::Client client_;
};

}  // namespace yizhan::edge::xmpp
