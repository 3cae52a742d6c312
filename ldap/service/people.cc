#include "ldap/service/people.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/ids.h"
#include "base/logging.h"
#include "base/status.h"
#include "ldap/service/pinyin.h"
#include "ldap/service/rules.h"
#include "ldap/service/text.h"

namespace yizhan::directory {
namespace {

constexpr size_t kPerCommand = 500;
constexpr size_t kPortion = 256;                // of the roster, under its lock
constexpr size_t kMaxSyncBytes = 3'000'000;     // below what a call may answer
constexpr uint32_t kMaxPage = 200, kUsualPage = 50;
constexpr uint32_t kMaxSyncPage = 2'000, kUsualSyncPage = 1'000;

void SetSearchKeys(v1::Person& person) {
  person.clear_search_keys();
  for (std::string& key : SearchKeysOf(person.name(), person.english_name())) person.add_search_keys(std::move(key));
}

// Makes a request's person a local one; the server's fields are the server's.
absl::Status MakeLocal(v1::Person& person) {
  person.set_login(LowerAscii(person.login()));
  YZ_RETURN_IF_ERROR(CheckPerson(person));
  person.set_person_id(RandomId('p'));
  person.set_source(std::string(kLocal));
  person.set_active(true);
  SetSearchKeys(person);
  return absl::OkStatus();
}

void PutWithCredentials(Draft& draft, const v1::Person& person, const v1::CredentialsSet& credentials) {
  draft.Put(person);
  v1::DirectoryRecord record;
  *record.mutable_credentials_set() = credentials;
  record.mutable_credentials_set()->set_person_id(person.person_id());
  draft.Add(record);
}

// Whether only roles differ, and what follows from the names.
bool SameButRoles(v1::Person before, v1::Person after) {
  for (v1::Person* person : {&before, &after}) {
    person->clear_roles();
    person->clear_search_keys();
  }
  return before.SerializeAsString() == after.SerializeAsString();
}

}  // namespace

absl::StatusOr<v1::GetPersonResponse> People::Get(const v1::GetPersonRequest& request) const {
  if (request.person_id().empty() == request.login().empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_REQUEST", "name a person by person_id or by login, one of the two");
  }
  const Roster& roster = means_.core->roster();
  const auto entry = request.person_id().empty() ? roster.FindLogin(LowerAscii(request.login())) : roster.Find(request.person_id());
  if (!entry) return PersonNotFound(request.person_id().empty() ? request.login() : request.person_id());
  v1::GetPersonResponse response;
  *response.mutable_person() = entry->person;
  return response;
}

absl::StatusOr<v1::ListPeopleResponse> People::List(const Caller& caller, const v1::ListPeopleRequest& request) const {
  if (request.include_inactive() && !caller.MayAdminister()) {
    return Refuse(absl::StatusCode::kPermissionDenied, "ROLE_REQUIRED", "only a security administrator sees disabled people in lists");
  }
  if (request.query().size() > 1024) return Refuse(absl::StatusCode::kInvalidArgument, "BAD_FIELD", "query may have at most 1,024 bytes");
  const uint32_t page = request.page_size() == 0 ? kUsualPage : std::min(request.page_size(), kMaxPage);
  const std::vector<std::string> words = WordsOf(request.query());
  v1::ListPeopleResponse response;
  uint32_t total = 0;
  std::string at;
  for (;;) {
    const auto portion = means_.core->roster().After(at, kPortion);
    for (const auto& entry : portion) {
      const v1::Person& person = entry->person;
      if (!person.active() && !request.include_inactive()) continue;
      if (!request.department_id().empty() && person.department_id() != request.department_id()) continue;
      if (!Fits(*entry, words)) continue;
      ++total;
      if (person.login() <= request.page_token()) continue;
      if (response.people_size() < static_cast<int>(page)) {
        *response.add_people() = person;
      } else if (response.next_page_token().empty()) {
        response.set_next_page_token(response.people(response.people_size() - 1).login());
      }
    }
    if (portion.size() < kPortion) break;
    at = portion.back()->person.login();
  }
  response.set_total(total);
  return response;
}

absl::StatusOr<v1::SyncDirectoryResponse> People::Sync(const v1::SyncDirectoryRequest& request) const {
  uint32_t page = request.page_size() == 0 ? kUsualSyncPage : std::min(request.page_size(), kMaxSyncPage);
  for (;;) {
    const Roster::Changes changes = means_.core->roster().Since(request.since_version(), page);
    v1::SyncDirectoryResponse response;
    for (const auto& entry : changes.people) *response.add_people() = entry->person;
    for (const v1::Department& department : changes.departments) *response.add_departments() = department;
    response.set_version(changes.version);
    response.set_more(changes.more);
    if (page == 1 || response.ByteSizeLong() <= kMaxSyncBytes) return response;
    page /= 2;  // people with long texts: a smaller page
  }
}

void People::Create(const Caller& caller, const v1::CreatePersonRequest& request, absl::Time deadline, Answer answer) const {
  v1::Person person = request.person();
  absl::Status bad = CheckNewPassword(request.password());
  auto prepared = PreparePassword(request.password());
  if (bad.ok()) bad = prepared.status();
  if (!bad.ok()) return answer(bad);
  means_.hash_workers->Post(deadline, [means = means_, caller, person = std::move(person), prepared = *std::move(prepared),
                                       request_id = request.request_id(), deadline,
                                       answer = std::move(answer)](absl::Status status) mutable {
    if (status.ok()) status = MakeLocal(person);
    if (!status.ok()) return answer(status);
    auto credentials = means.hasher->Prepare(prepared, deadline);
    if (!credentials.ok()) return answer(credentials.status());
    means.core->Submit(
        caller.actor, request_id,
        [person = std::move(person), credentials = *std::move(credentials), actor = caller.actor](
            const ledger::DecideContext&, const Rows& rows, Draft& draft) -> absl::StatusOr<std::string> {
          YZ_RETURN_IF_ERROR(RequireFree(rows, person.login()));
          YZ_RETURN_IF_ERROR(RequireDepartment(rows, person.department_id()));
          PutWithCredentials(draft, person, credentials);
          log::Info("directory", "added a person").With("person", person.person_id()).With("by", actor);
          v1::CreatePersonResponse response;
          *response.mutable_person() = person;
          return response.SerializeAsString();
        },
        std::move(answer));
  });
}

void People::Update(const Caller& caller, const v1::UpdatePersonRequest& request, Answer answer) const {
  v1::Person wanted = request.person();
  // Pinyin here, not on the ledger's writer.
  SetSearchKeys(wanted);
  means_.core->Submit(
      caller.actor, request.request_id(),
      [wanted = std::move(wanted), ldap = means_.ldap, actor = caller.actor](const ledger::DecideContext&, const Rows& rows,
                                                                             Draft& draft) mutable -> absl::StatusOr<std::string> {
        YZ_ASSIGN_OR_RETURN(PersonRow row, RequirePerson(rows, wanted.person_id()));
        const v1::Person& before = row.message;
        if ((!wanted.login().empty() && wanted.login() != before.login()) ||
            (!wanted.source().empty() && wanted.source() != before.source())) {
          return Refuse(absl::StatusCode::kFailedPrecondition, "LOGIN_FIXED", "a person's log-in name and source cannot be changed");
        }
        wanted.set_login(before.login());
        wanted.set_source(before.source());
        YZ_RETURN_IF_ERROR(CheckPerson(wanted));
        if (wanted.department_id() != before.department_id()) YZ_RETURN_IF_ERROR(RequireDepartment(rows, wanted.department_id()));
        YZ_RETURN_IF_ERROR(KeepAnAdministrator(rows, before, wanted));
        if (ldap->Find(before.source()) != nullptr && !SameButRoles(before, wanted)) {
          return Refuse(absl::StatusCode::kFailedPrecondition, "OWNED_BY_LDAP",
                        absl::StrCat("this person comes from the LDAP source '", before.source(),
                                     "': change names, department and active state there; only roles are given here"));
        }
        v1::UpdatePersonResponse response;
        *response.mutable_person() = wanted;
        if (before.SerializeAsString() == wanted.SerializeAsString()) return response.SerializeAsString();
        draft.Put(wanted);
        size_t ended = 0;
        if (before.active() && !wanted.active()) {
          YZ_ASSIGN_OR_RETURN(ended, draft.EndAll(rows, wanted.person_id(), "", kPersonDisabled));
        }
        log::Info("directory", "changed a person")
            .With("person", wanted.person_id())
            .With("active", wanted.active())
            .With("sessions_ended", ended)
            .With("by", actor);
        return response.SerializeAsString();
      },
      std::move(answer));
}

void People::SetPassword(const Caller& caller, const v1::SetPasswordRequest& request, std::string_view address, absl::Time deadline,
                         Answer answer) const {
  const bool own = caller.is_person() && (request.person_id().empty() || request.person_id() == caller.principal.id());
  if (!own && !caller.MayAdminister()) {
    return answer(Refuse(absl::StatusCode::kPermissionDenied, "ROLE_REQUIRED", "only a security administrator sets another's password"));
  }
  const std::string person_id = own ? caller.principal.id() : request.person_id();
  const auto entry = means_.core->roster().Find(person_id);
  if (!entry) return answer(PersonNotFound(person_id));
  if (entry->person.source() != kLocal) {
    return answer(Refuse(absl::StatusCode::kFailedPrecondition, "NOT_LOCAL",
                         absl::StrCat("this password lives in the LDAP source '", entry->person.source(), "': change it there")));
  }
  if (absl::Status bad = CheckNewPassword(request.new_password()); !bad.ok()) return answer(bad);
  if (!own) return Change(caller, person_id, request.new_password(), "", deadline, std::move(answer));
  means_.log_ins->Confirm(entry->person.login(), person_id, request.old_password(), address, deadline,
                          [this, caller, person_id, new_password = request.new_password(), deadline,
                           answer = std::move(answer)](absl::StatusOr<std::string> verified) mutable {
                            if (!verified.ok()) return answer(verified.status());
                            Change(caller, person_id, new_password, *verified, deadline, std::move(answer));
                          });
}

void People::Change(const Caller& caller, const std::string& person_id, const std::string& new_password, const std::string& verified,
                    absl::Time deadline, Answer answer) const {
  auto prepared = PreparePassword(new_password);
  if (!prepared.ok()) return answer(prepared.status());
  means_.hash_workers->Post(deadline, [means = means_, caller, person_id, verified, prepared = *std::move(prepared), deadline,
                                       answer = std::move(answer)](absl::Status status) mutable {
    if (!status.ok()) return answer(status);
    auto credentials = means.hasher->Prepare(prepared, deadline);
    if (!credentials.ok()) return answer(credentials.status());
    credentials->set_person_id(person_id);
    means.core->Submit(
        caller.actor, "",
        [caller, person_id, verified, credentials = *std::move(credentials)](const ledger::DecideContext&, const Rows& rows,
                                                                             Draft& draft) -> absl::StatusOr<std::string> {
          YZ_RETURN_IF_ERROR(RequirePerson(rows, person_id).status());
          YZ_ASSIGN_OR_RETURN(auto before, rows.Credentials(person_id));
          if (!verified.empty() && (!before || before->password_hash() != verified)) {
            return Refuse(absl::StatusCode::kAborted, "CREDENTIALS_CHANGED", "the password was changed meanwhile; try again with the new one");
          }
          v1::DirectoryRecord record;
          *record.mutable_credentials_set() = credentials;
          draft.Add(record);
          // One's own session goes on; whoever else had the old password is out.
          const std::string& own = verified.empty() ? std::string() : caller.principal.session_id();
          YZ_ASSIGN_OR_RETURN(size_t ended, draft.EndAll(rows, person_id, own, kPasswordChanged));
          log::Info("directory", "set a password").With("person", person_id).With("sessions_ended", ended).With("by", caller.actor);
          return v1::SetPasswordResponse().SerializeAsString();
        },
        std::move(answer));
  });
}

absl::StatusOr<std::shared_ptr<const v1::CredentialsSet>> People::Prepare(const Secret<std::string>& password) const {
  YZ_ASSIGN_OR_RETURN(Secret<std::string> prepared, PreparePassword(password.Reveal()));
  YZ_ASSIGN_OR_RETURN(v1::CredentialsSet credentials, means_.hasher->Prepare(prepared, absl::InfiniteFuture()));
  return std::make_shared<const v1::CredentialsSet>(std::move(credentials));
}

absl::Status People::PrepareAll(std::vector<NewPerson>& people, const std::vector<size_t>& which) const {
  absl::Mutex mu;
  size_t left = which.size();
  absl::Status failed;
  for (size_t i : which) {
    // As many at once as there are workers.
    means_.hash_workers->Post(absl::InfiniteFuture(), [&, i](absl::Status status) {
      if (status.ok()) {
        auto credentials = Prepare(people[i].password);
        status = credentials.status();
        if (credentials.ok()) people[i].credentials = *std::move(credentials);
      }
      absl::MutexLock lock(&mu);
      if (!status.ok() && failed.ok()) failed = Annotate(status, absl::StrCat("person ", i));
      --left;
    });
  }
  auto done = [&] { return left == 0; };
  absl::MutexLock lock(&mu, absl::Condition(&done));
  return failed;
}

absl::StatusOr<People::Created> People::CreateMany(std::vector<NewPerson> people) const {
  Created created;
  created.person_ids.resize(people.size());
  for (size_t from = 0; from < people.size(); from += kPerCommand) {
    const size_t to = std::min(people.size(), from + kPerCommand);
    // Whoever is there costs no hash. Two of one name in the list are told apart when it is decided.
    std::vector<size_t> missing, to_hash;
    for (size_t i = from; i < to; ++i) {
      const auto known = means_.core->roster().FindLogin(LowerAscii(people[i].person.login()));
      if (known) {
        created.person_ids[i] = known->person.person_id();
        ++created.known;
        continue;
      }
      YZ_RETURN_IF_ERROR(Annotate(MakeLocal(people[i].person), absl::StrCat("person ", i)));
      if (!people[i].credentials) to_hash.push_back(i);
      missing.push_back(i);
    }
    if (missing.empty()) continue;
    YZ_RETURN_IF_ERROR(PrepareAll(people, to_hash));
    size_t added = 0;
    auto decided = means_.core->SubmitAndWait(
        kOwnActor, [&](const ledger::DecideContext&, const Rows& rows, Draft& draft) -> absl::StatusOr<std::string> {
          absl::flat_hash_map<std::string, std::string> here;  // login → person id
          for (size_t i : missing) {
            const v1::Person& person = people[i].person;
            YZ_ASSIGN_OR_RETURN(auto owner, rows.PersonIdOf(person.login()));
            if (auto twin = here.find(person.login()); twin != here.end()) owner = twin->second;
            created.person_ids[i] = owner.value_or(person.person_id());
            if (owner) continue;
            YZ_RETURN_IF_ERROR(RequireDepartment(rows, person.department_id()));
            PutWithCredentials(draft, person, *people[i].credentials);
            here[person.login()] = person.person_id();
            ++added;
          }
          return std::string();
        });
    if (!decided.ok()) return decided.status();
    created.added += added;
    created.known += missing.size() - added;
  }
  return created;
}

}  // namespace yizhan::directory
