// The service's nouns, side by side: what service.cc composes and directory_rpc.cc exposes.
#pragma once

#include "ldap/service/core.h"
#include "ldap/service/departments.h"
#include "ldap/service/hasher.h"
#include "ldap/service/ldap_sources.h"
#include "ldap/service/ldap_sync.h"
#include "ldap/service/log_in.h"
#include "ldap/service/people.h"
#include "ldap/service/sessions.h"
#include "ldap/service/timer.h"
#include "ldap/service/worker_pool.h"

namespace yizhan::directory {

// Everything but the calls. Its threads run from its construction on; Stop() ends them.
struct Parts {
  struct Options {
    Secret<std::string> install_key;
    Hasher::Bounds hashing;
    Sessions::Bounds sessions;
    LogIns::Bounds log_ins;
    LdapSync::Bounds ldap_sync;
    int ldap_workers = 8;
    size_t max_queued = 2'048;  // in each of the pools
    std::function<void(std::string_view session_id, std::string_view person_id)> session_ended;
    std::function<void(std::string_view method, std::string request)> record_elsewhere;
  };
  Parts(ledger::Ledger* ledger, const Clock* clock, Options options);
  ~Parts() { Stop(); }

  // The ledger's listener.
  void OnCommitted(absl::Span<const ledger::Record> records);
  // After Ledger::Start.
  absl::Status Start(std::vector<LdapSource> sources);
  void Stop();

  const Core core;
  LdapSources ldap;
  Timer timer;   // answers that wait
  Timer upkeep;  // what is done now and then; apart, because a full timer gives up delays
  WorkerPool hash_workers;
  WorkerPool ldap_workers;
  WorkerPool sync_worker;
  Hasher hasher;
  Sessions sessions;
  LogIns log_ins;
  const People people;
  const Departments departments;
  const Groups groups;
  LdapSync ldap_sync;

 private:
  void TickEachSecond();
  void SweepNowAndThen();

  std::atomic<bool> stopping_{false};
};

}  // namespace yizhan::directory
