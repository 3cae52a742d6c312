#include "cluster/testing/etcd_servers.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/status.h"
#include "base/testing/programs.h"

namespace yizhan::cluster {
namespace {

using testing::FreePort;
using testing::RunProgram;
using testing::Spawn;
using testing::Tail;
using Command = std::vector<std::string>;

absl::Status MakeAuthority(const std::string& dir, const std::string& name) {
  return RunProgram({"openssl",
                     "req",
                     "-x509",
                     "-newkey",
                     "ec",
                     "-pkeyopt",
                     "ec_paramgen_curve:prime256v1",
                     "-nodes",
                     "-days",
                     "3650",
                     "-subj",
                     "/CN=Test authority " + name,
                     "-addext",
                     "basicConstraints=critical,CA:TRUE",
                     "-addext",
                     "keyUsage=critical,keyCertSign,cRLSign",
                     "-keyout",
                     absl::StrCat(dir, "/", name, ".key"),
                     "-out",
                     absl::StrCat(dir, "/", name, ".pem")},
                    dir)
      .status();
}

absl::Status MakeCertificate(const std::string& dir, const std::string& authority, const std::string& name,
                             const std::string& extensions) {
  const std::string stem = absl::StrCat(dir, "/", name);
  std::ofstream(stem + ".ext") << extensions;
  YZ_RETURN_IF_ERROR(RunProgram({"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                                 "-nodes", "-subj", "/CN=" + name, "-keyout", stem + ".key", "-out", stem + ".csr"},
                                dir)
                         .status());
  return RunProgram({"openssl", "x509", "-req", "-in", stem + ".csr", "-CA", absl::StrCat(dir, "/", authority, ".pem"),
                     "-CAkey", absl::StrCat(dir, "/", authority, ".key"), "-CAcreateserial", "-days", "3650",
                     "-extfile", stem + ".ext", "-out", stem + ".pem"},
                    dir)
      .status();
}

}  // namespace

EtcdServers::EtcdServers(std::string dir, Options options)
    : dir_(std::move(dir)), options_(std::move(options)), servers_(options_.size) {}

EtcdServers::~EtcdServers() {
  for (int i = 0; i < size(); ++i) Kill(i);
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

absl::StatusOr<std::unique_ptr<EtcdServers>> EtcdServers::Start() { return Start(Options()); }

absl::StatusOr<std::unique_ptr<EtcdServers>> EtcdServers::Start(Options options) {
  const char* temporary = std::getenv("TMPDIR");
  std::string dir = absl::StrCat(temporary == nullptr ? "/tmp" : temporary, "/yizhan-etcd-XXXXXX");
  if (mkdtemp(dir.data()) == nullptr) return absl::InternalError(absl::StrCat("cannot make ", dir));
  std::unique_ptr<EtcdServers> servers(new EtcdServers(dir, std::move(options)));
  if (servers->options_.tls) YZ_RETURN_IF_ERROR(servers->MakeCertificates());
  absl::Status launched;
  for (int attempt = 0; attempt < 3; ++attempt) {
    launched = servers->LaunchAll();
    if (launched.ok()) break;
    for (int i = 0; i < servers->size(); ++i) servers->Kill(i);
  }
  YZ_RETURN_IF_ERROR(launched);
  if (servers->options_.auth) YZ_RETURN_IF_ERROR(servers->EnableAuth());
  return servers;
}

absl::Status EtcdServers::MakeCertificates() const {
  YZ_RETURN_IF_ERROR(MakeAuthority(dir_, "ca"));
  YZ_RETURN_IF_ERROR(MakeAuthority(dir_, "other"));
  // The name is an IP address only, as in an institution without DNS.
  YZ_RETURN_IF_ERROR(MakeCertificate(dir_, "ca", "server", "subjectAltName=IP:127.0.0.1\n"));
  YZ_RETURN_IF_ERROR(MakeCertificate(dir_, "ca", "client", "extendedKeyUsage=clientAuth\n"));
  return MakeCertificate(dir_, "other", "stranger", "extendedKeyUsage=clientAuth\n");
}

std::string EtcdServers::Url(int port) const {
  return absl::StrCat(options_.tls ? "https" : "http", "://127.0.0.1:", port);
}

std::string EtcdServers::Log(int server) const { return absl::StrCat(dir_, "/etcd", server, ".log"); }

std::vector<std::string> EtcdServers::endpoints() const {
  std::vector<std::string> all;
  for (const Server& server : servers_) all.push_back(absl::StrCat("127.0.0.1:", server.client_port));
  return all;
}

absl::Status EtcdServers::LaunchAll() {
  for (int i = 0; i < size(); ++i) {
    servers_[i] = {FreePort(), FreePort(), -1};
    std::error_code ignored;
    std::filesystem::remove_all(absl::StrCat(dir_, "/data", i), ignored);
    std::filesystem::remove(Log(i), ignored);
  }
  for (int i = 0; i < size(); ++i) YZ_RETURN_IF_ERROR(Launch(i));
  for (int i = 0; i < size(); ++i) YZ_RETURN_IF_ERROR(WaitHealthy(i, absl::Seconds(10)));
  return absl::OkStatus();
}

absl::Status EtcdServers::Launch(int server) {
  std::vector<std::string> cluster;
  for (int i = 0; i < size(); ++i) {
    // Peers talk without TLS: that is not under test.
    cluster.push_back(absl::StrCat("s", i, "=http://127.0.0.1:", servers_[i].peer_port));
  }
  Server& self = servers_[server];
  const std::string peer_url = absl::StrCat("http://127.0.0.1:", self.peer_port);
  // zap: the older logger is a null pointer in one of 3.4's error paths.
  Command command = {"etcd",
                     absl::StrCat("--name=s", server),
                     absl::StrCat("--data-dir=", dir_, "/data", server),
                     "--listen-client-urls=" + Url(self.client_port),
                     "--advertise-client-urls=" + Url(self.client_port),
                     "--listen-peer-urls=" + peer_url,
                     "--initial-advertise-peer-urls=" + peer_url,
                     "--initial-cluster=" + absl::StrJoin(cluster, ","),
                     "--initial-cluster-state=new",
                     "--initial-cluster-token=" + dir_,
                     "--heartbeat-interval=50",
                     "--election-timeout=500",
                     "--max-request-bytes=8388608",
                     absl::StrCat("--max-txn-ops=", options_.max_txn_ops),
                     absl::StrCat("--auth-token-ttl=", options_.token_seconds),
                     "--logger=zap",
                     "--log-outputs=stderr",
                     "--log-level=warn"};
  if (!options_.fsync) command.push_back("--unsafe-no-fsync");
  if (options_.quota_bytes > 0) command.push_back(absl::StrCat("--quota-backend-bytes=", options_.quota_bytes));
  if (options_.tls) {
    for (const char* word : {"--cert-file=", "--key-file=", "--trusted-ca-file="}) command.push_back(word);
    command[command.size() - 3] += dir_ + "/server.pem";
    command[command.size() - 2] += dir_ + "/server.key";
    command[command.size() - 1] += ca_file();
    command.push_back("--client-cert-auth");
  }
  self.pid = Spawn(command, Log(server), Log(server));
  if (self.pid > 0) return absl::OkStatus();
  return absl::InternalError("cannot start etcd");
}

absl::Status EtcdServers::WaitHealthy(int server, absl::Duration patience) const {
  const absl::Time end = absl::Now() + patience;
  absl::Status last;
  do {
    // Not waited for: whoever kills it does.
    siginfo_t info = {};
    if (waitid(P_PID, servers_[server].pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
      return absl::UnavailableError(absl::StrCat("etcd ended: ", Tail(Log(server))));
    }
    last = Ctl({"--command-timeout=1s", "endpoint", "health"}, server).status();
    if (last.ok()) return last;
    absl::SleepFor(absl::Milliseconds(20));
  } while (absl::Now() < end);
  return absl::UnavailableError(absl::StrCat("etcd is not healthy: ", last.message(), " ", Tail(Log(server))));
}

absl::StatusOr<std::string> EtcdServers::Ctl(const std::vector<std::string>& words, int server) const {
  Command command = {"etcdctl", "--endpoints=" + Url(servers_[server].client_port)};
  if (options_.tls) {
    command.push_back("--cacert=" + ca_file());
    command.push_back("--cert=" + client_certificate_file());
    command.push_back("--key=" + client_key_file());
  }
  if (auth_on_) command.push_back("--user=root:" + root_password());
  command.insert(command.end(), words.begin(), words.end());
  return RunProgram(command, dir_);
}

absl::Status EtcdServers::EnableAuth() {
  const std::string& prefix = options_.user_prefix;
  for (const Command& words : std::vector<Command>{
           {"user", "add", "root:" + root_password()},
           {"user", "grant-role", "root", "root"},
           {"role", "add", "yizhan"},
           {"role", "grant-permission", "yizhan", "--prefix=true", "readwrite", prefix},
           {"user", "add", "yizhan:" + user_password()},
           {"user", "grant-role", "yizhan", "yizhan"},
           {"auth", "enable"},
       }) {
    YZ_RETURN_IF_ERROR(Ctl(words).status());
  }
  auth_on_ = true;
  return absl::OkStatus();
}

int EtcdServers::Leader() const {
  for (int i = 0; i < size(); ++i) {
    auto said = Ctl({"--command-timeout=2s", "endpoint", "status"}, i);  // "url, id, version, size, leader, ..."
    if (!said.ok()) continue;
    const std::vector<std::string> fields = absl::StrSplit(*said, ", ");
    if (fields.size() > 4 && fields[4] == "true") return i;
  }
  return -1;
}

void EtcdServers::Kill(int server) {
  pid_t& pid = servers_[server].pid;
  if (pid <= 0) return;
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  pid = -1;
}

absl::Status EtcdServers::Restart(int server) {
  Kill(server);
  return Launch(server);
}

void EtcdServers::Stop(int server) {
  const pid_t pid = servers_[server].pid;
  if (pid <= 0) return;
  kill(pid, SIGSTOP);
  waitpid(pid, nullptr, WUNTRACED);  // until its last thread stands still
}

void EtcdServers::Cont(int server) {
  const pid_t pid = servers_[server].pid;
  if (pid > 0) kill(pid, SIGCONT);
}

}  // namespace yizhan::cluster
