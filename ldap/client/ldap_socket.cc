#include "ldap/client/ldap_socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace yizhan::directory {
namespace {

// 0, or an errno.
int PollUntil(int fd, short events, absl::Time deadline) {
  while (true) {
    const absl::Duration left = deadline - absl::Now();
    const int64_t ms =
        std::clamp<int64_t>(absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))), 0, 24 * 3600 * 1000);
    pollfd wait = {.fd = fd, .events = events, .revents = 0};
    const int ready = poll(&wait, 1, static_cast<int>(ms));
    if (ready > 0) return 0;
    if (ready == 0) return ETIMEDOUT;
    if (errno != EINTR) return errno;
  }
}

// A connected socket, or -1 with errno.
int ConnectTo(const addrinfo& address, absl::Time deadline) {
  const int fd = socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  int error = connect(fd, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    error = PollUntil(fd, POLLOUT, deadline);
    socklen_t size = sizeof(error);
    if (error == 0) getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error == 0) {
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
  }
  close(fd);
  errno = error;
  return -1;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LdapSocket>> LdapSocket::Connect(const std::string& host, int port,
                                                                absl::Time deadline) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (int code = getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &found); code != 0) {
    return absl::UnavailableError(absl::StrCat("the name cannot be resolved (", gai_strerror(code), ")"));
  }
  const absl::Cleanup free_found = [&] { freeaddrinfo(found); };
  int left = 0;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) ++left;
  int error = ETIMEDOUT;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next, --left) {
    const absl::Time now = absl::Now();
    const int fd = ConnectTo(*at, now + (deadline - now) / left);
    if (fd >= 0) {
      std::unique_ptr<LdapSocket> connected(new LdapSocket(fd));
      connected->set_deadline(deadline);
      return connected;
    }
    error = errno;
  }
  return absl::UnavailableError(strerror(error));
}

LdapSocket::~LdapSocket() { close(fd_); }

bool LdapSocket::Wait(short events) {
  const int error = PollUntil(fd_, events, deadline_);
  timed_out_ = timed_out_ || error == ETIMEDOUT;
  errno = error;
  return error == 0;
}

ssize_t LdapSocket::Read(void* into, size_t most) {
  while (true) {
    const ssize_t count = recv(fd_, into, most, 0);
    if (count >= 0) return count;
    if (errno == EINTR) continue;
    if ((errno != EAGAIN && errno != EWOULDBLOCK) || !Wait(POLLIN)) return -1;
  }
}

ssize_t LdapSocket::Write(const void* from, size_t count) {
  while (true) {
    const ssize_t written = send(fd_, from, count, MSG_NOSIGNAL);
    if (written >= 0) return written;
    if (errno == EINTR) continue;
    if ((errno != EAGAIN && errno != EWOULDBLOCK) || !Wait(POLLOUT)) return -1;
  }
}

}  // namespace yizhan::directory
