#include "ldap/service/machine.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace yizhan::directory {
namespace {

using v1::DirectoryRecord;

std::string_view TypeOf(DirectoryRecord::KindCase kind) {
  switch (kind) {
    case DirectoryRecord::kPersonPut:
      return "directory.PersonPut";
    case DirectoryRecord::kDepartmentPut:
      return "directory.DepartmentPut";
    case DirectoryRecord::kGroupPut:
      return "directory.GroupPut";
    case DirectoryRecord::kCredentialsSet:
      return "directory.CredentialsSet";
    case DirectoryRecord::kSessionStarted:
      return "directory.SessionStarted";
    case DirectoryRecord::kSessionEnded:
      return "directory.SessionEnded";
    case DirectoryRecord::kLogInFailed:
      return "directory.LogInFailed";
    case DirectoryRecord::kSourceKeyBound:
      return "directory.SourceKeyBound";
    case DirectoryRecord::kSessionUsed:
      return "directory.SessionUsed";
    case DirectoryRecord::KIND_NOT_SET:
      break;
  }
  return "directory.Unknown";
}

// One record being applied.
class Step {
 public:
  Step(const ledger::Record& record, ledger::StateWriter& state) : record_(record), state_(state), rows_(state) {}

  absl::Status Put(const v1::Person& person) {
    YZ_RETURN_IF_ERROR(CheckId(person.person_id(), 'p'));
    YZ_ASSIGN_OR_RETURN(auto before, rows_.Person(person.person_id()));
    YZ_ASSIGN_OR_RETURN(auto owner, rows_.PersonIdOf(person.login()));
    if (owner && *owner != person.person_id()) return DoesNotFit("gives away a log-in name that another person has");
    if (before) {
      if (before->message.login() != person.login()) state_.Delete(LoginKey(before->message.login()));
      for (int role : before->message.roles()) state_.Delete(KeyOfRole(role, person));
    }
    state_.Put(PersonKey(person.person_id()), PersonRow{record_.seq(), person}.Encode());
    state_.Put(LoginKey(person.login()), person.person_id());
    if (person.active()) {
      for (int role : person.roles()) state_.Put(KeyOfRole(role, person), "");
    }
    return absl::OkStatus();
  }

  absl::Status Put(const v1::Department& department) {
    YZ_RETURN_IF_ERROR(CheckId(department.department_id(), 'd'));
    state_.Put(DepartmentKey(department.department_id()), DepartmentRow{record_.seq(), department}.Encode());
    return absl::OkStatus();
  }

  absl::Status Put(const v1::Group& group) {
    YZ_RETURN_IF_ERROR(CheckId(group.group_id(), 'g'));
    state_.Put(GroupKey(group.group_id()), group.SerializeAsString());
    return absl::OkStatus();
  }

  absl::Status Set(const v1::CredentialsSet& credentials) {
    YZ_ASSIGN_OR_RETURN(auto person, rows_.Person(credentials.person_id()));
    if (!person) return DoesNotFit("sets the credentials of a person who is not there");
    state_.Put(CredentialsKey(credentials.person_id()), credentials.SerializeAsString());
    return absl::OkStatus();
  }

  absl::Status Started(const v1::SessionStarted& started) {
    YZ_RETURN_IF_ERROR(CheckId(started.session_id(), 's'));
    YZ_ASSIGN_OR_RETURN(auto person, state_.Get(PersonKey(started.person_id())));
    if (!person) return DoesNotFit("begins a session of a person who is not there");
    YZ_ASSIGN_OR_RETURN(auto known, state_.Get(SessionKey(started.session_id())));
    if (known) return DoesNotFit("begins a session that is there");
    SessionRow row{record_.time_us(), record_.time_us(), started};
    state_.Put(SessionKey(started.session_id()), row.Encode());
    state_.Put(TokenKey(started.token_hash()), started.session_id());
    YZ_ASSIGN_OR_RETURN(auto list, state_.Get(SessionsKey(started.person_id())));
    state_.Put(SessionsKey(started.person_id()), list.value_or("") + started.session_id());
    return absl::OkStatus();
  }

  absl::Status Ended(const v1::SessionEnded& ended) {
    YZ_ASSIGN_OR_RETURN(auto session, rows_.Session(ended.session_id()));
    if (!session) return DoesNotFit("ends a session that is not there");
    state_.Delete(SessionKey(ended.session_id()));
    state_.Delete(TokenKey(session->started.token_hash()));
    const std::string& person_id = session->started.person_id();
    YZ_ASSIGN_OR_RETURN(auto ids, rows_.SessionsOf(person_id));
    std::string rest;
    for (const std::string& id : ids) {
      if (id != ended.session_id()) rest += id;
    }
    if (rest.empty()) {
      state_.Delete(SessionsKey(person_id));
    } else {
      state_.Put(SessionsKey(person_id), rest);
    }
    return absl::OkStatus();
  }

  absl::Status Used(const v1::SessionUsed& used) {
    YZ_ASSIGN_OR_RETURN(auto session, rows_.Session(used.session_id()));
    if (!session) return DoesNotFit("is about a session that is not there");
    session->used_us = std::max(session->used_us, used.used_at_us());
    state_.Put(SessionKey(used.session_id()), session->Encode());
    return absl::OkStatus();
  }

  absl::Status BindKey(const v1::SourceKeyBound& bound) {
    if (bound.source().empty() || bound.source().size() > kMaxSourceBytes) return DoesNotFit("has a malformed source");
    const std::string& id = bound.person_id().empty() ? bound.department_id() : bound.person_id();
    state_.Put(SourceKey(bound.source(), bound.key()), id);
    state_.Put(BoundKey(id), EncodeBound(bound.source(), bound.key()));
    return absl::OkStatus();
  }

 private:
  absl::Status DoesNotFit(std::string_view why) const {
    return absl::DataLossError(absl::StrCat("record ", record_.seq(), " of ", record_.partition(), " (", record_.type(), ") ",
                                            std::string(why)));
  }
  absl::Status CheckId(std::string_view id, char kind) const {
    if (id.size() == kIdBytes && id[0] == kind) return absl::OkStatus();
    return DoesNotFit("has a malformed id");
  }
  static std::string KeyOfRole(int role, const v1::Person& person) {
    return RoleKey(static_cast<yizhan::common::v1::Role>(role), person.person_id());
  }

  const ledger::Record& record_;
  ledger::StateWriter& state_;
  const Rows rows_;
};

}  // namespace

void Draft::Add(const v1::DirectoryRecord& record) {
  records_.push_back({std::string(TypeOf(record.kind_case())), record.SerializeAsString()});
}

void Draft::Put(const v1::Person& person) {
  v1::DirectoryRecord record;
  *record.mutable_person_put() = person;
  Add(record);
}

void Draft::Put(const v1::Department& department) {
  v1::DirectoryRecord record;
  *record.mutable_department_put() = department;
  Add(record);
}

void Draft::Bind(std::string_view source, std::string_view key, const v1::Person& person) {
  v1::DirectoryRecord record;
  v1::SourceKeyBound* bound = record.mutable_source_key_bound();
  bound->set_source(std::string(source));
  bound->set_key(std::string(key));
  bound->set_person_id(person.person_id());
  Add(record);
}

void Draft::Bind(std::string_view source, std::string_view key, const v1::Department& department) {
  v1::DirectoryRecord record;
  v1::SourceKeyBound* bound = record.mutable_source_key_bound();
  bound->set_source(std::string(source));
  bound->set_key(std::string(key));
  bound->set_department_id(department.department_id());
  Add(record);
}

void Draft::End(std::string_view session_id, std::string_view person_id, std::string_view reason) {
  v1::DirectoryRecord record;
  v1::SessionEnded* ended = record.mutable_session_ended();
  ended->set_session_id(std::string(session_id));
  ended->set_person_id(std::string(person_id));
  ended->set_reason(std::string(reason));
  Add(record);
}

absl::StatusOr<size_t> Draft::EndAll(const Rows& rows, std::string_view person_id, std::string_view except,
                                     std::string_view reason) {
  YZ_ASSIGN_OR_RETURN(auto sessions, rows.SessionsOf(person_id));
  size_t ended = 0;
  for (const std::string& id : sessions) {
    if (id == except) continue;
    End(id, person_id, reason);
    ++ended;
  }
  return ended;
}

absl::Status Machine::Apply(const ledger::Record& record, ledger::StateWriter& state) {
  DirectoryRecord directory;
  if (!directory.ParseFromString(record.payload())) {
    return absl::DataLossError(absl::StrCat("record ", record.seq(), " of ", record.partition(), " is not readable as a DirectoryRecord"));
  }
  Step step(record, state);
  switch (directory.kind_case()) {
    case DirectoryRecord::kPersonPut:
      return step.Put(directory.person_put());
    case DirectoryRecord::kDepartmentPut:
      return step.Put(directory.department_put());
    case DirectoryRecord::kGroupPut:
      return step.Put(directory.group_put());
    case DirectoryRecord::kCredentialsSet:
      return step.Set(directory.credentials_set());
    case DirectoryRecord::kSessionStarted:
      return step.Started(directory.session_started());
    case DirectoryRecord::kSessionEnded:
      return step.Ended(directory.session_ended());
    case DirectoryRecord::kLogInFailed:
      return absl::OkStatus();  // for the archive
    case DirectoryRecord::kSourceKeyBound:
      return step.BindKey(directory.source_key_bound());
    case DirectoryRecord::kSessionUsed:
      return step.Used(directory.session_used());
    case DirectoryRecord::KIND_NOT_SET:
      break;
  }
  return absl::FailedPreconditionError(absl::StrCat("record ", record.seq(), " of ", record.partition(), " (", record.type(),
                                                    ") is of a newer program: run that one"));
}

}  // namespace yizhan::directory
