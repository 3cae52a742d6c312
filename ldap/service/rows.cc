#include "ldap/service/rows.h"

#include "base/status.h"

namespace yizhan::directory {
namespace {

template <typename Row>
absl::StatusOr<std::optional<Row>> Decoded(const absl::StatusOr<std::optional<std::string>>& bytes) {
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) return std::nullopt;
  YZ_ASSIGN_OR_RETURN(Row row, Row::Decode(**bytes));
  return std::optional<Row>(std::move(row));
}

template <typename Message>
absl::StatusOr<std::optional<Message>> Parsed(const absl::StatusOr<std::optional<std::string>>& bytes) {
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) return std::nullopt;
  Message message;
  if (!message.ParseFromString(**bytes)) return Unreadable(Message::descriptor()->name(), (*bytes)->size());
  return std::optional<Message>(std::move(message));
}

}  // namespace

absl::StatusOr<std::optional<PersonRow>> Rows::Person(std::string_view person_id) const {
  return Decoded<PersonRow>(state_.Get(PersonKey(person_id)));
}

absl::StatusOr<std::optional<DepartmentRow>> Rows::Department(std::string_view department_id) const {
  return Decoded<DepartmentRow>(state_.Get(DepartmentKey(department_id)));
}

absl::StatusOr<std::optional<v1::Group>> Rows::Group(std::string_view group_id) const {
  return Parsed<v1::Group>(state_.Get(GroupKey(group_id)));
}

absl::StatusOr<std::optional<v1::CredentialsSet>> Rows::Credentials(std::string_view person_id) const {
  return Parsed<v1::CredentialsSet>(state_.Get(CredentialsKey(person_id)));
}

absl::StatusOr<std::optional<SessionRow>> Rows::Session(std::string_view session_id) const {
  return Decoded<SessionRow>(state_.Get(SessionKey(session_id)));
}

absl::StatusOr<std::vector<std::string>> Rows::SessionsOf(std::string_view person_id) const {
  YZ_ASSIGN_OR_RETURN(auto row, state_.Get(SessionsKey(person_id)));
  std::vector<std::string> ids;
  if (!row) return ids;
  if (row->size() % kIdBytes != 0) return Unreadable("list of sessions", row->size());
  for (size_t at = 0; at < row->size(); at += kIdBytes) ids.push_back(row->substr(at, kIdBytes));
  return ids;
}

absl::StatusOr<std::optional<Bound>> Rows::BoundOf(std::string_view id) const {
  YZ_ASSIGN_OR_RETURN(auto row, state_.Get(BoundKey(id)));
  if (!row) return std::nullopt;
  YZ_ASSIGN_OR_RETURN(Bound bound, DecodeBound(*row));
  return std::optional<Bound>(std::move(bound));
}

absl::StatusOr<bool> Rows::AnotherHolds(yizhan::common::v1::Role role, std::string_view person_id) const {
  const std::string prefix = RolePrefix(role);
  bool another = false;
  YZ_RETURN_IF_ERROR(state_.Scan(prefix, "", [&](std::string_view key, std::string_view) {
    another = key.substr(prefix.size()) != person_id;
    return !another;
  }));
  return another;
}

}  // namespace yizhan::directory
