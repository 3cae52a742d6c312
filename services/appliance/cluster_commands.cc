#include "appliance/cluster_commands.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/config.h"
#include "base/rpc/channel.h"
#include "base/status.h"
#include "base/tls.h"
#include "google/protobuf/util/json_util.h"
#include "yizhan/cluster/v1/cluster_service.pb.h"

namespace yizhan::appliance {
namespace {

namespace fs = std::filesystem;
namespace v1 = yizhan::cluster::v1;

absl::StatusOr<std::unique_ptr<rpc::Channel>> ToMachine(const RunOptions& options) {
  if (!options.cluster.enabled())
    return Refuse(absl::StatusCode::kInvalidArgument, "NO_CLUSTER",
                  "the configuration has no cluster.node: this is a single machine");
  return rpc::ConnectInside({.address = options.cluster.address,
                             .tls = options.cluster.tls,
                             .node = options.cluster.node,
                             .service_name = {}});
}

absl::StatusOr<v1::GetClusterResponse> GetCluster(rpc::Channel& channel) {
  return channel.Wait<v1::GetClusterResponse>("/yizhan.cluster.v1.ClusterService/GetCluster", v1::GetClusterRequest());
}

size_t OwnedBy(const v1::GetClusterResponse& cluster, const std::string& node) {
  size_t count = 0;
  for (const auto& partition : cluster.partitions()) count += partition.owner() == node;
  return count;
}

}  // namespace

absl::Status MakeClusterAuthority(const std::string& dir, std::ostream& out) {
  YZ_RETURN_IF_ERROR(MakeAuthority(dir));
  out << "The authority's certificate is " << dir << "/ca.pem; copy it to every machine.\nIts key is " << dir
      << "/ca.key: whoever has it can be every machine. Keep it apart.\n";
  return absl::OkStatus();
}

absl::Status IssueNodeCertificate(const std::string& authority, const std::string& node,
                                  const std::vector<std::string>& hosts, const std::string& to, std::ostream& out) {
  ServiceCertificate certificate;
  certificate.identity.node = node;
  certificate.identity.services = {kAllServices};
  certificate.hosts = hosts;
  YZ_ASSIGN_OR_RETURN(TlsPaths paths, IssueServiceCertificate(authority, certificate, to));
  YZ_ASSIGN_OR_RETURN(absl::Time end, NotAfter(paths.certificate));
  out << "cluster:\n  node: " << node << "\n  ca: " << paths.ca << "\n  certificate: " << paths.certificate
      << "\n  key: " << paths.private_key << "\n# good until " << absl::FormatTime("%Y-%m-%d", end, absl::UTCTimeZone())
      << "\n";
  return absl::OkStatus();
}

absl::Status ShowCluster(const RunOptions& options, bool json, std::ostream& out) {
  YZ_ASSIGN_OR_RETURN(auto channel, ToMachine(options));
  YZ_ASSIGN_OR_RETURN(v1::GetClusterResponse cluster, GetCluster(*channel));
  if (json) {
    std::string text;
    google::protobuf::util::JsonPrintOptions print;
    print.add_whitespace = true;
    print.always_print_primitive_fields = true;
    (void)google::protobuf::util::MessageToJsonString(cluster, &text, print);
    out << text;
    return absl::OkStatus();
  }
  out << "as " << cluster.node() << (cluster.ready() ? " knows it" : " knows it, which is not up to date") << ":\n\n"
      << absl::StreamFormat("%-16s %-24s %-10s %10s  %s\n", "MACHINE", "ADDRESS", "VERSION", "PARTITIONS", "");
  for (const auto& member : cluster.members()) {
    out << absl::StreamFormat("%-16s %-24s %-10s %10d  %s\n", member.node(), member.address(), member.version(),
                              OwnedBy(cluster, member.node()), member.draining() ? "gives its partitions away" : "");
  }
  out << "\n"
      << absl::StreamFormat("%-16s %-16s %6s %12s %8s  %s\n", "PARTITION", "OWNER", "EPOCH", "RECORDS", "BEHIND", "");
  for (const auto& partition : cluster.partitions()) {
    out << absl::StreamFormat("%-16s %-16s %6d %12d %8d  %s\n", partition.partition(),
                              partition.owner().empty() ? "-" : partition.owner(), partition.epoch(), partition.head(),
                              partition.known() - partition.head(), partition.problem());
  }
  return absl::OkStatus();
}

absl::Status DrainNode(const RunOptions& options, bool draining, std::ostream& progress) {
  YZ_ASSIGN_OR_RETURN(auto channel, ToMachine(options));
  v1::DrainRequest request;
  request.set_draining(draining);
  YZ_RETURN_IF_ERROR(channel->Wait<v1::DrainResponse>("/yizhan.cluster.v1.ClusterService/Drain", request).status());
  if (!draining) {
    progress << options.cluster.node << " takes its share again\n";
    return absl::OkStatus();
  }
  size_t before = SIZE_MAX;
  const absl::Time give_up = absl::Now() + absl::Minutes(2);
  while (absl::Now() < give_up) {
    YZ_ASSIGN_OR_RETURN(v1::GetClusterResponse cluster, GetCluster(*channel));
    const size_t left = OwnedBy(cluster, options.cluster.node);
    if (left != before) progress << options.cluster.node << " owns " << left << " partitions" << std::endl;
    before = left;
    if (left == 0) return absl::OkStatus();
    if (cluster.members_size() < 2)
      return Refuse(absl::StatusCode::kFailedPrecondition, "LAST_MACHINE",
                    "no other machine is there to take the partitions; start one, they move by themselves then");
    absl::SleepFor(absl::Milliseconds(200));
  }
  return Refuse(
      absl::StatusCode::kDeadlineExceeded, "STILL_OWNS",
      absl::StrCat(options.cluster.node, " still owns ", before,
                   " partitions after two minutes; `yizhan cluster status` says how far the others are behind"));
}

absl::Status PrepareMachine(const RunOptions& options, const NewMachine& machine, std::ostream& out) {
  const ClusterOptions& here = options.cluster;
  if (!here.enabled())
    return Refuse(absl::StatusCode::kInvalidArgument, "NO_CLUSTER",
                  "the configuration has no cluster.node: this is a single machine (docs/cluster.md says how it grows)");
  if (machine.node == here.node)
    return Refuse(absl::StatusCode::kInvalidArgument, "NODE_EXISTS",
                  absl::StrCat(machine.node, " is the machine with this configuration; the new one needs another name"));
  const size_t colon = machine.address.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return Refuse(absl::StatusCode::kInvalidArgument, "ADDRESS",
                  absl::StrCat("--address must be HOST:PORT, not \"", machine.address, "\""));
  const std::string host = machine.address.substr(0, colon);
  const fs::path keys = fs::path(options.data_dir) / "keys", to = machine.out;
  std::error_code error;
  if (fs::exists(to, error))
    return Refuse(absl::StatusCode::kAlreadyExists, "FOLDER_EXISTS",
                  absl::StrCat(to.string(), " is there already; name a folder that is to be made"));
  for (const char* name : {"installation.key", "archive.key"}) {
    if (!fs::exists(keys / name, error))
      return Refuse(absl::StatusCode::kNotFound, "KEY_MISSING",
                    absl::StrCat("there is no ", (keys / name).string(), ", which all machines share; run this where it is"));
  }
  std::ifstream file(machine.config_file);
  std::stringstream text;
  text << file.rdbuf();
  // Everything lies where it lies on the machine that is there.
  const auto beside = [](const std::string& path, const std::string& name) {
    return (fs::path(path).parent_path() / name).string();
  };
  std::map<std::string, std::string> values = {
      {"cluster.node", machine.node},
      {"cluster.address", machine.address},
      {"cluster.found", ""},
      {"cluster.certificate", beside(here.tls.certificate, machine.node + ".pem")},
      {"cluster.key", beside(here.tls.private_key, machine.node + ".key")},
  };
  if (!absl::StartsWith(options.address, "127.") && options.address != "0.0.0.0" && options.address != "::")
    values["address"] = host;
  YZ_ASSIGN_OR_RETURN(const std::string config, config::WithValues(text.str(), values));

  fs::create_directories(to / "keys", error);
  if (!error) fs::permissions(to, fs::perms::owner_all, error);
  ServiceCertificate certificate;
  certificate.identity.node = machine.node;
  certificate.identity.services = {kAllServices};
  certificate.hosts = {host};
  if (!error) YZ_RETURN_IF_ERROR(IssueServiceCertificate(machine.authority, certificate, to.string()).status());
  if (!error) fs::copy_file(here.tls.ca, to / fs::path(here.tls.ca).filename(), fs::copy_options::overwrite_existing, error);
  for (const char* name : {"installation.key", "archive.key"}) {
    if (!error) fs::copy_file(keys / name, to / "keys" / name, error);
  }
  if (error) return absl::UnavailableError(absl::StrCat("cannot write into ", to.string(), ": ", error.message()));
  std::ofstream written(to / fs::path(machine.config_file).filename());
  written << config;
  if (!written.flush()) return absl::UnavailableError(absl::StrCat("cannot write into ", to.string()));
  out << to.string() << " has what " << machine.node << " needs; it holds keys: bring it there safely, and delete it here.\n  "
      << fs::path(machine.config_file).filename().string() << "  to " << fs::absolute(machine.config_file).string() << "\n  "
      << fs::path(here.tls.ca).filename().string() << "  to " << here.tls.ca << "\n  " << machine.node << ".pem  to "
      << values["cluster.certificate"] << "\n  " << machine.node << ".key  to " << values["cluster.key"] << "\n  keys/  to "
      << keys.string() << "\nThen start it: it gets what the cluster has recorded, and takes its share.\n";
  return absl::OkStatus();
}

absl::Status RemoveNode(const RunOptions& options, std::ostream& progress) {
  YZ_RETURN_IF_ERROR(DrainNode(options, true, progress));
  YZ_ASSIGN_OR_RETURN(auto channel, ToMachine(options));
  YZ_RETURN_IF_ERROR(
      channel->Wait<v1::StopResponse>("/yizhan.cluster.v1.ClusterService/Stop", v1::StopRequest()).status());
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (absl::Now() < give_up) {
    if (absl::IsUnavailable(GetCluster(*channel).status())) {
      progress << options.cluster.node << " has left and stopped; the others have all of it\n";
      return absl::OkStatus();
    }
    absl::SleepFor(absl::Milliseconds(200));
  }
  return Refuse(absl::StatusCode::kDeadlineExceeded, "STILL_RUNS",
                absl::StrCat(options.cluster.node, " owns nothing any more, but still runs after 30 seconds; stop its service"));
}

}  // namespace yizhan::appliance
