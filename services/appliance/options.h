// What `yizhan run` was told: by a configuration file and by flags, which win.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "admin/backup/options.h"
#include "appliance/cluster_part.h"
#include "base/config.h"
#include "base/objects/object_store.h"
#include "ldap/service/ldap_sources.h"

namespace yizhan::appliance {

struct RunOptions {
  std::string data_dir = "data";
  // Where --info writes; empty: nowhere.
  std::string info_file;
  std::string pages_dir;
  // HTTPS at this port, XMPP (STARTTLS) at +1, XMPP (TLS) at +2, gRPC at +3, metrics at +4. 0: any free ports.
  int port_base = 8440;
  // Where the services speak to one another where each is a process of its own: this port and the 15 behind it, on
  // loopback.
  int inner_port_base = 8460;
  // Where people come in: "127.0.0.1" or another address of this machine.
  std::string address = "127.0.0.1";
  std::string domain = "bank.example";
  bool domain_given = false;
  // Plain XMPP for measuring, on loopback only; -1: none, 0: any free port.
  int plain_xmpp_port = -1;
  // People u0 to uN-1 with the password benchpw.
  int bench_people = 0;
  // Whether to seed the demonstration bank.
  bool demonstration = true;
  std::string log_level = "warning";
  int im_partitions = 16;
  int threads = 0;  // of the edge; 0: one for each core, at most 8
  std::vector<directory::LdapSource> ldap_sources;
  ClusterOptions cluster;
  admin::BackupOptions backup;
  // Where files go (exports); an empty place: into DIR/files of every machine.
  objects::StoreOptions files;
};

// The keys of the configuration file, bound to `options`, with all their bounds. `options` outlives it. For the process
// of one service the secrets of others are not read: they may be files of those services' users.
config::Schema OptionsSchema(RunOptions* options, const std::string& service = "");

// Which flag stands for which key. Keys without one are set in the file only.
struct KeyFlag {
  const char* flag;
  const char* key;
  const char* value;  // what follows the flag, for --help; null: nothing, and the flag sets the key to false
};
inline constexpr KeyFlag kKeyFlags[] = {
    {"--data", "data", "DIR"},
    {"--pages", "pages", "DIR"},
    {"--address", "address", "IP"},
    {"--port-base", "port_base", "PORT"},
    {"--inner-port-base", "inner_port_base", "PORT"},
    {"--domain", "domain", "DOMAIN"},
    {"--threads", "threads", "N"},
    {"--log-level", "log_level", "LEVEL"},
    {"--no-demonstration", "demonstration", nullptr},
};

// The port that people are told of, `offset` from the first; 0 where any free one is taken.
inline int PortOf(const RunOptions& options, int offset) { return options.port_base == 0 ? 0 : options.port_base + offset; }

// What does not fit together: InvalidArgument with what to change. Single values are checked by the schema.
absl::Status CheckOptions(const RunOptions& options);

}  // namespace yizhan::appliance
