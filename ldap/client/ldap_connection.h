// One connection to one LDAP server, always under TLS before anything is said. The only header below which libldap is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "ldap/client/ldap_config.h"
#include "ldap/client/ldap_entries.h"

namespace yizhan::directory {

struct LdapSearch {
  std::string base;
  bool base_only = false;  // the entry itself; otherwise it and everything below it
  std::string filter;
  std::vector<std::string> attributes;
  int size_limit = 0;  // 0: none
  int page_size = 0;   // RFC 2696; 0: no paging
};

struct LdapPage {
  std::vector<RawEntry> entries;
  size_t referrals = 0;
  bool truncated = false;  // the size limit was reached
  std::string cookie;      // empty: the last page
};

// Not thread-safe: one thread at a time. Blocking calls, each bounded by its deadline and by the configuration's
// timeouts. What is not bounded is the resolution of a host's name, which is the system's: give addresses, or a
// resolver with its own timeout.
class LdapConnection {
 public:
  // TCP, TLS (1.2 at least, certificate and name checked against `ca_file`), no bind yet. Unavailable LDAP_UNAVAILABLE
  // when nobody answers; FailedPrecondition LDAP_TLS_REFUSED when TLS does not come about. Both name the server.
  static absl::StatusOr<std::unique_ptr<LdapConnection>> Open(const std::string& url, const LdapConfig& config,
                                                              absl::Time deadline);
  ~LdapConnection();

  // Simple bind. InvalidArgument for an empty DN or password, which is never sent. Unauthenticated WRONG_CREDENTIALS;
  // PermissionDenied PASSWORD_EXPIRED, PASSWORD_MUST_CHANGE or ACCOUNT_DISABLED, which Active Directory says of a right
  // password only; Unavailable LDAP_UNAVAILABLE.
  absl::Status Bind(const std::string& dn, const Secret<std::string>& password, absl::Time deadline);

  // One page. `cookie` is the previous page's, empty for the first. NotFound when the base is not there; Unavailable
  // when the server does not answer; FailedPrecondition otherwise, with the server's words.
  absl::StatusOr<LdapPage> Search(const LdapSearch& search, const std::string& cookie, absl::Time deadline);

  // False after an error that leaves it unclear what the next answer belongs to: close it.
  bool usable() const { return usable_; }
  // True when the server was too slow, rather than gone.
  bool timed_out() const { return timed_out_; }
  const std::string& url() const { return url_; }

 private:
  struct Handle;
  LdapConnection(std::string url, const LdapConfig& config);
  absl::Status Connect(const LdapConfig& config, absl::Time deadline);
  absl::Status FromCode(int code, const std::string& said, const std::string& doing);
  absl::Status FromBindCode(int code, const std::string& said);

  const std::string url_;
  const absl::Duration operation_timeout_;
  std::unique_ptr<Handle> handle_;
  bool usable_ = true;
  bool timed_out_ = false;
};

}  // namespace yizhan::directory
