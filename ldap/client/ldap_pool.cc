#include "ldap/client/ldap_pool.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/status.h"

namespace yizhan::directory {
namespace {
// A server that hangs costs each caller its whole timeout; after a failure the others fail at once for this long.
constexpr absl::Duration kLeftAlone = absl::Seconds(1);
}  // namespace

LdapServers::LdapServers(const LdapConfig& config) : config_(config) {
  for (const std::string& url : config.urls)
    servers_.push_back({.url = url, .failed = absl::InfinitePast(), .why = {}});
}

std::vector<LdapServers::Server> LdapServers::InOrder() const {
  absl::MutexLock lock(&mutex_);
  std::vector<Server> order = servers_;
  const absl::Time recent = absl::Now() - config_.retry_server_after;
  std::stable_partition(order.begin(), order.end(), [&](const Server& server) { return server.failed < recent; });
  return order;
}

void LdapServers::Failed(const std::string& url, const absl::Status& why) {
  absl::MutexLock lock(&mutex_);
  for (Server& server : servers_) {
    if (server.url != url) continue;
    server.failed = absl::Now();
    server.why = why;
  }
}

absl::Time LdapServers::FailedAt(const std::string& url) const {
  absl::MutexLock lock(&mutex_);
  for (const Server& server : servers_) {
    if (server.url == url) return server.failed;
  }
  return absl::InfinitePast();
}

void LdapServers::Answered(const std::string& url) {
  absl::MutexLock lock(&mutex_);
  for (Server& server : servers_) {
    if (server.url == url) server.failed = absl::InfinitePast();
  }
}

absl::StatusOr<std::unique_ptr<LdapConnection>> LdapServers::Connect(absl::Time deadline) {
  std::vector<absl::Status> failures;
  for (const Server& server : InOrder()) {
    if (absl::Now() - server.failed < kLeftAlone) {
      failures.push_back(server.why);
      continue;
    }
    auto connection = LdapConnection::Open(server.url, config_, deadline);
    if (connection.ok()) {
      Answered(server.url);
      return connection;
    }
    Failed(server.url, connection.status());
    failures.push_back(connection.status());
  }
  if (failures.size() == 1) return failures.front();
  const bool tls_everywhere = std::all_of(failures.begin(), failures.end(), [](const absl::Status& failure) {
    return failure.code() == absl::StatusCode::kFailedPrecondition;
  });
  const std::string message = absl::StrCat("none of ", failures.size(), " LDAP servers can be used: ",
                                           absl::StrJoin(failures, "; ", [](std::string* out, const absl::Status& s) {
                                             absl::StrAppend(out, s.message());
                                           }));
  if (tls_everywhere) return Refuse(absl::StatusCode::kFailedPrecondition, "LDAP_TLS_REFUSED", message);
  return RefuseForNow(absl::StatusCode::kUnavailable, "LDAP_UNAVAILABLE", message, 2000);
}

LdapPool::LdapPool(const LdapConfig& config, LdapServers& servers, Prepare prepare)
    : config_(config), servers_(servers), prepare_(std::move(prepare)) {}

absl::Status LdapPool::Reserve(absl::Time deadline) {
  absl::MutexLock lock(&mutex_);
  const auto free = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return in_use_ < config_.connections; };
  if (!mutex_.AwaitWithDeadline(absl::Condition(&free), deadline)) {
    return RefuseForNow(absl::StatusCode::kResourceExhausted, "LDAP_BUSY",
                        absl::StrCat("all ", config_.connections,
                                     " LDAP connections are in use; try again, or raise "
                                     "ldap.connections"),
                        1000);
  }
  ++in_use_;
  return absl::OkStatus();
}

void LdapPool::Release(std::unique_ptr<LdapConnection> connection) {
  absl::MutexLock lock(&mutex_);
  --in_use_;
  if (connection != nullptr && connection->usable()) idle_.push_back({std::move(connection), absl::Now()});
}

std::unique_ptr<LdapConnection> LdapPool::TakeIdle() {
  std::vector<Idle> stale;  // closed outside of the lock
  absl::MutexLock lock(&mutex_);
  const absl::Time oldest = absl::Now() - config_.idle_timeout;
  while (!idle_.empty() && idle_.front().since < oldest) {
    stale.push_back(std::move(idle_.front()));
    idle_.erase(idle_.begin());
  }
  while (!idle_.empty()) {
    Idle last = std::move(idle_.back());
    idle_.pop_back();
    // Its server may have failed for the other pool, or for a reading, since this one was used.
    if (servers_.FailedAt(last.connection->url()) < last.since) return std::move(last.connection);
    stale.push_back(std::move(last));
  }
  return nullptr;
}

void LdapPool::DropIdle(const std::string& url) {
  absl::MutexLock lock(&mutex_);
  std::erase_if(idle_, [&](const Idle& idle) { return idle.connection->url() == url; });
}

absl::StatusOr<std::unique_ptr<LdapConnection>> LdapPool::Fresh(absl::Time deadline) {
  YZ_ASSIGN_OR_RETURN(std::unique_ptr<LdapConnection> connection, servers_.Connect(deadline));
  absl::Status ready = prepare_(*connection, deadline);
  if (!ready.ok() && !connection->usable()) servers_.Failed(connection->url(), ready);
  YZ_RETURN_IF_ERROR(ready);
  return connection;
}

absl::Status LdapPool::Run(absl::Time deadline, const Use& use) {
  YZ_RETURN_IF_ERROR(Reserve(deadline));
  std::unique_ptr<LdapConnection> connection;
  absl::Status result;
  // One try for a pooled connection that the server has closed meanwhile, and one for each server.
  for (size_t attempt = 0; attempt <= config_.urls.size(); ++attempt) {
    connection = TakeIdle();
    const bool reused = connection != nullptr;
    if (!reused) {
      auto fresh = Fresh(deadline);
      if (!fresh.ok()) {
        // Earlier the server in use was gone; that none is left is the better answer.
        result = fresh.status();
        break;
      }
      connection = *std::move(fresh);
    }
    result = use(*connection);
    if (connection->usable()) break;
    if (!reused || connection->timed_out()) servers_.Failed(connection->url(), result);
    DropIdle(connection->url());
    connection = nullptr;
    if (absl::Now() >= deadline) break;
  }
  Release(std::move(connection));
  return result;
}

}  // namespace yizhan::directory
