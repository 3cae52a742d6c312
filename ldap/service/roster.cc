#include "ldap/service/roster.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_split.h"
#include "base/status.h"
#include "ldap/service/text.h"

namespace yizhan::directory {
namespace {

constexpr size_t kMaxWords = 8;
constexpr size_t kInnerFrom = 3;  // letters from which a word is looked for inside of search keys

Roster::EntryPtr MakeEntry(v1::Person person, uint64_t version) {
  auto entry = std::make_shared<Roster::Entry>();
  entry->words.push_back(person.login());
  for (const std::string& key : person.search_keys()) entry->words.push_back(key);
  for (std::string& word : WordsOf(person.english_name())) entry->words.push_back(std::move(word));
  entry->name = Lower(person.name());
  entry->person = std::move(person);
  entry->version = version;
  return entry;
}

}  // namespace

absl::Status Roster::Load(const ledger::StateReader& state) {
  absl::Status readable;
  YZ_RETURN_IF_ERROR(state.Scan(DepartmentPrefix(), "", [&](std::string_view, std::string_view value) {
    auto row = DepartmentRow::Decode(value);
    readable = row.status();
    if (row.ok()) Put(std::move(row->message), row->version);
    return readable.ok();
  }));
  YZ_RETURN_IF_ERROR(readable);
  YZ_RETURN_IF_ERROR(state.Scan(PersonPrefix(), "", [&](std::string_view, std::string_view value) {
    auto row = PersonRow::Decode(value);
    readable = row.status();
    if (row.ok()) Put(std::move(row->message), row->version);
    return readable.ok();
  }));
  return readable;
}

void Roster::Count(const Entry& entry, int by) {
  if (!entry.person.active()) return;
  active_ += by;
  active_in_[entry.person.department_id()] += by;
}

void Roster::Put(v1::Person person, uint64_t version) {
  EntryPtr entry = MakeEntry(std::move(person), version);
  absl::MutexLock lock(&mu_);
  EntryPtr& known = people_[entry->person.person_id()];
  if (known) {
    if (known->version >= version) return;
    Count(*known, -1);
    changes_.erase(known->version);
    // A name that was given free may be another's already.
    auto old = logins_.find(known->person.login());
    if (old != logins_.end() && old->second == known) logins_.erase(old);
  }
  known = entry;
  logins_[entry->person.login()] = entry;
  changes_[version] = entry->person.person_id();
  Count(*entry, 1);
}

void Roster::Put(v1::Department department, uint64_t version) {
  absl::MutexLock lock(&mu_);
  Department& known = departments_[department.department_id()];
  if (known.version >= version) return;
  if (known.version > 0) changes_.erase(known.version);
  changes_[version] = department.department_id();
  known.department = std::move(department);
  known.version = version;
}

Roster::EntryPtr Roster::Find(std::string_view person_id) const {
  absl::ReaderMutexLock lock(&mu_);
  auto found = people_.find(std::string(person_id));
  return found == people_.end() ? nullptr : found->second;
}

Roster::EntryPtr Roster::FindLogin(std::string_view login) const {
  absl::ReaderMutexLock lock(&mu_);
  auto found = logins_.find(std::string(login));
  return found == logins_.end() ? nullptr : found->second;
}

std::vector<Roster::EntryPtr> Roster::After(std::string_view login, size_t count) const {
  std::vector<EntryPtr> some;
  some.reserve(count);
  absl::ReaderMutexLock lock(&mu_);
  for (auto it = logins_.upper_bound(std::string(login)); it != logins_.end() && some.size() < count; ++it) some.push_back(it->second);
  return some;
}

Roster::Changes Roster::Since(uint64_t since, size_t count) const {
  Changes changes;
  absl::ReaderMutexLock lock(&mu_);
  const uint64_t newest = changes_.empty() ? 0 : changes_.rbegin()->first;
  if (since > newest) since = 0;
  changes.version = since;
  for (auto it = changes_.upper_bound(since); it != changes_.end(); ++it) {
    if (changes.people.size() + changes.departments.size() == count) {
      changes.more = true;
      break;
    }
    changes.version = it->first;
    if (auto person = people_.find(it->second); person != people_.end()) {
      changes.people.push_back(person->second);
    } else if (auto department = departments_.find(it->second); department != departments_.end()) {
      changes.departments.push_back(department->second.department);
    }
  }
  return changes;
}

std::vector<Roster::Department> Roster::Departments() const {
  std::vector<Department> all;
  absl::ReaderMutexLock lock(&mu_);
  all.reserve(departments_.size());
  for (const auto& [id, department] : departments_) {
    all.push_back(department);
    if (auto active = active_in_.find(id); active != active_in_.end()) all.back().active_people = active->second;
  }
  return all;
}

size_t Roster::people() const {
  absl::ReaderMutexLock lock(&mu_);
  return people_.size();
}

size_t Roster::active_people() const {
  absl::ReaderMutexLock lock(&mu_);
  return active_;
}

size_t Roster::departments() const {
  absl::ReaderMutexLock lock(&mu_);
  return departments_.size();
}

bool Fits(const Roster::Entry& entry, const std::vector<std::string>& words) {
  return std::all_of(words.begin(), words.end(), [&](const std::string& word) {
    if (entry.name.find(word) != std::string::npos) return true;
    return std::any_of(entry.words.begin(), entry.words.end(), [&](const std::string& own) {
      return own.starts_with(word) || (word.size() >= kInnerFrom && own.find(word) != std::string::npos);
    });
  });
}

std::vector<std::string> WordsOf(std::string_view query) {
  std::vector<std::string> words;
  const std::string lower = Lower(query);
  for (absl::string_view word : absl::StrSplit(lower, absl::ByAnyChar(" \t\r\n,"), absl::SkipEmpty())) {
    if (words.size() == kMaxWords) break;
    words.emplace_back(word);
  }
  return words;
}

}  // namespace yizhan::directory
