#include "appliance/processes/prepare.h"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "appliance/processes/plan.h"
#include "base/files.h"
#include "base/status.h"
#include "base/tls.h"
#include "ledger/keyring.h"

namespace yizhan::appliance {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kRenewBefore = absl::Hours(24 * 60);

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  if (!in.good() && !in.eof()) return FileError("reading", path, errno);
  return bytes;
}

absl::Status Certify(const std::string& authority, const std::string& service, const TlsPaths& tls, bool renew, std::ostream& out) {
  std::error_code error;
  if (!renew && fs::exists(tls.certificate, error)) {
    YZ_ASSIGN_OR_RETURN(const absl::Time end, NotAfter(tls.certificate));
    if (end - absl::Now() > kRenewBefore) return absl::OkStatus();
  }
  const std::string folder = fs::path(tls.certificate).parent_path().string();
  YZ_RETURN_IF_ERROR(MakePrivateFolder(folder));
  YZ_ASSIGN_OR_RETURN(const std::string ca, ReadWhole(authority + "/ca.pem"));
  YZ_RETURN_IF_ERROR(ReplaceFile(tls.ca, ca));
  ServiceCertificate certificate;
  certificate.identity = {kHouse, {service}};
  certificate.hosts = {"127.0.0.1"};
  YZ_RETURN_IF_ERROR(IssueServiceCertificate(authority, certificate, folder).status());
  YZ_ASSIGN_OR_RETURN(const absl::Time end, NotAfter(tls.certificate));
  out << service << ": certificate until " << absl::FormatTime("%Y-%m-%d", end, absl::UTCTimeZone()) << "\n";
  return absl::OkStatus();
}

// To the service's own user, where the installation has one.
absl::Status Give(const std::string& folder, const std::string& service) {
  if (geteuid() != 0) return absl::OkStatus();
  const passwd* user = getpwnam(absl::StrCat("yizhan-", service).c_str());
  if (user == nullptr) return absl::OkStatus();
  const auto give = [user](const fs::path& path) {
    return lchown(path.c_str(), user->pw_uid, user->pw_gid) == 0 ? absl::OkStatus() : FileError("giving away", path.string(), errno);
  };
  YZ_RETURN_IF_ERROR(give(folder));
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) YZ_RETURN_IF_ERROR(give(it->path()));
  return absl::OkStatus();
}

}  // namespace

absl::Status Prepare(const RunOptions& options, bool renew, std::ostream& out) {
  std::error_code error;
  if (fs::exists(options.data_dir + "/ledger", error)) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "SINGLE_PROCESS",
                  absl::StrCat("the folder ", options.data_dir, " holds the data of an appliance that runs in one process; the services' processes need a folder of their own"));
  }
  // Services' users pass through it to their own folders.
  fs::create_directories(options.data_dir, error);
  if (error) return absl::UnavailableError(absl::StrCat("the data folder ", options.data_dir, " cannot be made: ", error.message()));
  const std::string authority = options.data_dir + "/authority";
  YZ_RETURN_IF_ERROR(MakeAuthority(authority));
  const std::string first_key = FolderOf(options, ServicePlans().front().name) + "/keys/installation.key";
  if (!fs::exists(first_key, error)) {
    for (const ServicePlan& plan : ServicePlans()) {
      if (!fs::exists(FolderOf(options, plan.name) + "/ledger", error)) continue;
      return Refuse(absl::StatusCode::kFailedPrecondition, "KEY_LOST",
                    absl::StrCat("the installation key ", first_key, " is missing beside data that it opens; restore it from its backup, or copy it from another service's folder"));
    }
    YZ_RETURN_IF_ERROR(ledger::MakeInstallationKey(FolderOf(options, ServicePlans().front().name)));
  }
  YZ_ASSIGN_OR_RETURN(const std::string key, ReadWhole(first_key));
  for (const ServicePlan& plan : ServicePlans()) {
    const std::string folder = FolderOf(options, plan.name);
    YZ_RETURN_IF_ERROR(MakePrivateFolder(folder));
    YZ_RETURN_IF_ERROR(Certify(authority, plan.name, InnerTlsOf(options, plan.name), renew, out));
    if (plan.keyed && !fs::exists(folder + "/keys/installation.key", error)) {
      YZ_RETURN_IF_ERROR(MakePrivateFolder(folder + "/keys"));
      YZ_RETURN_IF_ERROR(WriteNewFile(folder + "/keys/installation.key", key));
    }
    YZ_RETURN_IF_ERROR(Give(folder, plan.name));
  }
  return absl::OkStatus();
}

}  // namespace yizhan::appliance
