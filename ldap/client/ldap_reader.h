// The full reading of a directory over one connection.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ldap/client/ldap_config.h"
#include "ldap/client/ldap_connection.h"
#include "ldap/client/ldap_entries.h"

namespace yizhan::directory {

// What has to be asked for, so that PersonOf() finds it.
std::vector<std::string> PersonAttributes(const LdapAttributes& attributes);

// Active Directory gives long lists in pieces: "member;range=0-1499", the last one "member;range=1500-*".
struct ValueRange {
  std::string attribute;  // "member"
  bool last = false;
  uint64_t next = 0;  // the first index of the next piece; of no meaning when `last`
};
// NotFound when the description is of no piece; DataLoss LDAP_ENTRY when its numbers make no sense.
absl::StatusOr<ValueRange> ParseRange(std::string_view description);

// People and departments; errors as LdapClient::ReadAll() says. `connection` is bound.
absl::StatusOr<LdapSnapshot> ReadSnapshot(LdapConnection& connection, const LdapConfig& config, absl::Time deadline);

}  // namespace yizhan::directory
