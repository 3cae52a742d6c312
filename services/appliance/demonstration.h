// A demonstration bank: departments, some forty people with Chinese and English names, the three administrators, two
// service groups with agents, a web channel, a few groups. Seeding again changes nothing.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/rpc/channel.h"
#include "yizhan/common/v1/access.pb.h"

namespace yizhan::directory {
class DirectoryService;
}

namespace yizhan::appliance {

struct Account {
  std::string login;
  std::string password;
  std::string name;
  std::vector<std::string> roles;  // "employee", "agent", …
};

struct Demonstration {
  std::vector<Account> people;
  std::string channel_id;
};

// Seeds through the services' own calls. The accounts' password is random for each data folder and kept in
// DIR/demonstration.json (mode 0600), so that a second start can show it again.
absl::StatusOr<Demonstration> SeedDemonstration(const std::string& data_dir, directory::DirectoryService& directory,
                                                rpc::Channel& channel);

// The accounts of a demonstration that was seeded from this folder; without its channel.
absl::StatusOr<Demonstration> ShowDemonstration(const std::string& data_dir);

// People u0 to uN-1 with the password benchpw. Those who are there are left alone.
absl::Status SeedBenchPeople(int count, directory::DirectoryService& directory);

}  // namespace yizhan::appliance
