// Which server, and how many connections to it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "ldap/client/ldap_connection.h"

namespace yizhan::directory {

// Which servers failed lately, and what to try next. Thread-safe.
class LdapServers {
 public:
  explicit LdapServers(const LdapConfig& config);

  // A new connection to the first server that answers: those without a recent failure in the configured order, then the
  // others. A server that failed within the last second is left alone. When none answers: Unavailable LDAP_UNAVAILABLE,
  // or FailedPrecondition LDAP_TLS_REFUSED when TLS is what failed everywhere; the message names each.
  absl::StatusOr<std::unique_ptr<LdapConnection>> Connect(absl::Time deadline);

  void Failed(const std::string& url, const absl::Status& why);

  // When a server failed last, if nothing has been heard from it since; InfinitePast otherwise.
  absl::Time FailedAt(const std::string& url) const;

 private:
  struct Server {
    std::string url;
    absl::Time failed = absl::InfinitePast();
    absl::Status why;
  };
  std::vector<Server> InOrder() const;
  void Answered(const std::string& url);

  const LdapConfig& config_;
  mutable absl::Mutex mutex_;
  std::vector<Server> servers_ ABSL_GUARDED_BY(mutex_);
};

// At most `config.connections` connections for one use. `prepare` makes a fresh one ready (the service's bind); it
// fails the whole call. Thread-safe.
class LdapPool {
 public:
  using Prepare = std::function<absl::Status(LdapConnection&, absl::Time deadline)>;
  using Use = std::function<absl::Status(LdapConnection&)>;

  // Both references must outlive the pool.
  LdapPool(const LdapConfig& config, LdapServers& servers, Prepare prepare);

  // Runs `use` with a connection; once more on another when the connection turned out to be broken, as long as there is
  // time, so `use` must bear to be repeated. Waits for a free connection until `deadline`, then ResourceExhausted
  // LDAP_BUSY.
  absl::Status Run(absl::Time deadline, const Use& use);

 private:
  struct Idle {
    std::unique_ptr<LdapConnection> connection;
    absl::Time since;
  };
  absl::Status Reserve(absl::Time deadline);
  void Release(std::unique_ptr<LdapConnection> connection);
  std::unique_ptr<LdapConnection> TakeIdle();
  absl::StatusOr<std::unique_ptr<LdapConnection>> Fresh(absl::Time deadline);
  void DropIdle(const std::string& url);

  const LdapConfig& config_;
  LdapServers& servers_;
  const Prepare prepare_;
  absl::Mutex mutex_;
  int in_use_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Idle> idle_ ABSL_GUARDED_BY(mutex_);  // the one used last at the back
};

}  // namespace yizhan::directory
