#include "base/http/listener.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "absl/strings/numbers.h"
#include "base/http/stream_impl.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "base/status.h"

namespace yizhan::http {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

constexpr int kBacklog = 4096;

// Whether a connection's descriptor is among the process's last ones, which are for its files: a store that cannot open
// its next log file stops the process. Descriptors are given out from the lowest on, so the number tells how many there
// are. Asked each time, because the limit may be changed from outside.
bool IsAmongTheLast(int descriptor) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
  return static_cast<rlim_t>(descriptor) >= limit.rlim_cur - std::min<rlim_t>(1024, limit.rlim_cur / 4);
}

// "host:port" and "[v6]:port".
absl::StatusOr<Tcp::endpoint> ParseAddress(const std::string& address) {
  size_t colon = address.rfind(':');
  int port = -1;
  boost::system::error_code error = asio::error::invalid_argument;
  asio::ip::address host;
  if (colon != std::string::npos && absl::SimpleAtoi(address.substr(colon + 1), &port) && port >= 0 && port <= 65535) {
    std::string name = address.substr(0, colon);
    if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
    if (name == "localhost") name = "127.0.0.1";
    host = asio::ip::make_address(name, error);
  }
  if (error) {
    return Refuse(absl::StatusCode::kInvalidArgument, "ADDRESS",
                  "\"" + address + "\" is not an address to listen on: write it as 127.0.0.1:8443 or [::1]:8443");
  }
  return Tcp::endpoint(host, static_cast<unsigned short>(port));
}

struct Descriptor {
  explicit Descriptor(int descriptor) : fd(descriptor) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

class SocketListener final : public Listener {
 public:
  SocketListener(IoPool* pool, ListenerOptions options, std::function<void(std::shared_ptr<Stream>)> on_accept)
      : pool_(pool),
        shared_(std::make_shared<Shared>(pool, std::move(options), std::move(on_accept))),
        gauge_("yizhan_edge_connections", "Connections that live, by kind.", {{"kind", shared_->options.name}},
               [count = shared_->count] { return static_cast<double>(count->load()); }) {}
  ~SocketListener() override { Stop(); }

  absl::Status Bind() {
    YZ_ASSIGN_OR_RETURN(Tcp::endpoint endpoint, ParseAddress(shared_->options.address));
    boost::system::error_code error;
    Tcp::acceptor& acceptor = shared_->acceptor;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(kBacklog, error);
    if (error) {
      return Refuse(absl::StatusCode::kUnavailable,
                    error == asio::error::address_in_use ? "PORT_IN_USE" : "CANNOT_LISTEN",
                    "cannot listen on " + shared_->options.address + ": " + error.message() +
                        (error == asio::error::address_in_use ? "; another program has this port" : ""));
    }
    port_ = acceptor.local_endpoint(error).port();
    pool_->Post(0, [shared = shared_] { shared->Accept(shared); });
    return absl::OkStatus();
  }

  int port() const override { return port_; }
  size_t connections() const override { return shared_->count->load(); }

  void Stop() override {
    if (std::exchange(stopped_, true)) return;
    pool_->RunAndWait(0, [this] {
      boost::system::error_code ignored;
      shared_->stopped = true;
      shared_->acceptor.close(ignored);
    });
  }

 private:
  struct Shared {
    Shared(IoPool* pool, ListenerOptions options, std::function<void(std::shared_ptr<Stream>)> on_accept)
        : pool(pool),
          options(std::move(options)),
          on_accept(std::move(on_accept)),
          acceptor(pool->context(0)),
          accepted(metrics::GetCounter("yizhan_edge_accepted_total", "Connections accepted, by kind.",
                                       {{"kind", this->options.name}})),
          refused(metrics::GetCounter("yizhan_edge_refused_connections_total",
                                      "Connections closed at once because there were too many.",
                                      {{"kind", this->options.name}})) {}

    void Accept(const std::shared_ptr<Shared>& self) {
      if (stopped) return;
      size_t thread = pool->Next();
      acceptor.async_accept(pool->context(thread),
                            [this, self, thread](const boost::system::error_code& error, Tcp::socket socket) {
                              if (stopped) return;
                              if (error) {
                                // Out of descriptors, most likely: those that are open go on, and new ones wait in the
                                // backlog.
                                log::Warning("edge", "a connection cannot be accepted")
                                    .With("kind", options.name)
                                    .With("error", error.message());
                                pool->After(0, absl::Milliseconds(250), [this, self] { Accept(self); });
                                return;
                              }
                              Take(std::move(socket), thread);
                              Accept(self);
                            });
    }

    void Take(Tcp::socket socket, size_t thread) {
      if (count->load(std::memory_order_relaxed) >= options.max_connections || IsAmongTheLast(socket.native_handle())) {
        refused.Add();
        return;
      }
      accepted.Add();
      count->fetch_add(1, std::memory_order_relaxed);
      std::shared_ptr<void> alive(nullptr, [count = count](void*) { count->fetch_sub(1, std::memory_order_relaxed); });
      boost::system::error_code error;
      Tcp::endpoint remote = socket.remote_endpoint(error);
      bool ipv6 = remote.address().is_v6();
      asio::ip::address address = remote.address();
      if (ipv6 && address.to_v6().is_v4_mapped())
        address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
      int fd = error ? -1 : socket.release(error);
      if (error || fd < 0) return;                    // gone already
      auto owned = std::make_unique<Descriptor>(fd);  // closed when the pool stops first
      pool->Post(thread, [pool = pool, owned = std::move(owned), thread, ipv6, text = address.to_string(),
                          alive = std::move(alive), on_accept = on_accept]() mutable {
        on_accept(MakeStream(pool, thread, std::exchange(owned->fd, -1), ipv6, std::move(text), std::move(alive)));
      });
    }

    IoPool* const pool;
    const ListenerOptions options;
    const std::function<void(std::shared_ptr<Stream>)> on_accept;
    Tcp::acceptor acceptor;
    const std::shared_ptr<std::atomic<size_t>> count = std::make_shared<std::atomic<size_t>>(0);
    metrics::Counter& accepted;
    metrics::Counter& refused;
    bool stopped = false;
  };

  IoPool* const pool_;
  const std::shared_ptr<Shared> shared_;
  metrics::GaugeFunction gauge_;
  int port_ = 0;
  bool stopped_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Open(IoPool* pool, ListenerOptions options,
                                                         std::function<void(std::shared_ptr<Stream>)> on_accept) {
  auto listener = std::make_unique<SocketListener>(pool, std::move(options), std::move(on_accept));
  YZ_RETURN_IF_ERROR(listener->Bind());
  return listener;
}

}  // namespace yizhan::http
