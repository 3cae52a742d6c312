#include "ldap/service/parts.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "base/status.h"

namespace yizhan::directory {
namespace {

constexpr size_t kMaxTimers = 20'000;
constexpr absl::Duration kSweepEvery = absl::Minutes(10);

}  // namespace

Parts::Parts(ledger::Ledger* ledger, const Clock* clock, Options options)
    : core(ledger, clock),
      timer(kMaxTimers),
      upkeep(16),
      hash_workers("directory-hash", std::max(1, options.hashing.parallel.parallel), options.max_queued),
      ldap_workers("directory-ldap", std::max(1, options.ldap_workers), options.max_queued),
      sync_worker("directory-sync", 1, 16),
      hasher(options.hashing, [clock] { return clock->Now(); }),
      sessions(&core, options.sessions, std::move(options.session_ended), options.record_elsewhere),
      log_ins({&core, &sessions, &hasher, &hash_workers, &ldap, &ldap_workers, &timer, options.record_elsewhere}, options.log_ins, options.install_key),
      people({&core, &hasher, &hash_workers, &ldap, &log_ins}),
      departments(&core, &ldap),
      groups(&core),
      ldap_sync(&core, &ldap, &sync_worker, options.ldap_sync) {}

void Parts::OnCommitted(absl::Span<const ledger::Record> records) {
  v1::DirectoryRecord directory;
  for (const ledger::Record& record : records) {
    // The machine has read it before; what it could not read was never committed.
    if (!directory.ParseFromString(record.payload())) continue;
    switch (directory.kind_case()) {
      case v1::DirectoryRecord::kPersonPut:
        core.roster().Put(std::move(*directory.mutable_person_put()), record.seq());
        break;
      case v1::DirectoryRecord::kDepartmentPut:
        core.roster().Put(std::move(*directory.mutable_department_put()), record.seq());
        break;
      case v1::DirectoryRecord::kSessionStarted:
        sessions.OnStarted(directory.session_started(), record.time_us());
        break;
      case v1::DirectoryRecord::kSessionUsed:
        sessions.OnUsed(directory.session_used());
        break;
      case v1::DirectoryRecord::kSessionEnded:
        sessions.OnEnded(directory.session_ended());
        break;
      default:
        break;
    }
  }
}

absl::Status Parts::Start(std::vector<LdapSource> sources) {
  YZ_RETURN_IF_ERROR(ldap.Open(std::move(sources)));
  YZ_RETURN_IF_ERROR(core.roster().Load(*core.View()));
  YZ_RETURN_IF_ERROR(sessions.Start());
  TickEachSecond();
  SweepNowAndThen();
  log::Info("directory", "started")
      .With("people", core.roster().people())
      .With("active", core.roster().active_people())
      .With("departments", core.roster().departments())
      .With("sessions", sessions.count())
      .With("ldap_sources", ldap.all().size());
  return absl::OkStatus();
}

void Parts::Stop() {
  if (stopping_.exchange(true)) return;
  upkeep.Stop();
  timer.Stop();
  hash_workers.Stop();
  ldap_workers.Stop();
  sync_worker.Stop();
}

void Parts::TickEachSecond() {
  upkeep.After(absl::Seconds(1), [this] {
    log_ins.Tick();
    if (!stopping_) TickEachSecond();
  });
}

void Parts::SweepNowAndThen() {
  // On the worker that may take its time.
  upkeep.After(kSweepEvery, [this] {
    if (stopping_) return;
    sync_worker.Post(absl::InfiniteFuture(), [this](absl::Status status) {
      if (status.ok()) sessions.Sweep();
    });
    SweepNowAndThen();
  });
}

}  // namespace yizhan::directory
