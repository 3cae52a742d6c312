// What an LDAP directory says about people and departments, as plain structs. No LDAP types, no I/O.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "ldap/client/ldap_config.h"

namespace yizhan::directory {

// An entry as it came: attribute descriptions in lower case, values as bytes.
struct RawEntry {
  std::string dn;
  std::map<std::string, std::vector<std::string>> attributes;

  // The first value of an attribute (any case); empty when there is none.
  std::string First(std::string_view attribute) const;
  const std::vector<std::string>& All(std::string_view attribute) const;
};

struct LdapPerson {
  std::string key;  // entryUUID, or objectGUID as text, in lower case
  std::string dn;
  std::string login;
  std::string name;
  std::string name_zh;
  std::string name_en;
  std::string mail;
  std::string title;
  std::string phone;
  std::vector<std::string> department_keys;  // the person's own one first; empty: none. Only ReadAll() fills it
  bool disabled = false;
};

struct LdapDepartment {
  std::string key;
  std::string dn;
  std::string name;
  std::string parent_key;         // empty: a top one
  std::vector<std::string> path;  // names from the top one down to this one
};

// An entry that was left out, and why; for the administrator's report.
struct SkippedEntry {
  std::string dn;
  std::string reason;
};

struct LdapSnapshot {
  std::vector<LdapDepartment> departments;  // parents before children
  std::vector<LdapPerson> people;           // in the server's order
  std::vector<SkippedEntry> skipped;        // the first 1,000
  size_t skipped_count = 0;
  size_t referrals = 0;  // pointers to other servers, which are never followed
};

// An entry as a person. DataLoss LDAP_ENTRY with what is missing: no key, no login, or values that are not UTF-8 or
// longer than 1 KiB.
absl::StatusOr<LdapPerson> PersonOf(const RawEntry& entry, const LdapAttributes& attributes);

// People and departments from their entries, by `source`. Of two entries with one key or one login (without regard to
// case) the first is kept and the other skipped. A department that is its own ancestor, by groups, becomes a top one
// and is reported. Does not fail: what cannot be used is in `skipped`.
LdapSnapshot BuildSnapshot(const std::vector<RawEntry>& people, const std::vector<RawEntry>& departments,
                           const LdapConfig& config);

}  // namespace yizhan::directory
