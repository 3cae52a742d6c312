// Typed looking-up in the directory's state.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "ldap/service/tables.h"
#include "ledger/state.h"

namespace yizhan::directory {

// What a source's key is bound to, or the other way round.
using Bound = std::pair<std::string, std::string>;  // the source's name and the key in it

// Over any state; nullopt for what is not there, DataLoss for what cannot be read.
class Rows {
 public:
  explicit Rows(const ledger::StateReader& state) : state_(state) {}

  absl::StatusOr<std::optional<PersonRow>> Person(std::string_view person_id) const;
  absl::StatusOr<std::optional<std::string>> PersonIdOf(std::string_view login) const { return state_.Get(LoginKey(login)); }
  absl::StatusOr<std::optional<DepartmentRow>> Department(std::string_view department_id) const;
  absl::StatusOr<std::optional<v1::Group>> Group(std::string_view group_id) const;
  absl::StatusOr<std::optional<v1::CredentialsSet>> Credentials(std::string_view person_id) const;
  absl::StatusOr<std::optional<SessionRow>> Session(std::string_view session_id) const;
  absl::StatusOr<std::optional<std::string>> SessionIdOf(std::string_view token_digest) const {
    return state_.Get(TokenKey(token_digest));
  }
  // The oldest first.
  absl::StatusOr<std::vector<std::string>> SessionsOf(std::string_view person_id) const;
  absl::StatusOr<std::optional<std::string>> IdOfSourceKey(std::string_view source, std::string_view key) const {
    return state_.Get(SourceKey(source, key));
  }
  absl::StatusOr<std::optional<Bound>> BoundOf(std::string_view id) const;
  // Whether another active person than `person_id` holds the role.
  absl::StatusOr<bool> AnotherHolds(yizhan::common::v1::Role role, std::string_view person_id) const;

  const ledger::StateReader& state() const { return state_; }

 private:
  const ledger::StateReader& state_;
};

}  // namespace yizhan::directory
