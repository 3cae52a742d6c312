#include "base/service_manager.h"

#include <gtest/gtest.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"

namespace yizhan {
namespace {

// A service manager's socket. `name` as NOTIFY_SOCKET has it.
class Manager {
 public:
  explicit Manager(const std::string& name) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), length), 0) << strerror(errno);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() {
    close(fd_);
    unsetenv("NOTIFY_SOCKET");
  }
  std::string Heard() {
    char text[256];
    const ssize_t length = recv(fd_, text, sizeof(text), 0);
    return length < 0 ? "nothing" : std::string(text, length);
  }

 private:
  int fd_;
};

TEST(ServiceManager, IsToldAtAPathAndAtAnAbstractName) {
  const std::string path = absl::StrCat(testing::TempDir(), "/service_manager_test.", getpid());
  for (const std::string& name : {path, absl::StrCat("@yizhan-test-", getpid())}) {
    Manager manager(name);
    auto told = NotifyServiceManager("READY=1\nSTATUS=https://localhost:8440");
    ASSERT_TRUE(told.ok()) << told.status();
    EXPECT_TRUE(*told);
    EXPECT_EQ(manager.Heard(), "READY=1\nSTATUS=https://localhost:8440");
    EXPECT_EQ(manager.Heard(), "nothing");
  }
  unlink(path.c_str());
}

TEST(ServiceManager, NobodyNeedsToBeThere) {
  unsetenv("NOTIFY_SOCKET");
  EXPECT_EQ(NotifyServiceManager("READY=1"), absl::StatusOr<bool>(false));
  for (const char* bad : {"relative", "/", "@"}) {
    setenv("NOTIFY_SOCKET", bad, 1);
    EXPECT_EQ(NotifyServiceManager("READY=1").status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  EXPECT_EQ(NotifyServiceManager("READY=1").status().code(), absl::StatusCode::kInvalidArgument);
  setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
  EXPECT_EQ(NotifyServiceManager("READY=1").status().code(), absl::StatusCode::kUnavailable);
  unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace yizhan
