// People and departments in memory, as committed: what reading is answered from. Thread-safe; no lock is held for longer than some
// hundred people take, because the ledger's completion thread writes here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "ldap/service/tables.h"
#include "ledger/state.h"

namespace yizhan::directory {

// Some 600 bytes each, beside the person's own texts. Puts come in any order: an older version never replaces a newer one.
class Roster {
 public:
  struct Entry {
    v1::Person person;
    uint64_t version = 0;
    std::vector<std::string> words;  // log-in name, search keys, and the English name's words, in lower case
    std::string name;                // the shown name in lower case
  };
  using EntryPtr = std::shared_ptr<const Entry>;

  // Takes in what a state holds.
  absl::Status Load(const ledger::StateReader& state);

  void Put(v1::Person person, uint64_t version);
  void Put(v1::Department department, uint64_t version);

  // Null when there is none.
  EntryPtr Find(std::string_view person_id) const;
  EntryPtr FindLogin(std::string_view login) const;

  // Up to `count` people in the order of their log-in names, those after `login`.
  std::vector<EntryPtr> After(std::string_view login, size_t count) const;

  struct Changes {
    std::vector<EntryPtr> people;
    std::vector<v1::Department> departments;
    uint64_t version = 0;  // up to which; `since` when nothing is newer
    bool more = false;
  };
  // What changed after `since`, the oldest change first, up to `count` people and departments together. A version that was never
  // reached (another data folder's) counts as 0.
  Changes Since(uint64_t since, size_t count) const;

  struct Department {
    v1::Department department;
    uint64_t version = 0;
    uint32_t active_people = 0;  // directly in it
  };
  // In the order of their ids.
  std::vector<Department> Departments() const;

  size_t people() const;
  size_t active_people() const;
  size_t departments() const;

 private:
  void Count(const Entry& entry, int by) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  absl::flat_hash_map<std::string, EntryPtr> people_ ABSL_GUARDED_BY(mu_);
  absl::btree_map<std::string, EntryPtr> logins_ ABSL_GUARDED_BY(mu_);
  absl::btree_map<std::string, Department> departments_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, uint32_t> active_in_ ABSL_GUARDED_BY(mu_);  // by department, known or not
  absl::btree_map<uint64_t, std::string> changes_ ABSL_GUARDED_BY(mu_);        // version → person or department id
  size_t active_ ABSL_GUARDED_BY(mu_) = 0;
};

// Whether every word of a query fits a person: the beginning of a log-in name, a search key or an English word, anywhere in the shown
// name, and from three letters on anywhere in a search key. `words` are in lower case.
bool Fits(const Roster::Entry& entry, const std::vector<std::string>& words);

// A query's words: at most 8, in lower case.
std::vector<std::string> WordsOf(std::string_view query);

}  // namespace yizhan::directory
