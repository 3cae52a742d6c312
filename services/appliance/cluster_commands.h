// `yizhan cluster`: certificates for the machines, and what one asks of a machine that runs.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "appliance/options.h"

namespace yizhan::appliance {

// Makes the authority of the machines' certificates in `dir`, or says where it is.
absl::Status MakeClusterAuthority(const std::string& dir, std::ostream& out);

// Issues a machine's certificate into `to`.
absl::Status IssueNodeCertificate(const std::string& authority, const std::string& node,
                                  const std::vector<std::string>& hosts, const std::string& to, std::ostream& out);

// A machine that is to join the cluster of the one with this configuration.
struct NewMachine {
  std::string node;
  std::string address;      // of its inner face, HOST:PORT
  std::string authority;    // the folder
  std::string config_file;  // of the machine that is there
  std::string out;          // where it goes
};
// Puts everything that it needs into a folder: its certificate, its configuration, the keys that all share; and says
// where to bring it.
absl::Status PrepareMachine(const RunOptions& options, const NewMachine& machine, std::ostream& out);

// Gives the machine's partitions away, waits until it owns none, and stops it.
absl::Status RemoveNode(const RunOptions& options, std::ostream& progress);

// Who is in the cluster and who owns what, as the machine with this configuration knows it; a table, or JSON.
absl::Status ShowCluster(const RunOptions& options, bool json, std::ostream& out);

// Gives the machine's partitions away and waits until it owns none (with `progress`, says how many are left), or lets
// it take part again.
absl::Status DrainNode(const RunOptions& options, bool draining, std::ostream& progress);

}  // namespace yizhan::appliance
