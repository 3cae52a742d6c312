// The whole product in one process: every service, linked by in-process channels, on one data folder.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "appliance/demonstration.h"
#include "appliance/options.h"

namespace yizhan::appliance {

// Where it listens, once it does.
struct Addresses {
  std::string web_url;
  std::string widget_demo_url;  // empty without pages or channel
  std::string grpc_address;
  std::string metrics_url;
  std::string ca_file;
  std::string archive_public_key;
  int xmpp_port = 0;
  int xmpp_tls_port = 0;
  int plain_xmpp_port = 0;  // 0: none
};

class Appliance {
 public:
  // Opens the folder, starts everything, seeds what was asked for. An error says what could not start and what to do; nothing is left
  // running.
  static absl::StatusOr<std::unique_ptr<Appliance>> Start(const RunOptions& options);
  // Stops: connections first, the ledger last.
  virtual ~Appliance() = default;

  virtual const Addresses& addresses() const = 0;
  virtual const Demonstration& demonstration() const = 0;
};

// What --info writes (JSON) and what a person is shown.
std::string InfoJson(const RunOptions& options, const Addresses& addresses, const Demonstration& demonstration);
std::string InfoText(const RunOptions& options, const Addresses& addresses, const Demonstration& demonstration);

}  // namespace yizhan::appliance
