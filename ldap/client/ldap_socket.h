// A TCP connection whose every read and write ends at a deadline.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace yizhan::directory {

// libldap's own reading polls for the first byte and then reads without a bound, and its TLS handshake over GnuTLS
// (2.5) spins for ever on a server that accepts and says nothing. So bytes go through this. Not thread-safe. Never
// raises SIGPIPE.
class LdapSocket {
 public:
  // Host: a name or an address, IPv6 without brackets. Tries the host's addresses in the system's order, each with its
  // share of the time that is left. Unavailable, in the system's words. The name is resolved in the system's own time.
  static absl::StatusOr<std::unique_ptr<LdapSocket>> Connect(const std::string& host, int port, absl::Time deadline);
  ~LdapSocket();
  LdapSocket(const LdapSocket&) = delete;
  LdapSocket& operator=(const LdapSocket&) = delete;

  // As recv(2) and send(2), waiting until the deadline; then -1 with ETIMEDOUT.
  ssize_t Read(void* into, size_t most);
  ssize_t Write(const void* from, size_t count);

  void set_deadline(absl::Time deadline) { deadline_ = deadline; }
  bool timed_out() const { return timed_out_; }
  int fd() const { return fd_; }

 private:
  explicit LdapSocket(int fd) : fd_(fd) {}
  bool Wait(short events);

  const int fd_;
  absl::Time deadline_ = absl::InfinitePast();
  bool timed_out_ = false;
};

}  // namespace yizhan::directory
