// Real etcd servers for tests: one, or three that form a cluster, on free loopback ports in a folder of their own.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace yizhan::cluster {

// Not thread-safe. Needs etcd, etcdctl and (for TLS) openssl of the system. The servers run as the current user and
// end with this object, or with the thread that started them.
class EtcdServers {
 public:
  struct Options {
    int size = 1;  // 1 or 3
    // With an authority made for them: servers name 127.0.0.1 and want a client's certificate.
    bool tls = false;
    // Authentication, with users "root" (root_password()) and "yizhan" (user_password()), who may readwrite what begins
    // with `user_prefix`.
    bool auth = false;
    std::string user_prefix = "y/";
    int token_seconds = 300;  // that a token lives without being used
    bool fsync = false;       // true: as durable, and as slow, as in production
    int max_txn_ops = 1024;
    int64_t quota_bytes = 0;  // 0: etcd's own
  };

  // Answers when all servers do and there is a leader. Unavailable with etcd's own words when they do not within 30 s.
  static absl::StatusOr<std::unique_ptr<EtcdServers>> Start(Options options);
  static absl::StatusOr<std::unique_ptr<EtcdServers>> Start();
  ~EtcdServers();
  EtcdServers(const EtcdServers&) = delete;
  EtcdServers& operator=(const EtcdServers&) = delete;

  int size() const { return options_.size; }
  // "127.0.0.1:port" of each.
  std::vector<std::string> endpoints() const;

  void Kill(int server);             // at once; the data stays
  absl::Status Restart(int server);  // on the same ports with the same data; does not wait until it answers
  void Stop(int server);             // SIGSTOP: it accepts connections and says nothing
  void Cont(int server);
  // Until it is a healthy member. Unavailable with etcdctl's words when it is not in time.
  absl::Status WaitHealthy(int server, absl::Duration patience = absl::Seconds(20)) const;
  // Which one leads; -1 for none.
  int Leader() const;

  // What etcdctl prints, run with these words against one server, as root and with a client's certificate where needed.
  absl::StatusOr<std::string> Ctl(const std::vector<std::string>& words, int server = 0) const;

  std::string ca_file() const { return dir_ + "/ca.pem"; }
  std::string client_certificate_file() const { return dir_ + "/client.pem"; }
  std::string client_key_file() const { return dir_ + "/client.key"; }
  // Of another authority, which the servers do not know.
  std::string other_ca_file() const { return dir_ + "/other.pem"; }
  std::string other_certificate_file() const { return dir_ + "/stranger.pem"; }
  std::string other_key_file() const { return dir_ + "/stranger.key"; }
  static std::string root_password() { return "root-of-the-test"; }
  static std::string user_password() { return "password-of-the-test"; }

 private:
  struct Server {
    int client_port = 0;
    int peer_port = 0;
    pid_t pid = -1;
  };

  EtcdServers(std::string dir, Options options);
  absl::Status MakeCertificates() const;
  absl::Status LaunchAll();
  absl::Status Launch(int server);
  absl::Status EnableAuth();
  std::string Url(int port) const;
  std::string Log(int server) const;

  const std::string dir_;
  const Options options_;
  std::vector<Server> servers_;
  bool auth_on_ = false;
};

}  // namespace yizhan::cluster
