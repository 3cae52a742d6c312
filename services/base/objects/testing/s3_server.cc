#include "base/objects/testing/s3_server.h"

#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "base/testing/programs.h"
#include "base/tls.h"

namespace yizhan::objects::testing {

absl::StatusOr<std::unique_ptr<S3TestServer>> S3TestServer::Start() {
  const char* temporary = std::getenv("TMPDIR");
  std::string dir = absl::StrCat(temporary == nullptr ? "/tmp" : temporary, "/yizhan-s3-XXXXXX");
  if (mkdtemp(dir.data()) == nullptr) return absl::InternalError(absl::StrCat("cannot make ", dir));
  std::unique_ptr<S3TestServer> server(new S3TestServer(dir));
  YZ_RETURN_IF_ERROR(server->Launch());
  return server;
}

S3TestServer::~S3TestServer() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

absl::Status S3TestServer::Launch() {
  YZ_RETURN_IF_ERROR(MakeAuthority(dir_ + "/authority"));
  YZ_RETURN_IF_ERROR(MakeAuthority(dir_ + "/other"));
  YZ_ASSIGN_OR_RETURN(const TlsPaths tls, IssueServiceCertificate(dir_ + "/authority", {{"s3", {"s3"}}, {"127.0.0.1"}},
                                                                  dir_ + "/certificate"));
  const std::string out = dir_ + "/out", log = dir_ + "/log";
  // Debian's own Python, which has Debian's packages.
  pid_ = yizhan::testing::Spawn(
      {"/usr/bin/python3", YIZHAN_SWIFT_SERVER, dir_ + "/swift", tls.certificate, tls.private_key}, out, log);
  if (pid_ <= 0) return absl::InternalError("cannot start /usr/bin/python3");
  const absl::Time end = absl::Now() + absl::Minutes(1);
  std::string line;
  for (; absl::Now() < end; absl::SleepFor(absl::Milliseconds(20))) {
    std::ifstream in(out);
    if (std::getline(in, line) && !in.eof()) break;
    line.clear();
    siginfo_t info = {};
    if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) break;
  }
  const auto said = nlohmann::json::parse(line, nullptr, false);
  if (!said.is_object()) {
    return absl::InternalError(absl::StrCat("swift_server.py does not answer: ", yizhan::testing::Tail(log)));
  }
  http_port_ = said.value("http_port", 0);
  https_port_ = said.value("https_port", 0);
  access_key_ = said.value("access_key", "");
  secret_key_ = said.value("secret_key", "");
  return absl::OkStatus();
}

StoreOptions S3TestServer::Options(const std::string& place, bool tls) const {
  StoreOptions options;
  options.place = place;
  options.s3_endpoint =
      tls ? absl::StrCat("https://127.0.0.1:", https_port_) : absl::StrCat("http://127.0.0.1:", http_port_);
  options.s3_access_key = access_key_;
  options.s3_secret_key = Secret<std::string>(secret_key_);
  if (tls) options.s3_ca = ca();
  return options;
}

}  // namespace yizhan::objects::testing
