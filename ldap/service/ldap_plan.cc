#include "ldap/service/ldap_plan.h"

#include <google/protobuf/util/message_differencer.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/ids.h"
#include "base/status.h"
#include "ldap/service/pinyin.h"
#include "ldap/service/rules.h"
#include "ldap/service/text.h"

namespace yizhan::directory {
namespace {

using google::protobuf::util::MessageDifferencer;

}  // namespace

std::string SkippedLine(std::string_view dn, std::string_view reason) {
  return absl::StrCat(AsLine(dn, 200), ": ", AsLine(reason, 200));
}

absl::StatusOr<WantedPerson> WantedOf(const LdapPerson& entry, std::string_view source) {
  WantedPerson wanted;
  v1::Person& person = wanted.person;
  person.set_login(LowerAscii(entry.login));
  if (!IsLogin(person.login())) {
    return absl::InvalidArgumentError(
        absl::StrCat("its log-in name '", AsLine(entry.login, 64), "' has other characters than a-z, 0-9, dot, underscore, hyphen"));
  }
  if (entry.key.empty() || entry.key.size() > kMaxSourceKeyBytes) return absl::InvalidArgumentError("its key is unusable");
  wanted.key = entry.key;
  if (!entry.department_keys.empty()) wanted.department_key = entry.department_keys.front();
  for (const std::string* name : {&entry.name_zh, &entry.name, &entry.name_en, &entry.login}) {
    person.set_name(AsLine(*name, kMaxNameCharacters));
    if (!person.name().empty()) break;
  }
  person.set_english_name(AsLine(entry.name_en, kMaxTextCharacters));
  person.set_title(AsLine(entry.title, kMaxTextCharacters));
  person.set_email(AsLine(entry.mail, 254));
  person.set_phone(AsLine(entry.phone, kMaxTextCharacters));
  person.set_active(!entry.disabled);
  person.set_source(std::string(source));
  for (std::string& key : SearchKeysOf(person.name(), person.english_name())) person.add_search_keys(std::move(key));
  return wanted;
}

absl::StatusOr<std::string> LdapPlan::DepartmentIdOf(std::string_view key) const {
  if (key.empty()) return std::string();
  if (auto fresh = new_departments_.find(std::string(key)); fresh != new_departments_.end()) return fresh->second;
  YZ_ASSIGN_OR_RETURN(auto id, rows_.IdOfSourceKey(source_, key));
  return id.value_or("");
}

absl::Status LdapPlan::Take(const LdapDepartment& wanted, int32_t position) {
  v1::Department department;
  YZ_ASSIGN_OR_RETURN(*department.mutable_parent_id(), DepartmentIdOf(wanted.parent_key));
  department.set_name(AsLine(wanted.name, kMaxNameCharacters));
  if (department.name().empty()) department.set_name("?");
  department.set_position(position);
  YZ_ASSIGN_OR_RETURN(std::string id, DepartmentIdOf(wanted.key));
  if (id.empty()) {
    department.set_department_id(RandomId('d'));
    new_departments_[wanted.key] = department.department_id();
    draft_.Put(department);
    draft_.Bind(source_, wanted.key, department);
    ++counts_.departments;
    return absl::OkStatus();
  }
  department.set_department_id(id);
  YZ_ASSIGN_OR_RETURN(auto known, rows_.Department(id));
  if (known) department.set_english_name(known->message.english_name());
  if (known && MessageDifferencer::Equals(known->message, department)) return absl::OkStatus();
  draft_.Put(department);
  ++counts_.departments;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<v1::Person>> LdapPlan::Skip(std::string_view dn, std::string_view reason) {
  counts_.skipped.push_back(SkippedLine(dn, reason));
  return std::nullopt;
}

absl::StatusOr<std::optional<v1::Person>> LdapPlan::Take(const WantedPerson& wanted, std::string_view dn) {
  v1::Person person = wanted.person;
  YZ_ASSIGN_OR_RETURN(auto id, rows_.IdOfSourceKey(source_, wanted.key));
  std::optional<PersonRow> known;
  if (id) {
    YZ_ASSIGN_OR_RETURN(known, rows_.Person(*id));
  }
  if (!known && !person.active()) return Skip(dn, "it is disabled there and was never known here");
  // Whose the log-in name is, with this plan's changes.
  YZ_ASSIGN_OR_RETURN(auto owner, rows_.PersonIdOf(person.login()));
  if (auto fresh = new_logins_.find(person.login()); fresh != new_logins_.end()) {
    owner = fresh->second.empty() ? std::nullopt : std::optional<std::string>(fresh->second);
  }
  if (owner && (!known || *owner != known->message.person_id())) {
    YZ_ASSIGN_OR_RETURN(auto other, rows_.Person(*owner));
    if (other && other->message.source() == kLocal) {
      return Skip(dn, absl::StrCat("the log-in name ", person.login(), " belongs to a local account"));
    }
    return Skip(dn, absl::StrCat("the log-in name ", person.login(), " belongs to another entry, person ", *owner));
  }
  if (wanted.has_department) {
    YZ_ASSIGN_OR_RETURN(*person.mutable_department_id(), DepartmentIdOf(wanted.department_key));
  } else if (known) {
    person.set_department_id(known->message.department_id());
  }
  if (!known) {
    person.set_person_id(RandomId('p'));
    new_logins_[person.login()] = person.person_id();
    draft_.Put(person);
    draft_.Bind(source_, wanted.key, person);
    ++counts_.added;
    return person;
  }
  person.set_person_id(known->message.person_id());
  *person.mutable_roles() = known->message.roles();
  if (MessageDifferencer::Equals(known->message, person)) {
    ++counts_.unchanged;
    return person;
  }
  if (known->message.login() != person.login()) {
    new_logins_[known->message.login()] = "";
    new_logins_[person.login()] = person.person_id();
  }
  draft_.Put(person);
  if (known->message.active() && !person.active()) {
    ++counts_.disabled;
    YZ_RETURN_IF_ERROR(draft_.EndAll(rows_, person.person_id(), "", kPersonDisabled).status());
  } else {
    ++counts_.changed;
  }
  return person;
}

absl::Status LdapPlan::Disable(std::string_view person_id) {
  YZ_ASSIGN_OR_RETURN(auto known, rows_.Person(person_id));
  if (!known || !known->message.active() || known->message.source() != source_) return absl::OkStatus();
  known->message.set_active(false);
  draft_.Put(known->message);
  ++counts_.disabled;
  return draft_.EndAll(rows_, person_id, "", kPersonDisabled).status();
}

}  // namespace yizhan::directory
