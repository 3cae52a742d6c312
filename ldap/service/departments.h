// Departments and groups. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ldap/service/core.h"
#include "ldap/service/ldap_sources.h"
#include "yizhan/directory/v1/directory_service.pb.h"

namespace yizhan::directory {

// A department for the main to put there.
struct NewDepartment {
  v1::Department department;  // without ids
  int parent = -1;            // the one above: an earlier one's place in the list; -1: at the top
};

class Departments {
 public:
  Departments(const Core* core, const LdapSources* ldap) : core_(core), ldap_(ldap) {}

  // Parents before children, siblings by position, then by name. One whose parent is not there stands at the top.
  v1::ListDepartmentsResponse List() const;
  // The answer is a PutDepartmentResponse. NotFound DEPARTMENT_NOT_FOUND, FailedPrecondition DEPARTMENT_LOOP, OWNED_BY_LDAP.
  void Put(const Caller& caller, const v1::PutDepartmentRequest& request, Answer answer) const;
  // At most 4,000 at once; blocks. Those whose name stands below the same parent already are kept as they are. Answers the ids in order.
  absl::StatusOr<std::vector<std::string>> CreateMany(const std::vector<NewDepartment>& departments) const;

 private:
  const Core* const core_;
  const LdapSources* const ldap_;
};

class Groups {
 public:
  explicit Groups(const Core* core) : core_(core) {}

  absl::StatusOr<v1::ListGroupsResponse> List(const v1::ListGroupsRequest& request) const;
  // The answer is a PutGroupResponse. NotFound GROUP_NOT_FOUND, PERSON_NOT_FOUND; InvalidArgument GROUP_TOO_LARGE.
  void Put(const Caller& caller, const v1::PutGroupRequest& request, Answer answer) const;

 private:
  const Core* const core_;
};

}  // namespace yizhan::directory
