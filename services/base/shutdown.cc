#include "base/shutdown.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdint>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/logging.h"

namespace yizhan {
namespace {

sigset_t Signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

// The next signal, 0 when the event came.
int Next(int signal_fd, int event_fd) {
  while (true) {
    pollfd fds[2] = {{signal_fd, POLLIN, 0}, {event_fd, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[0].revents & POLLIN) {
      signalfd_siginfo info;
      if (::read(signal_fd, &info, sizeof(info)) == sizeof(info)) return static_cast<int>(info.ssi_signo);
    }
    if (fds[1].revents & POLLIN) return 0;
  }
}

}  // namespace

Shutdown::Shutdown() {
  sigset_t set = Signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal_fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  event_fd_ = ::eventfd(0, EFD_CLOEXEC);
}

Shutdown::~Shutdown() {
  ::close(signal_fd_);
  ::close(event_fd_);
}

void Shutdown::OnStop(std::string what, std::function<void()> stop) {
  steps_.emplace_back(std::move(what), std::move(stop));
}
void Shutdown::OnReload(std::function<void()> reload) { reload_ = std::move(reload); }

int Shutdown::Wait() {
  int signal;
  while ((signal = Next(signal_fd_, event_fd_)) == SIGHUP) {
    log::Info("shutdown", "SIGHUP: reading the configuration again");
    if (reload_) reload_();
  }
  log::Info("shutdown", "stopping").With("signal", signal);
  // Whoever cannot wait says so again.
  int done_fd = ::eventfd(0, EFD_CLOEXEC);
  std::thread impatient([this, done_fd] {
    int again;
    while ((again = Next(signal_fd_, done_fd)) == SIGHUP) {
    }
    if (again != 0) ::_exit(130);
  });
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    absl::Time start = absl::Now();
    step->second();
    log::Info("shutdown", "stopped")
        .With("what", step->first)
        .With("ms", absl::ToDoubleMilliseconds(absl::Now() - start));
  }
  uint64_t one = 1;
  (void)!::write(done_fd, &one, sizeof(one));
  impatient.join();
  ::close(done_fd);
  return signal;
}

void Shutdown::Request() {
  uint64_t one = 1;
  (void)!::write(event_fd_, &one, sizeof(one));
}

}  // namespace yizhan
