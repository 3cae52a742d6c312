// From the signal to the end: the process stops in the opposite order of its start.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace yizhan {

class Shutdown {
 public:
  // Blocks SIGINT, SIGTERM and SIGHUP in this thread and in those that it starts: make it first in main.
  Shutdown();
  ~Shutdown();
  Shutdown(const Shutdown&) = delete;
  Shutdown& operator=(const Shutdown&) = delete;

  // Runs at the stop, before everything that was added earlier.
  void OnStop(std::string what, std::function<void()> stop);
  // Runs whenever SIGHUP comes (read the configuration again, open certificates again), on the thread that waits.
  void OnReload(std::function<void()> reload);

  // Waits for SIGINT, SIGTERM or Request(), then runs the steps, each told in the log. A second signal ends the process
  // at once with status 130. Returns the number of the signal; 0 for Request().
  int Wait();
  // As a signal would; from any thread.
  void Request();

 private:
  int event_fd_ = -1, signal_fd_ = -1;
  std::function<void()> reload_;
  std::vector<std::pair<std::string, std::function<void()>>> steps_;
};

}  // namespace yizhan
