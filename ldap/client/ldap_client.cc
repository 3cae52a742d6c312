#include "ldap/client/ldap_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status.h"
#include "ldap/client/dn.h"
#include "ldap/client/filter.h"
#include "ldap/client/ldap_connection.h"
#include "ldap/client/ldap_pool.h"
#include "ldap/client/ldap_reader.h"
#include "ldap/credentials/crypto.h"
#include "ldap/credentials/password_hash.h"

namespace yizhan::directory {
namespace {

constexpr size_t kMaxLoginBytes = 256;

// The service's own bind: what is wrong with it is an administrator's matter, never a person's wrong password.
absl::Status BindAsService(LdapConnection& connection, const LdapConfig& config, absl::Time deadline) {
  absl::Status bound = connection.Bind(config.bind_dn, config.bind_password, deadline);
  if (bound.code() != absl::StatusCode::kUnauthenticated && bound.code() != absl::StatusCode::kPermissionDenied) {
    return bound;
  }
  return Refuse(
      absl::StatusCode::kFailedPrecondition, "LDAP_BIND_REFUSED",
      absl::StrCat("LDAP server ", connection.url(), " refuses ldap.bind_dn \"", config.bind_dn,
                   "\"; check it and ldap.bind_password, and that the account is neither locked nor expired"));
}

}  // namespace

struct LdapClient::Parts {
  explicit Parts(LdapConfig c)
      : config(std::move(c)),
        servers(config),
        searches(config, servers,
                 [this](LdapConnection& connection, absl::Time deadline) {
                   return BindAsService(connection, config, deadline);
                 }),
        log_ins(config, servers, [](LdapConnection&, absl::Time) { return absl::OkStatus(); }) {}

  const LdapConfig config;
  LdapServers servers;
  LdapPool searches;
  LdapPool log_ins;
};

LdapClient::LdapClient(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LdapClient::~LdapClient() = default;
const LdapConfig& LdapClient::config() const { return parts_->config; }

absl::StatusOr<std::unique_ptr<LdapClient>> LdapClient::Create(LdapConfig config) {
  YZ_RETURN_IF_ERROR(CheckLdapConfig(config));
  return std::unique_ptr<LdapClient>(new LdapClient(std::make_unique<Parts>(std::move(config))));
}

absl::StatusOr<LdapPerson> LdapClient::Authenticate(std::string_view login, const Secret<std::string>& password,
                                                    absl::Time deadline) {
  const LdapConfig& config = parts_->config;
  if (password.empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "PASSWORD_EMPTY", "the password is empty; enter one");
  }
  if (login.empty() || login.size() > kMaxLoginBytes || password.Reveal().size() > kMaxPasswordBytes) {
    return WrongCredentials();
  }
  deadline = std::min(deadline, absl::Now() + config.call_timeout);
  const LdapSearch search = {.base = config.people_base,
                             .filter = FillFilter(config.login_filter, login),
                             .attributes = PersonAttributes(config.attributes),
                             .size_limit = 2};
  LdapPage found;
  YZ_RETURN_IF_ERROR(parts_->searches.Run(deadline, [&](LdapConnection& connection) -> absl::Status {
    YZ_ASSIGN_OR_RETURN(found, connection.Search(search, "", deadline));
    return absl::OkStatus();
  }));
  if (found.entries.size() > 1) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "LDAP_AMBIGUOUS_LOGIN",
                  absl::StrCat("two entries have this login, \"", found.entries[0].dn, "\" and \"", found.entries[1].dn,
                               "\"; correct the directory or ldap.login_filter"));
  }
  const bool known = !found.entries.empty();
  // Nobody has this DN; the bind is for the time that it takes.
  const std::string dn =
      known ? found.entries[0].dn : absl::StrCat("cn=", Base64Url(RandomBytes(12)), ",", config.people_base);
  const absl::Status bound = parts_->log_ins.Run(
      deadline, [&](LdapConnection& connection) { return connection.Bind(dn, password, deadline); });
  if (!known && (bound.ok() || bound.code() == absl::StatusCode::kPermissionDenied)) return WrongCredentials();
  YZ_RETURN_IF_ERROR(bound);
  YZ_ASSIGN_OR_RETURN(LdapPerson person, PersonOf(found.entries[0], config.attributes));
  if (person.disabled) {
    return Refuse(absl::StatusCode::kPermissionDenied, "ACCOUNT_DISABLED",
                  "this account is disabled; ask your administrator");
  }
  return person;
}

absl::StatusOr<LdapSnapshot> LdapClient::ReadAll(absl::Time deadline) {
  const LdapConfig& config = parts_->config;
  deadline = std::min(deadline, absl::Now() + config.sync_timeout);
  YZ_ASSIGN_OR_RETURN(std::unique_ptr<LdapConnection> connection, parts_->servers.Connect(deadline));
  YZ_RETURN_IF_ERROR(BindAsService(*connection, config, deadline));
  absl::StatusOr<LdapSnapshot> snapshot = ReadSnapshot(*connection, config, deadline);
  if (!snapshot.ok() && !connection->usable()) parts_->servers.Failed(connection->url(), snapshot.status());
  return snapshot;
}

std::vector<LdapClient::ServerCheck> LdapClient::Check(absl::Time deadline) {
  const LdapConfig& config = parts_->config;
  std::vector<ServerCheck> checks;
  for (const std::string& url : config.urls) {
    const absl::Time started = absl::Now();
    const absl::Time until = std::min(deadline, started + config.call_timeout);
    auto connection = LdapConnection::Open(url, config, until);
    absl::Status status = connection.status();
    if (status.ok()) status = BindAsService(**connection, config, until);
    checks.push_back({url, status, absl::Now() - started});
  }
  return checks;
}

}  // namespace yizhan::directory
