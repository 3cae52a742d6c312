// How to reach an institution's LDAP directory and how to read it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/secret.h"

namespace yizhan::directory {

// Which attribute of an entry holds what. An empty name: not read. Names are attribute descriptions, so a language can
// be chosen: "cn;lang-zh". They are compared without regard to case.
struct LdapAttributes {
  std::string key;      // what never changes: entryUUID, or objectGUID (binary; shown as a GUID)
  std::string login;    // uid, sAMAccountName
  std::string name;     // what is shown: displayName; where it is missing, cn
  std::string name_zh;  // cn;lang-zh
  std::string name_en;  // cn;lang-en
  std::string mail;
  std::string title;
  std::string phone;
  std::string department_name;  // of a department's entry: ou, or cn for groups

  // When an entry is disabled: `disabled` names an attribute, and
  //   disabled_bits != 0        one of these bits is set in it (userAccountControl: 2), else
  //   disabled_value not empty  one of its values is this, without regard to case, else
  //   it is there at all        (pwdAccountLockedTime).
  std::string disabled;
  uint32_t disabled_bits = 0;
  std::string disabled_value;
};

// Where a person's departments come from.
enum class DepartmentSource {
  kOuTree,  // from the place in the tree: the entries that match `departments_filter` above the person's entry
  kGroups,  // from groups: entries that match `departments_filter` list people and sub-departments in `member`
};

struct LdapConfig {
  // Servers that hold the same directory, the preferred one first: "ldaps://ad1.bank.example" or "ldap://10.1.2.3:389".
  std::vector<std::string> urls;
  // Asks ldap:// servers for TLS before anything else is said. Off is refused with an ldap:// address.
  bool start_tls = true;
  std::string ca_file;  // PEM; the authorities that may vouch for the servers. Demanded.
  std::string bind_dn;  // who searches
  Secret<std::string> bind_password;

  std::string people_base;    // "ou=people,dc=bank,dc=example"
  std::string people_filter;  // "(objectClass=inetOrgPerson)"
  std::string login_filter;   // who may log in; with {login}: "(&(objectClass=inetOrgPerson)(uid={login}))"
  std::string departments_base;
  std::string departments_filter;  // "(objectClass=organizationalUnit)"; empty: no departments
  DepartmentSource department_source = DepartmentSource::kOuTree;
  std::string member_attribute = "member";  // kGroups
  LdapAttributes attributes;

  absl::Duration connect_timeout = absl::Seconds(3);      // TCP and TLS, for each server
  absl::Duration operation_timeout = absl::Seconds(5);    // one answer of a server: a bind, a search, a page
  absl::Duration call_timeout = absl::Seconds(10);        // Authenticate() and Check() as a whole, over all servers
  absl::Duration sync_timeout = absl::Minutes(30);        // ReadAll() as a whole
  absl::Duration retry_server_after = absl::Seconds(30);  // how long a server that failed comes after the others
  int page_size = 500;                                    // entries a page (RFC 2696), 1 .. 10,000
  int connections = 4;                                    // at once, for each of the two uses (search, log-in); 1 .. 64
  absl::Duration idle_timeout = absl::Minutes(1);         // a pooled connection that rests longer is not used again
  size_t max_people = 1'000'000;                          // ReadAll() refuses beyond
  size_t max_departments = 100'000;
};

// Filters and attributes as OpenLDAP with inetOrgPerson and as Active Directory have them; addresses, bases, bind_dn
// and the rest are the caller's.
LdapConfig OpenLdapDefaults();
LdapConfig ActiveDirectoryDefaults();

// InvalidArgument LDAP_CONFIG with the setting's name and what to write there: no address, an address that would send
// passwords in the clear, a file that cannot be read, a filter or DN that does not parse, a bind_dn without a password
// (RFC 4513, 5.1.2: a server would take it for anonymous and say yes), a bound out of range.
absl::Status CheckLdapConfig(const LdapConfig& config);

// For a change of configuration in which the secret was left out: takes `before`'s, unless a server, bind_dn or ca_file
// is another now. Whoever may change an address must not get the old secret sent to it: then FailedPrecondition
// LDAP_SECRET_DROPPED, "enter it again".
absl::Status CarrySecretOver(const LdapConfig& before, LdapConfig* after);

}  // namespace yizhan::directory
