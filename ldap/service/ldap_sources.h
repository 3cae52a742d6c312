// The institution's LDAP directories, by name.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "ldap/client/ldap_client.h"

namespace yizhan::directory {

// One of them. The name stays for ever: it stands in every person's `source`.
struct LdapSource {
  std::string name;  // [a-z0-9_-], 1 to 32 characters, not "local"
  LdapConfig config;
};

class LdapSources {
 public:
  // InvalidArgument for a bad or doubled name, or what CheckLdapConfig() refuses, with the source's name. No server is asked.
  absl::Status Open(std::vector<LdapSource> sources);

  // Null when there is none.
  LdapClient* Find(std::string_view name) const;

  struct Client {
    std::string name;
    std::unique_ptr<LdapClient> client;
  };
  const std::vector<Client>& all() const { return clients_; }

 private:
  std::vector<Client> clients_;
};

}  // namespace yizhan::directory
