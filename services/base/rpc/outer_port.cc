#include "base/rpc/outer_port.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "base/logging.h"
#include "base/metrics.h"
#include "base/status.h"

namespace yizhan::rpc {
namespace {

constexpr int kBacklog = 4096;
constexpr int kPauseMs = 250;

struct Descriptor {
  Descriptor() = default;
  explicit Descriptor(int descriptor) : fd(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd, other.fd);
    return *this;
  }
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int fd = -1;
};

// As base/http/listener.cc: the last descriptors are for the process's files.
bool IsAmongTheLast(int descriptor) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
  return static_cast<rlim_t>(descriptor) >= limit.rlim_cur - std::min<rlim_t>(1024, limit.rlim_cur / 4);
}

absl::StatusOr<Descriptor> Listen(const std::string& address) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  if (colon == std::string::npos || host.empty() ||
      getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &found) != 0) {
    return Refuse(absl::StatusCode::kUnavailable, "ADDRESS",
                  "gRPC cannot listen on \"" + address + "\": write it as 127.0.0.1:8443");
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, freeaddrinfo);
  Descriptor socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (socket.fd < 0 || setsockopt(socket.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      bind(socket.fd, found->ai_addr, found->ai_addrlen) != 0 || listen(socket.fd, kBacklog) != 0) {
    const bool in_use = errno == EADDRINUSE;
    return Refuse(absl::StatusCode::kUnavailable, in_use ? "PORT_IN_USE" : "CANNOT_LISTEN",
                  "gRPC cannot listen on " + address + ": " + std::strerror(errno) +
                      (in_use ? "; another program has this port" : ""));
  }
  return socket;
}

class SocketPort final : public OuterPort {
 public:
  explicit SocketPort(Descriptor socket)
      : socket_(std::move(socket)),
        wake_(eventfd(0, EFD_CLOEXEC)),
        refused_(metrics::GetCounter("yizhan_edge_refused_connections_total",
                                     "Connections closed at once because there were too many.", {{"kind", "grpc"}})) {
    sockaddr_storage bound{};
    socklen_t size = sizeof(bound);
    if (getsockname(socket_.fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return;
    port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                              : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
  }
  ~SocketPort() override { Stop(); }

  int port() const override { return port_; }

  void Start(std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor) override {
    acceptor_ = std::move(acceptor);
    thread_ = std::thread([this] { Run(); });
  }

  void Stop() override {
    if (!thread_.joinable()) return;
    const uint64_t one = 1;
    while (write(wake_.fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
    thread_.join();
    socket_ = Descriptor();
  }

 private:
  void Run() {
    for (;;) {
      pollfd ready[] = {{wake_.fd, POLLIN, 0}, {socket_.fd, POLLIN, 0}};
      if (poll(ready, 2, -1) < 0 && errno != EINTR) return;
      if (ready[0].revents != 0) return;
      if (ready[1].revents != 0 && !Accept()) {
        // Those that are open go on, and new ones wait in the backlog.
        poll(ready, 1, kPauseMs);
        if (ready[0].revents != 0) return;
      }
    }
  }

  // False when nothing can be accepted for now.
  bool Accept() {
    Descriptor one(accept4(socket_.fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (one.fd < 0) {
      if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) return true;
      log::Warning("rpc", "a connection cannot be accepted").With("error", std::strerror(errno));
      return false;
    }
    if (IsAmongTheLast(one.fd)) {
      refused_.Add();
      return true;
    }
    const int on = 1;
    setsockopt(one.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.listener_fd = socket_.fd;
    connection.fd = std::exchange(one.fd, -1);
    acceptor_->HandleNewConnection(&connection);
    return true;
  }

  Descriptor socket_;
  const Descriptor wake_;
  metrics::Counter& refused_;
  int port_ = 0;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<OuterPort>> OuterPort::Open(const std::string& address) {
  YZ_ASSIGN_OR_RETURN(Descriptor socket, Listen(address));
  return std::make_unique<SocketPort>(std::move(socket));
}

}  // namespace yizhan::rpc
