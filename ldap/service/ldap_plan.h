// What an LDAP directory's people and departments mean for the state: decided record by record, over state as it is at that moment, so that
// neither a change meanwhile nor a second run does harm.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ldap/client/ldap_entries.h"
#include "ldap/service/machine.h"
#include "ldap/service/rows.h"

namespace yizhan::directory {

// An entry as it shall be here. The slow part (pinyin) is done when it is made, not while the ledger waits.
struct WantedPerson {
  std::string key;
  std::string department_key;  // empty: none
  bool has_department = true;  // false: nothing is known about it (a log-in); what is there stays
  v1::Person person;           // without ids, department and roles
};
// InvalidArgument says why the entry cannot be taken over (a log-in name with other characters than ours).
absl::StatusOr<WantedPerson> WantedOf(const LdapPerson& entry, std::string_view source);

// An entry by the name that an administrator knows it by, and why it was passed over.
std::string SkippedLine(std::string_view dn, std::string_view reason);

// Decides about a portion. Adds to the draft; records nothing by itself. One portion (a command) has one plan.
class LdapPlan {
 public:
  struct Counts {
    uint32_t added = 0;
    uint32_t changed = 0;
    uint32_t disabled = 0;
    uint32_t unchanged = 0;
    uint32_t departments = 0;
    std::vector<std::string> skipped;
  };

  LdapPlan(std::string_view source, const Rows& rows, Draft& draft) : source_(source), rows_(rows), draft_(draft) {}

  // Parents before children; positions are theirs in `position`.
  absl::Status Take(const LdapDepartment& department, int32_t position);
  // The person as they are then; nullopt when passed over (the counts say why).
  absl::StatusOr<std::optional<v1::Person>> Take(const WantedPerson& wanted, std::string_view dn);
  // Disables a person of this source who is gone from it, and ends their sessions.
  absl::Status Disable(std::string_view person_id);

  const Counts& counts() const { return counts_; }

 private:
  absl::StatusOr<std::string> DepartmentIdOf(std::string_view key) const;
  absl::StatusOr<std::optional<v1::Person>> Skip(std::string_view dn, std::string_view reason);

  const std::string source_;
  const Rows rows_;
  Draft& draft_;
  Counts counts_;
  // What this plan has changed and the rows do not show.
  absl::flat_hash_map<std::string, std::string> new_departments_;  // key → id
  absl::flat_hash_map<std::string, std::string> new_logins_;       // login → person id; empty: given free
};

}  // namespace yizhan::directory
