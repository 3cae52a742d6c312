// Starts that fail, each at another stage: the refusal names what is wrong, nothing is left running or locked, and once
// the cause is gone the same folder starts.
#include "appliance/appliance.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "base/status.h"
#include "ledger/ledger.h"

namespace yizhan::appliance {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A socket that listens on a port of loopback.
class TakenPort {
 public:
  explicit TakenPort(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const int on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    ok_ = bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 && listen(fd_, 1) == 0;
  }
  ~TakenPort() { close(fd_); }
  bool ok() const { return ok_; }

 private:
  const int fd_;
  bool ok_ = false;
};

// The first of five ports in a row that nobody has.
int FreePortBase() {
  for (int base = 21'000 + getpid() % 4'000 * 5; base < 60'000; base += 5) {
    bool free = true;
    for (int i = 0; i < 5 && free; ++i) free = TakenPort(base + i).ok();
    if (free) return base;
  }
  return 0;
}

class ApplianceTest : public ::testing::Test {
 protected:
  ApplianceTest() {
    signal(SIGPIPE, SIG_IGN);
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    options_.data_dir = dir_ + "/data";
    options_.address = "127.0.0.1";
    options_.port_base = 0;
    options_.demonstration = false;
  }
  ~ApplianceTest() override { fs::remove_all(dir_); }

  // What the start was refused with; the folder's lock is free after it.
  absl::Status Refused() {
    const absl::Status status = Appliance::Start(options_).status();
    EXPECT_FALSE(status.ok());
    return status;
  }
  // Starts, and stops in order.
  void Starts() {
    auto appliance = Appliance::Start(options_);
    ASSERT_TRUE(appliance.ok()) << appliance.status();
    EXPECT_GT((*appliance)->addresses().xmpp_port, 0);
  }
  std::string Data(const std::string& name) const { return options_.data_dir + "/" + name; }
  // Changes a file of a folder that has run before; the start is refused with `says`; with the file as it was, it
  // starts.
  void RefusesChanged(const std::string& name, const std::function<void(const std::string&)>& change,
                      const std::string& says) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(fs::exists(Data(name)));
    fs::copy_file(Data(name), dir_ + "/kept", fs::copy_options::overwrite_existing);
    change(Data(name));
    EXPECT_THAT(std::string(Refused().message()), HasSubstr(says));
    fs::copy_file(dir_ + "/kept", Data(name), fs::copy_options::overwrite_existing);
    Starts();
  }

  const std::string dir_ = ::testing::TempDir() + "appliance_test-" + std::to_string(getpid());
  RunOptions options_;
};

TEST_F(ApplianceTest, RefusesOptionsBeforeItMakesAnything) {
  options_.bench_people = 3;  // and no domain
  EXPECT_TRUE(absl::IsInvalidArgument(Refused()));
  EXPECT_FALSE(fs::exists(options_.data_dir));
}

TEST_F(ApplianceTest, RefusesADataFolderThatIsAFile) {
  std::ofstream(options_.data_dir) << "x";
  EXPECT_THAT(std::string(Refused().message()), HasSubstr(options_.data_dir));
  fs::remove(options_.data_dir);
  Starts();
}

TEST_F(ApplianceTest, RefusesAFolderThatIsInUse) {
  auto first = Appliance::Start(options_);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(Refused().message().empty());
  first->reset();
  Starts();
}

TEST_F(ApplianceTest, RefusesKeysThatAreNotTheFoldersAndStartsWithTheRightOnes) {
  Starts();
  const auto lose = [](const std::string& path) { fs::remove(path); };
  const auto replace = [](const std::string& path) { std::ofstream(path, std::ios::binary) << std::string(32, 'k'); };
  const auto cut = [](const std::string& path) { fs::resize_file(path, 5); };
  RefusesChanged("keys/installation.key", lose, "installation.key");  // the keyring does not open
  RefusesChanged("keys/installation.key", cut, "installation.key");
  RefusesChanged("keys/installation.key", replace, "key");  // it opens, and unwraps nothing
  RefusesChanged("keys/archive.key", lose, "archive.key");  // the archive is not made
  RefusesChanged("keys/archive.key", cut, "archive.key");
}

TEST_F(ApplianceTest, RefusesALedgerThatNothingUnderstands) {
  Starts();
  {
    // A service that this program does not know: its partition is there, and nobody minds while it has no records.
    ledger::Options ledger;
    ledger.data_dir = options_.data_dir;
    ledger.partitions = {{"later", 1}};
    ASSERT_TRUE(ledger::Ledger::Open(ledger).ok());
  }
  Starts();
}

TEST_F(ApplianceTest, RefusesOtherPartitionCounts) {
  Starts();
  const int before = options_.im_partitions;
  options_.im_partitions = before + 1;
  EXPECT_THAT(std::string(Refused().message()), HasSubstr("im"));
  options_.im_partitions = before;
  Starts();
}

TEST_F(ApplianceTest, RefusesAFolderForTlsThatIsAFile) {
  Starts();
  fs::rename(Data("tls"), dir_ + "/tls-kept");
  std::ofstream(Data("tls")) << "x";
  EXPECT_THAT(std::string(Refused().message()), HasSubstr("tls"));  // services and the inner server run by then
  fs::remove(Data("tls"));
  fs::rename(dir_ + "/tls-kept", Data("tls"));
  Starts();
}

TEST_F(ApplianceTest, RefusesADamagedDemonstration) {
  options_.demonstration = true;
  fs::create_directories(options_.data_dir);
  std::ofstream(Data("demonstration.json")) << "{";
  EXPECT_THAT(std::string(Refused().message()), HasSubstr("demonstration.json"));  // both servers run by then
  fs::remove(Data("demonstration.json"));
  Starts();
}

TEST_F(ApplianceTest, RefusesAFolderWithoutPages) {
  options_.pages_dir = dir_ + "/nowhere";
  EXPECT_THAT(std::string(Refused().message()), HasSubstr("nowhere"));
  options_.pages_dir.clear();
  Starts();
}

// Each port is bound at another stage: gRPC before the edge, the edge before XMPP, metrics last.
TEST_F(ApplianceTest, RefusesAnyPortThatIsTaken) {
  options_.port_base = FreePortBase();
  ASSERT_GT(options_.port_base, 0);
  for (int offset = 0; offset < 5; ++offset) {
    SCOPED_TRACE(offset);
    {
      TakenPort taken(options_.port_base + offset);
      ASSERT_TRUE(taken.ok());
      const absl::Status status = Refused();
      EXPECT_EQ(ReasonOf(status), "PORT_IN_USE") << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr(std::to_string(options_.port_base + offset)));
    }
    Starts();
  }
  TakenPort taken(options_.port_base + 5);
  if (!taken.ok()) return;
  options_.plain_xmpp_port = options_.port_base + 5;
  EXPECT_EQ(ReasonOf(Refused()), "PORT_IN_USE");
  options_.plain_xmpp_port = -1;
  Starts();
}

}  // namespace
}  // namespace yizhan::appliance
