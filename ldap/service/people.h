// People: found, listed, added, changed. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "ldap/service/core.h"
#include "ldap/service/hasher.h"
#include "ldap/service/ldap_sources.h"
#include "ldap/service/log_in.h"
#include "ldap/service/worker_pool.h"
#include "yizhan/directory/v1/directory_service.pb.h"

namespace yizhan::directory {

// A person for the main to put there. Roles, names and department as in CreatePerson.
struct NewPerson {
  v1::Person person;
  // One of the two: a password of any length but 0, or credentials that People::Prepare() made once for many.
  Secret<std::string> password;
  std::shared_ptr<const v1::CredentialsSet> credentials;
};

class People {
 public:
  struct Means {
    const Core* core;
    Hasher* hasher;
    WorkerPool* hash_workers;
    const LdapSources* ldap;
    LogIns* log_ins;
  };
  explicit People(Means means) : means_(means) {}

  // NotFound PERSON_NOT_FOUND. Disabled people too: their names stand in old conversations.
  absl::StatusOr<v1::GetPersonResponse> Get(const v1::GetPersonRequest& request) const;
  // PermissionDenied ROLE_REQUIRED for include_inactive without the role.
  absl::StatusOr<v1::ListPeopleResponse> List(const Caller& caller, const v1::ListPeopleRequest& request) const;
  absl::StatusOr<v1::SyncDirectoryResponse> Sync(const v1::SyncDirectoryRequest& request) const;

  // The answer is a CreatePersonResponse. AlreadyExists LOGIN_TAKEN, NotFound DEPARTMENT_NOT_FOUND, InvalidArgument, and as rules.h says.
  void Create(const Caller& caller, const v1::CreatePersonRequest& request, absl::Time deadline, Answer answer) const;
  // The answer is an UpdatePersonResponse. Disabling ends all sessions in the same command. FailedPrecondition LOGIN_FIXED, OWNED_BY_LDAP
  // (what LDAP says about its people is changed there; roles are ours), LAST_SECURITY_ADMIN, ADMIN_ROLES_EXCLUSIVE.
  void Update(const Caller& caller, const v1::UpdatePersonRequest& request, Answer answer) const;
  // The answer is a SetPasswordResponse. PermissionDenied ROLE_REQUIRED for another's, Unauthenticated WRONG_CREDENTIALS, FailedPrecondition
  // NOT_LOCAL for LDAP people, Aborted CREDENTIALS_CHANGED when somebody else was quicker.
  void SetPassword(const Caller& caller, const v1::SetPasswordRequest& request, std::string_view address, absl::Time deadline,
                   Answer answer) const;

  // Blocks for one hash.
  absl::StatusOr<std::shared_ptr<const v1::CredentialsSet>> Prepare(const Secret<std::string>& password) const;

  struct Created {
    size_t added = 0;
    size_t known = 0;                    // who were there already, by log-in name, and stay as they are
    std::vector<std::string> person_ids;  // in the order asked for
  };
  // Many at once, up to 500 in a command; blocks. All or, at an error, those of the commands before it.
  absl::StatusOr<Created> CreateMany(std::vector<NewPerson> people) const;

 private:
  absl::Status PrepareAll(std::vector<NewPerson>& people, const std::vector<size_t>& which) const;
  void Change(const Caller& caller, const std::string& person_id, const std::string& new_password, const std::string& verified,
              absl::Time deadline, Answer answer) const;

  const Means means_;
};

}  // namespace yizhan::directory
