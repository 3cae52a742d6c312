// What a person, a department and a group must look like, and what of it state decides.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ldap/service/rows.h"

namespace yizhan::directory {

// The account's own home beside the names of LDAP sources.
inline constexpr std::string_view kLocal = "local";

inline constexpr size_t kMaxNameCharacters = 64;
inline constexpr size_t kMaxTextCharacters = 100;
inline constexpr size_t kMinPasswordCharacters = 8;
inline constexpr int kMaxGroupMembers = 5'000;
inline constexpr int kMaxDepartmentDepth = 32;

// Names, mail address and so on. InvalidArgument BAD_FIELD, BAD_LOGIN. Roles are put in order, each once, ROLE_EMPLOYEE left out:
// InvalidArgument BAD_ROLE, or FailedPrecondition ADMIN_ROLES_EXCLUSIVE when two administrators would be one person.
absl::Status CheckPerson(v1::Person& person);
absl::Status CheckDepartment(const v1::Department& department);
absl::Status CheckGroup(v1::Group& group);  // member ids in order, each once

// A new password for a person to choose: InvalidArgument PASSWORD_TOO_SHORT.
absl::Status CheckNewPassword(std::string_view password);

// NotFound DEPARTMENT_NOT_FOUND unless it is empty or there.
absl::Status RequireDepartment(const Rows& rows, std::string_view department_id);
// The person, or NotFound PERSON_NOT_FOUND.
absl::StatusOr<PersonRow> RequirePerson(const Rows& rows, std::string_view person_id);
// FailedPrecondition DEPARTMENT_LOOP when the department would stand below itself, or deeper than 32.
absl::Status CheckPlace(const Rows& rows, const v1::Department& department);
// AlreadyExists LOGIN_TAKEN.
absl::Status RequireFree(const Rows& rows, std::string_view login);
// FailedPrecondition LAST_SECURITY_ADMIN when `after` would leave nobody who may change the directory.
absl::Status KeepAnAdministrator(const Rows& rows, const v1::Person& before, const v1::Person& after);

// Refusals that several places give.
absl::Status PersonNotFound(std::string_view who);
absl::Status AccountDisabled();

}  // namespace yizhan::directory
