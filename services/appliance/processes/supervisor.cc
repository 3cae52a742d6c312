#include "appliance/processes/supervisor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "appliance/processes/plan.h"
#include "appliance/processes/prepare.h"
#include "base/ids.h"
#include "base/logging.h"
#include "base/status.h"

namespace yizhan::appliance {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kToStart = absl::Minutes(10), kToStop = absl::Seconds(20), kPause = absl::Seconds(1);

bool IsFree(const std::string& address, int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address.c_str(), &at.sin_addr);
  const bool free = bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  close(fd);
  return free;
}

// The first of some free ports in a row, below those that the kernel gives to clients.
absl::StatusOr<int> FindPorts(const std::string& address, int count) {
  for (int tries = 0; tries < 200; ++tries) {
    const std::string random = RandomBytes(2);
    const int first = 10'000 + (static_cast<unsigned char>(random[0]) * 256 + static_cast<unsigned char>(random[1])) % 20'000;
    bool free = true;
    for (int i = 0; free && i < count; ++i) free = IsFree(address, first + i);
    if (free) return first;
  }
  return absl::UnavailableError(absl::StrCat("there are no ", count, " free ports in a row at ", address));
}

class Supervisor : public Appliance {
 public:
  Supervisor(RunOptions options, std::string program, std::vector<std::string> arguments)
      : options_(std::move(options)), program_(std::move(program)), arguments_(std::move(arguments)) {}
  ~Supervisor() override { Stop(); }

  absl::Status Run() {
    YZ_RETURN_IF_ERROR(CheckOptions(options_));
    if (options_.cluster.enabled()) {
      return Refuse(absl::StatusCode::kInvalidArgument, "OPTIONS",
                    "the machines of a cluster run all services in one process each: leave --processes out, or cluster.node");
    }
    std::ostringstream prepared;
    YZ_RETURN_IF_ERROR(Prepare(options_, /*renew=*/false, prepared));
    YZ_RETURN_IF_ERROR(ChoosePorts());
    for (const ServicePlan& plan : ServicePlans()) {
      std::error_code error;
      fs::remove(InfoFile(plan.name), error);
    }
    watcher_ = std::thread([this] { Watch(); });
    YZ_RETURN_IF_ERROR(WaitUntilReady());
    return ReadInfo();
  }

  const Addresses& addresses() const override { return addresses_; }
  const Demonstration& demonstration() const override { return demonstration_; }

 private:
  std::string InfoFile(const std::string& service) const { return FolderOf(options_, service) + "/info.json"; }

  absl::Status ChoosePorts() {
    if (options_.port_base == 0) {
      YZ_ASSIGN_OR_RETURN(options_.port_base, FindPorts(options_.address, 5));
      // What people were not told of need not be where it was.
      YZ_ASSIGN_OR_RETURN(options_.inner_port_base, FindPorts("127.0.0.1", 16));
    }
    arguments_.insert(arguments_.end(), {"--port-base", absl::StrCat(options_.port_base), "--inner-port-base", absl::StrCat(options_.inner_port_base)});
    return absl::OkStatus();
  }

  void Begin(const std::string& service) {
    std::vector<std::string> words = {program_, "serve", service};
    words.insert(words.end(), arguments_.begin(), arguments_.end());
    words.insert(words.end(), {"--info", InfoFile(service)});
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t self = getpid(), child = fork();
    if (child == 0) {
      // Ends with the watcher, however that ends, also before this line; Ctrl-C is the watcher's to hear.
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      setpgid(0, 0);
      if (getppid() != self) _exit(1);
      execv(program_.c_str(), argv.data());
      _exit(127);
    }
    children_[service] = child;
  }

  // Starts them, starts again what ends, sees what cannot start at all, and stops them in the end: all on one thread,
  // which the kernel takes for their parent.
  void Watch() {
    for (const ServicePlan& plan : ServicePlans()) {
      if (plan.name != "edge") Begin(plan.name);
    }
    WatchUntilStopped();
    StopAll();
  }

  void WatchUntilStopped() {
    while (true) {
      std::string ended;
      int how = 0;
      {
        absl::MutexLock lock(&mutex_);
        if (stopping_) return;
        for (auto& [service, child] : children_) {
          if (ended.empty() && child > 0 && waitpid(child, &how, WNOHANG) == child) {
            ended = service;
            child = 0;
          }
        }
        if (!ended.empty() && !ready_) {
          failed_ = absl::UnavailableError(absl::StrCat("the service ", ended, " could not start; what it says stands above"));
          return;
        }
      }
      if (ended.empty()) {
        // People come in when there is something behind the door.
        if (!children_.contains("edge") && AllReadyBut("edge")) Begin("edge");
        absl::SleepFor(absl::Milliseconds(50));
        continue;
      }
      log::Error("appliance", "a service has ended and is started again").With("service", ended).With("how", WIFSIGNALED(how) ? absl::StrCat("signal ", WTERMSIG(how)) : absl::StrCat("code ", WEXITSTATUS(how)));
      absl::SleepFor(kPause);
      absl::ReleasableMutexLock lock(&mutex_);
      if (stopping_) return;
      lock.Release();
      Begin(ended);
    }
  }

  bool AllReadyBut(std::string_view service) const {
    const auto& plans = ServicePlans();
    return std::all_of(plans.begin(), plans.end(), [&](const ServicePlan& plan) {
      std::error_code error;
      return plan.name == service || fs::exists(InfoFile(plan.name), error);
    });
  }

  absl::Status WaitUntilReady() {
    const absl::Time give_up = absl::Now() + kToStart;
    for (const ServicePlan& plan : ServicePlans()) {
      std::error_code error;
      while (!fs::exists(InfoFile(plan.name), error)) {
        {
          absl::MutexLock lock(&mutex_);
          YZ_RETURN_IF_ERROR(failed_);
        }
        if (absl::Now() > give_up) return absl::DeadlineExceededError(absl::StrCat("the service ", plan.name, " was not ready after ", absl::FormatDuration(kToStart)));
        absl::SleepFor(absl::Milliseconds(20));
      }
    }
    absl::MutexLock lock(&mutex_);
    ready_ = true;
    return absl::OkStatus();
  }

  // What each told of itself (InfoJson).
  absl::Status ReadInfo() {
    try {
      const auto read = [this](const char* service) { return nlohmann::json::parse(std::ifstream(InfoFile(service))); };
      const auto edge = read("edge"), directory = read("directory"), audit = read("audit");
      addresses_.web_url = edge["web"]["url"];
      addresses_.grpc_address = edge["grpc"]["address"];
      addresses_.metrics_url = edge["metrics"]["url"];
      addresses_.ca_file = edge["ca"];
      addresses_.xmpp_port = edge["xmpp"]["port"];
      addresses_.xmpp_tls_port = edge["xmpp"]["tls_port"];
      addresses_.plain_xmpp_port = edge["xmpp"].value("plain_port", 0);
      addresses_.widget_demo_url = directory["widget_demo"];
      addresses_.archive_public_key = audit["archive"]["public_key"];
      for (const auto& person : directory["people"])
        demonstration_.people.push_back({person["login"], person["password"], person["name"], person["roles"]});
    } catch (const nlohmann::json::exception& error) {
      return absl::InternalError(absl::StrCat("what a service told of itself cannot be read: ", error.what()));
    }
    return absl::OkStatus();
  }

  void Stop() {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    if (watcher_.joinable()) watcher_.join();
  }

  // Connections first, what others need last.
  void StopAll() {
    const auto& plans = ServicePlans();
    for (auto plan = plans.rbegin(); plan != plans.rend(); ++plan) {
      const pid_t child = children_[plan->name];
      if (child <= 0) continue;
      kill(child, SIGTERM);
      int how = 0;
      const absl::Time late = absl::Now() + kToStop;
      while (waitpid(child, &how, WNOHANG) == 0) {
        if (absl::Now() > late) kill(child, SIGKILL);
        absl::SleepFor(absl::Milliseconds(10));
      }
    }
  }

  RunOptions options_;
  const std::string program_;
  std::vector<std::string> arguments_;
  Addresses addresses_;
  Demonstration demonstration_;
  std::map<std::string, pid_t> children_;  // the watcher's
  absl::Mutex mutex_;
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failed_ ABSL_GUARDED_BY(mutex_);
  std::thread watcher_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Appliance>> Supervise(RunOptions options, const std::string& program,
                                                     std::vector<std::string> arguments) {
  auto supervisor = std::make_unique<Supervisor>(std::move(options), program, std::move(arguments));
  YZ_RETURN_IF_ERROR(supervisor->Run());
  return supervisor;
}

}  // namespace yizhan::appliance
