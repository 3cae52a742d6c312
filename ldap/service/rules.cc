#include "ldap/service/rules.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "ldap/credentials/password_hash.h"
#include "ldap/service/text.h"

namespace yizhan::directory {
namespace {

using yizhan::common::v1::Role;
namespace common = yizhan::common::v1;

absl::Status CheckRoles(v1::Person& person) {
  std::set<int> roles;
  for (int role : person.roles()) {
    if (!common::Role_IsValid(role) || role == common::ROLE_UNSPECIFIED) {
      return Refuse(absl::StatusCode::kInvalidArgument, "BAD_ROLE", absl::StrCat("there is no role ", role));
    }
    if (role != common::ROLE_EMPLOYEE) roles.insert(role);
  }
  std::string administrators;
  int count = 0;
  for (Role role : {common::ROLE_SYSTEM_ADMIN, common::ROLE_SECURITY_ADMIN, common::ROLE_AUDITOR}) {
    if (!roles.contains(role)) continue;
    ++count;
    absl::StrAppend(&administrators, administrators.empty() ? "" : ", ", common::Role_Name(role));
  }
  if (count > 1) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "ADMIN_ROLES_EXCLUSIVE",
                  absl::StrCat("nobody may hold more than one of the three administrator roles (here: ", administrators,
                               "): give them to different people"));
  }
  person.clear_roles();
  for (int role : roles) person.add_roles(static_cast<Role>(role));
  return absl::OkStatus();
}

bool HoldsSecurity(const v1::Person& person) {
  return person.active() && std::find(person.roles().begin(), person.roles().end(), common::ROLE_SECURITY_ADMIN) != person.roles().end();
}

}  // namespace

absl::Status CheckPerson(v1::Person& person) {
  if (!IsLogin(person.login())) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_LOGIN",
                  "a log-in name has 1 to 64 characters: lower-case letters a-z, digits, dot, underscore, hyphen");
  }
  YZ_RETURN_IF_ERROR(CheckLine("name", person.name(), 1, kMaxNameCharacters));
  YZ_RETURN_IF_ERROR(CheckLine("english_name", person.english_name(), 0, kMaxTextCharacters));
  YZ_RETURN_IF_ERROR(CheckLine("title", person.title(), 0, kMaxTextCharacters));
  YZ_RETURN_IF_ERROR(CheckLine("email", person.email(), 0, 254));
  YZ_RETURN_IF_ERROR(CheckLine("phone", person.phone(), 0, kMaxTextCharacters));
  return CheckRoles(person);
}

absl::Status CheckDepartment(const v1::Department& department) {
  YZ_RETURN_IF_ERROR(CheckLine("name", department.name(), 1, kMaxNameCharacters));
  return CheckLine("english_name", department.english_name(), 0, kMaxTextCharacters);
}

absl::Status CheckGroup(v1::Group& group) {
  YZ_RETURN_IF_ERROR(CheckLine("name", group.name(), 1, kMaxNameCharacters));
  std::set<std::string> members(group.member_ids().begin(), group.member_ids().end());
  if (static_cast<int>(members.size()) > kMaxGroupMembers) {
    return Refuse(absl::StatusCode::kInvalidArgument, "GROUP_TOO_LARGE",
                  absl::StrCat("a group may have at most ", kMaxGroupMembers, " members"));
  }
  group.clear_member_ids();
  for (const std::string& id : members) group.add_member_ids(id);
  return absl::OkStatus();
}

absl::Status CheckNewPassword(std::string_view password) {
  if (CountCharacters(password) >= kMinPasswordCharacters) return absl::OkStatus();
  return Refuse(absl::StatusCode::kInvalidArgument, "PASSWORD_TOO_SHORT",
                absl::StrCat("a password must have at least ", kMinPasswordCharacters, " characters"));
}

absl::Status RequireDepartment(const Rows& rows, std::string_view department_id) {
  if (department_id.empty()) return absl::OkStatus();
  YZ_ASSIGN_OR_RETURN(auto department, rows.Department(department_id));
  if (department) return absl::OkStatus();
  return Refuse(absl::StatusCode::kNotFound, "DEPARTMENT_NOT_FOUND",
                absl::StrCat("there is no department ", AsLine(department_id, 64)));
}

absl::StatusOr<PersonRow> RequirePerson(const Rows& rows, std::string_view person_id) {
  YZ_ASSIGN_OR_RETURN(auto person, rows.Person(person_id));
  if (!person) return PersonNotFound(person_id);
  return *std::move(person);
}

absl::Status CheckPlace(const Rows& rows, const v1::Department& department) {
  std::string above = department.parent_id();
  for (int depth = 1; !above.empty(); ++depth) {
    YZ_ASSIGN_OR_RETURN(auto parent, rows.Department(above));
    if (!parent && depth == 1) return RequireDepartment(rows, above);
    if (above == department.department_id() || depth >= kMaxDepartmentDepth) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "DEPARTMENT_LOOP",
                    absl::StrCat("a department cannot stand below itself, nor deeper than ", kMaxDepartmentDepth, " levels"));
    }
    above = parent ? parent->message.parent_id() : "";
  }
  return absl::OkStatus();
}

absl::Status RequireFree(const Rows& rows, std::string_view login) {
  YZ_ASSIGN_OR_RETURN(auto owner, rows.PersonIdOf(login));
  if (!owner) return absl::OkStatus();
  return Refuse(absl::StatusCode::kAlreadyExists, "LOGIN_TAKEN",
                absl::StrCat("the log-in name ", std::string(login), " belongs to another person already"));
}

absl::Status KeepAnAdministrator(const Rows& rows, const v1::Person& before, const v1::Person& after) {
  if (!HoldsSecurity(before) || HoldsSecurity(after)) return absl::OkStatus();
  YZ_ASSIGN_OR_RETURN(bool another, rows.AnotherHolds(common::ROLE_SECURITY_ADMIN, before.person_id()));
  if (another) return absl::OkStatus();
  return Refuse(absl::StatusCode::kFailedPrecondition, "LAST_SECURITY_ADMIN",
                "this is the only active security administrator: without one nobody could change the directory again; make another first");
}

absl::Status PersonNotFound(std::string_view who) {
  return Refuse(absl::StatusCode::kNotFound, "PERSON_NOT_FOUND", absl::StrCat("the directory knows no person ", AsLine(who, 64)));
}

absl::Status AccountDisabled() {
  return Refuse(absl::StatusCode::kPermissionDenied, "ACCOUNT_DISABLED", "this account is disabled; ask the security administrator");
}

}  // namespace yizhan::directory
