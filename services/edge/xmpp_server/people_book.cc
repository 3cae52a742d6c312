#include "edge/xmpp_server/people_book.h"

#include <algorithm>

#include "yizhan/directory/v1/directory_service.pb.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr size_t kRecent = 5'000;

// As the contract has it. What stands in a log-in name goes into stanzas as it is.
bool IsLogin(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (char c : text) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_')) return false;
  }
  return true;
}

}  // namespace

PeopleBook::PeopleBook()
    : by_id_(0, ById{&people_}, ById{&people_}), by_login_(0, ByLogin{&people_}, ByLogin{&people_}) {}

void PeopleBook::Apply(const directory::v1::SyncDirectoryResponse& changes) {
  absl::MutexLock lock(&mutex_);
  for (const auto& department : changes.departments()) {
    departments_[department.department_id()] = department.name();
  }
  for (const auto& person : changes.people()) PutLocked(person);
}

void PeopleBook::Put(const directory::v1::Person& person) {
  absl::MutexLock lock(&mutex_);
  PutLocked(person);
}

void PeopleBook::PutLocked(const directory::v1::Person& person) {
  if (person.person_id().empty() || !IsLogin(person.login())) return;
  uint32_t index;
  if (auto found = by_id_.find(std::string_view(person.person_id())); found != by_id_.end()) {
    index = *found;
    Person& known = people_[index];
    if (known.login == person.login() && known.name == person.name() && known.department_id == person.department_id() &&
        known.active == person.active()) {
      return;
    }
    if (known.login != person.login()) by_login_.erase(std::string_view(known.login));
    if (known.department_id != person.department_id()) std::erase(by_department_[known.department_id], index);
  } else {
    index = static_cast<uint32_t>(people_.size());
    people_.emplace_back().id = person.person_id();
    by_id_.insert(index);
  }
  Person& known = people_[index];
  const bool moved = known.department_id != person.department_id();
  known.login = person.login();
  known.name = person.name();
  known.department_id = person.department_id();
  known.active = person.active();
  by_login_.insert(index);
  if (moved && !known.department_id.empty()) by_department_[known.department_id].push_back(index);
  ++changes_;
  recent_.push_back(index);
  if (recent_.size() > kRecent) recent_.pop_front();
}

const PeopleBook::Person* PeopleBook::FindLocked(std::string_view id) const {
  auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &people_[*found];
}

std::string PeopleBook::IdOf(std::string_view login) const {
  absl::ReaderMutexLock lock(&mutex_);
  auto found = by_login_.find(login);
  if (found == by_login_.end() || !people_[*found].active) return {};
  return people_[*found].id;
}

std::string PeopleBook::LoginOf(std::string_view id) const {
  absl::ReaderMutexLock lock(&mutex_);
  const Person* person = FindLocked(id);
  return person == nullptr ? std::string() : person->login;
}

std::optional<PeopleBook::Person> PeopleBook::Find(std::string_view id) const {
  absl::ReaderMutexLock lock(&mutex_);
  const Person* person = FindLocked(id);
  return person == nullptr ? std::nullopt : std::optional<Person>(*person);
}

std::string PeopleBook::DepartmentName(std::string_view department_id) const {
  absl::ReaderMutexLock lock(&mutex_);
  auto found = departments_.find(department_id);
  return found == departments_.end() ? std::string() : found->second;
}

std::vector<PeopleBook::Person> PeopleBook::PeopleOf(std::string_view department_id, size_t limit) const {
  std::vector<Person> people;
  absl::ReaderMutexLock lock(&mutex_);
  auto found = by_department_.find(department_id);
  if (department_id.empty() || found == by_department_.end()) return people;
  for (uint32_t index : found->second) {
    if (people.size() >= limit) break;
    if (people_[index].active) people.push_back(people_[index]);
  }
  return people;
}

size_t PeopleBook::size() const {
  absl::ReaderMutexLock lock(&mutex_);
  return people_.size();
}

uint64_t PeopleBook::change_number() const {
  absl::ReaderMutexLock lock(&mutex_);
  return changes_;
}

std::vector<PeopleBook::Person> PeopleBook::ChangedSince(uint64_t* since) const {
  std::vector<Person> people;
  absl::ReaderMutexLock lock(&mutex_);
  const size_t count = std::min<uint64_t>(changes_ - std::min(*since, changes_), recent_.size());
  *since = changes_;
  for (size_t i = recent_.size() - count; i < recent_.size(); ++i) people.push_back(people_[recent_[i]]);
  return people;
}

}  // namespace yizhan::edge::xmpp
