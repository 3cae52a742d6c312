// An institution's LDAP directory (OpenLDAP, Active Directory) as this product sees it: who somebody is, and who there
// is.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "ldap/client/ldap_config.h"
#include "ldap/client/ldap_entries.h"

namespace yizhan::directory {

// Thread-safe. Every call BLOCKS its caller's thread, for the configuration's timeouts at most (a host's name is
// resolved by the system, in its own time): give it a thread that may wait, never a partition's executor or a gRPC
// reaction.
//
// Nothing is sent before TLS stands and the server's certificate is good; referrals are never followed. Connections are
// kept and used again: `connections` for searching, bound as bind_dn, and as many for log-ins. A server that fails is
// left for the next one, and asked again after `retry_server_after`. No SIGPIPE is raised.
class LdapClient {
 public:
  // What CheckLdapConfig() refuses is refused here; no server is asked yet.
  static absl::StatusOr<std::unique_ptr<LdapClient>> Create(LdapConfig config);
  ~LdapClient();

  // Who has this login and this password: searches for the entry with `login_filter` (exactly one), then binds as it.
  // The password goes to the server as it was typed. department_keys stays empty.
  //   InvalidArgument PASSWORD_EMPTY           an empty password; nothing is sent (RFC 4513, 5.1.2)
  //   Unauthenticated WRONG_CREDENTIALS        wrong password or unknown login, which nobody can tell apart: an unknown
  //                                            one costs a bind too, so that it takes as many round trips
  //   PermissionDenied ACCOUNT_DISABLED, PASSWORD_EXPIRED, PASSWORD_MUST_CHANGE   after a right password only
  //   FailedPrecondition LDAP_AMBIGUOUS_LOGIN  two entries have this login: the directory or login_filter is wrong
  //   FailedPrecondition LDAP_BIND_REFUSED, LDAP_TLS_REFUSED, LDAP_REFUSED        a configuration to put right
  //   Unavailable LDAP_UNAVAILABLE             no server answers in time; with a retry hint
  //   ResourceExhausted LDAP_BUSY              no connection became free in time; with a retry hint
  absl::StatusOr<LdapPerson> Authenticate(std::string_view login, const Secret<std::string>& password,
                                          absl::Time deadline = absl::InfiniteFuture());

  // All people and departments, page by page, over a connection of its own; memory for all of them. Errors as above,
  // and
  //   FailedPrecondition LDAP_SIZE_LIMIT, LDAP_NO_PAGING   the server would give a part only
  //   NotFound LDAP_NO_SUCH_ENTRY                          a base does not exist
  //   ResourceExhausted LDAP_TOO_MANY                      more than max_people or max_departments
  // Either everything or an error: never a part, which a caller would take for people who have left.
  absl::StatusOr<LdapSnapshot> ReadAll(absl::Time deadline = absl::InfiniteFuture());

  // For an administrator's "test the connection": each server, connected to anew and bound to.
  struct ServerCheck {
    std::string url;
    absl::Status status;
    absl::Duration took;
  };
  std::vector<ServerCheck> Check(absl::Time deadline = absl::InfiniteFuture());

  const LdapConfig& config() const;

 private:
  struct Parts;
  explicit LdapClient(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace yizhan::directory
