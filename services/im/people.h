// The directory's people as messaging needs them: a read model, kept by a projection of directory/0. Thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "im/ids.h"
#include "ledger/ledger.h"
#include "ledger/projection.h"

namespace yizhan::im {

class People {
 public:
  struct Person {
    std::string login;
    std::string name;
    bool active = false;
  };

  explicit People(ledger::Ledger* ledger);  // outlives this
  ~People();

  // After Ledger::Start. Reads what was stored, catches up with the directory as of now, then follows it.
  absl::Status Start();
  void Stop();

  // How it is known; nullopt when it is not.
  std::optional<Person> Find(PersonNo person) const;
  // NotFound PERSON_NOT_FOUND, or FailedPrecondition PERSON_INACTIVE; names the id.
  absl::Status RequireActive(PersonNo person) const;
  size_t size() const;

 private:
  absl::StatusOr<std::vector<ledger::Ledger::ProjectionWrite>> Take(const std::vector<ledger::Record>& records);

  ledger::Ledger* const ledger_;
  mutable absl::Mutex mu_;
  absl::flat_hash_map<PersonNo, Person> people_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<ledger::Projection> projection_;
};

}  // namespace yizhan::im
