// The directory's people as the XMPP edge needs them: log-in names to ids and back, names, departments. Some 250 bytes a person, one
// for all connections. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "edge/xmpp_server/text.h"

namespace yizhan::directory::v1 {
class Person;
class SyncDirectoryResponse;
}  // namespace yizhan::directory::v1

namespace yizhan::edge::xmpp {

class PeopleBook {
 public:
  struct Person {
    std::string id, login, name, department_id;
    bool active = false;
  };

  PeopleBook();

  // What the directory says has changed. People whose log-in name is not [a-z0-9._-]{1,64} have no address and are passed over.
  void Apply(const directory::v1::SyncDirectoryResponse& changes);
  // One person, known from a log-in before the next sync.
  void Put(const directory::v1::Person& person);

  // The id of an active person; empty when there is none of that log-in name.
  std::string IdOf(std::string_view login) const;
  // The log-in name of a person, active or not; empty when the id is not known.
  std::string LoginOf(std::string_view id) const;
  std::optional<Person> Find(std::string_view id) const;
  // A department's name; empty when it is not known.
  std::string DepartmentName(std::string_view department_id) const;
  // Active people of a department (not of those below it), at most `limit`.
  std::vector<Person> PeopleOf(std::string_view department_id, size_t limit) const;
  size_t size() const;

  // Counts changes of people.
  uint64_t change_number() const;
  // People changed since then, at most the last 5,000; moves `since` to now.
  std::vector<Person> ChangedSince(uint64_t* since) const;

 private:
  struct ById {
    using is_transparent = void;
    const std::deque<Person>* people;
    std::string_view Key(uint32_t index) const { return (*people)[index].id; }
    std::string_view Key(std::string_view text) const { return text; }
    template <typename T>
    size_t operator()(const T& key) const { return NameHash()(Key(key)); }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const { return Key(a) == Key(b); }
  };
  struct ByLogin {
    using is_transparent = void;
    const std::deque<Person>* people;
    std::string_view Key(uint32_t index) const { return (*people)[index].login; }
    std::string_view Key(std::string_view text) const { return text; }
    template <typename T>
    size_t operator()(const T& key) const { return NameHash()(Key(key)); }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const { return Key(a) == Key(b); }
  };

  void PutLocked(const directory::v1::Person& person) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const Person* FindLocked(std::string_view id) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::deque<Person> people_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<uint32_t, ById, ById> by_id_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<uint32_t, ByLogin, ByLogin> by_login_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::vector<uint32_t>, NameHash, NameEq> by_department_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::string, NameHash, NameEq> departments_ ABSL_GUARDED_BY(mutex_);
  uint64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<uint32_t> recent_ ABSL_GUARDED_BY(mutex_);  // the last of the changes, oldest first
};

}  // namespace yizhan::edge::xmpp
