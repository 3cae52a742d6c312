#include "appliance/cluster_commands.h"

#include <map>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/rpc/channel.h"
#include "base/status.h"
#include "base/tls.h"
#include "google/protobuf/util/json_util.h"
#include "yizhan/cluster/v1/cluster_service.pb.h"

namespace yizhan::appliance {
namespace {

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

}  // namespace yizhan::appliance
