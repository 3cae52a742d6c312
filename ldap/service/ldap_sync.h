// The full taking over of an LDAP directory's people and departments. Thread-safe.
#pragma once

#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "ldap/service/core.h"
#include "ldap/service/ldap_sources.h"
#include "ldap/service/worker_pool.h"
#include "yizhan/directory/v1/directory_service.pb.h"

namespace yizhan::directory {

class LdapSync {
 public:
  struct Bounds {
    // More of a source's active people to disable than this share, and than this number, is a mass change.
    double mass_change_share = 0.05;
    uint32_t mass_change_least = 10;
  };
  LdapSync(const Core* core, const LdapSources* sources, WorkerPool* workers, Bounds bounds)
      : core_(core), sources_(sources), workers_(workers), bounds_(bounds) {}

  // The answer is a SyncLdapResponse. NotFound SOURCE_NOT_FOUND; Aborted SYNC_RUNNING while one of the same source runs; FailedPrecondition
  // MASS_CHANGE, with nothing changed, unless it is accepted; what LdapClient::ReadAll() says. A dry run never refuses a mass change.
  void Start(const Caller& caller, const v1::SyncLdapRequest& request, Answer answer);

  // The same on this thread, which blocks.
  absl::StatusOr<v1::SyncLdapResponse> Run(std::string_view actor, const v1::SyncLdapRequest& request);

 private:
  absl::StatusOr<v1::SyncLdapResponse> Take(std::string_view actor, const v1::SyncLdapRequest& request, const LdapSnapshot& snapshot);

  const Core* const core_;
  const LdapSources* const sources_;
  WorkerPool* const workers_;
  const Bounds bounds_;
  absl::Mutex mu_;
  std::set<std::string> running_ ABSL_GUARDED_BY(mu_);
};

}  // namespace yizhan::directory
