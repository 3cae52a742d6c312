#include "base/testing/programs.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace yizhan::testing {

pid_t Spawn(const std::vector<std::string>& command, const std::string& out, const std::string& log) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const int out_fd = open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int log_fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    signal(SIGPIPE, SIG_DFL);
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(out_fd, 1);
    dup2(log_fd, 2);
    for (int fd = 3; fd < 1024; ++fd) close(fd);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  close(out_fd);
  close(log_fd);
  return pid;
}

namespace {
std::string Read(const std::string& file) {
  std::ifstream in(file);
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}
}  // namespace

std::string Tail(const std::string& file) {
  std::string all = Read(file);
  return all.size() > 3000 ? all.substr(all.size() - 3000) : all;
}

absl::StatusOr<std::string> RunProgram(const std::vector<std::string>& command, const std::string& dir) {
  std::string out = dir + "/out-XXXXXX";
  const int fd = mkstemp(out.data());
  if (fd < 0) return absl::InternalError("cannot make " + out);
  close(fd);
  const std::string log = out + ".err";
  const pid_t pid = Spawn(command, out, log);
  int status = 0;
  const bool done = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  std::string printed = Read(out), complained = Tail(log);
  unlink(out.c_str());
  unlink(log.c_str());
  if (done) return printed;
  return absl::InternalError(absl::StrCat(command[0], " failed; is it installed? It said: ", complained));
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  int port = 0;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0) {
    port = ntohs(address.sin_port);
  }
  close(fd);
  return port;
}

}  // namespace yizhan::testing
