#include "ldap/service/ldap_sync.h"

#include <algorithm>
#include <functional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "base/status.h"
#include "ldap/service/ldap_plan.h"
#include "ldap/service/text.h"

namespace yizhan::directory {
namespace {

// In one command: each person may cost a record, a binding and the end of 50 sessions, and 4,096 records are the ledger's bound.
constexpr size_t kPeoplePerCommand = 64;
constexpr size_t kDepartmentsPerCommand = 500;
constexpr int kMaxSkipped = 100;

// A portion of the work: told to a plan.
using Portion = std::function<absl::Status(LdapPlan&)>;

// All that a snapshot asks for, in an order in which it can be done.
struct Work {
  std::vector<Portion> portions;
  std::vector<std::string> skipped;
  std::vector<std::string> gone;  // person ids
  size_t known_active = 0;
};

void AddCounts(const LdapPlan::Counts& counts, v1::SyncLdapResponse& response) {
  response.set_added(response.added() + counts.added);
  response.set_changed(response.changed() + counts.changed);
  response.set_disabled(response.disabled() + counts.disabled);
  response.set_unchanged(response.unchanged() + counts.unchanged);
  response.set_departments(response.departments() + counts.departments);
  for (const std::string& line : counts.skipped) {
    if (response.skipped_size() < kMaxSkipped) response.add_skipped(line);
  }
}

template <typename Item>
std::vector<std::vector<Item>> InPortions(std::vector<Item> items, size_t size) {
  std::vector<std::vector<Item>> portions;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i % size == 0) portions.emplace_back();
    portions.back().push_back(std::move(items[i]));
  }
  return portions;
}

absl::StatusOr<Work> WorkOf(const LdapSnapshot& snapshot, const std::string& source, const Rows& rows, const Roster& roster) {
  Work work;
  for (const SkippedEntry& entry : snapshot.skipped) work.skipped.push_back(SkippedLine(entry.dn, entry.reason));

  std::vector<std::pair<LdapDepartment, int32_t>> departments;
  for (const LdapDepartment& department : snapshot.departments) {
    departments.emplace_back(department, static_cast<int32_t>(departments.size()));
  }
  for (auto& some : InPortions(std::move(departments), kDepartmentsPerCommand)) {
    work.portions.push_back([some = std::move(some)](LdapPlan& plan) {
      for (const auto& [department, position] : some) YZ_RETURN_IF_ERROR(plan.Take(department, position));
      return absl::OkStatus();
    });
  }

  std::unordered_set<std::string> there;
  std::vector<std::pair<WantedPerson, std::string>> people;
  for (const LdapPerson& entry : snapshot.people) {
    there.insert(entry.key);
    auto wanted = WantedOf(entry, source);
    if (!wanted.ok()) {
      work.skipped.push_back(SkippedLine(entry.dn, std::string(wanted.status().message())));
    } else {
      people.emplace_back(*std::move(wanted), entry.dn);
    }
  }

  // Whoever is bound here and is not among them, before the names of the gone are wanted by others.
  const std::string prefix = SourcePrefix(source);
  YZ_RETURN_IF_ERROR(rows.state().Scan(prefix, "", [&](std::string_view key, std::string_view id) {
    const auto person = roster.Find(id);
    if (!person || !person->person.active() || person->person.source() != source) return true;
    ++work.known_active;
    if (!there.contains(std::string(key.substr(prefix.size())))) work.gone.emplace_back(id);
    return true;
  }));
  for (auto& some : InPortions(work.gone, kPeoplePerCommand)) {
    work.portions.push_back([some = std::move(some)](LdapPlan& plan) {
      for (const std::string& id : some) YZ_RETURN_IF_ERROR(plan.Disable(id));
      return absl::OkStatus();
    });
  }
  for (auto& some : InPortions(std::move(people), kPeoplePerCommand)) {
    work.portions.push_back([some = std::move(some)](LdapPlan& plan) {
      for (const auto& [wanted, dn] : some) YZ_RETURN_IF_ERROR(plan.Take(wanted, dn).status());
      return absl::OkStatus();
    });
  }
  return work;
}

}  // namespace

void LdapSync::Start(const Caller& caller, const v1::SyncLdapRequest& request, Answer answer) {
  workers_->Post(absl::InfiniteFuture(), [this, actor = caller.actor, request, answer = std::move(answer)](absl::Status status) mutable {
    if (!status.ok()) return answer(status);
    auto response = Run(actor, request);
    if (response.ok()) {
      answer(response->SerializeAsString());
    } else {
      answer(response.status());
    }
  });
}

absl::StatusOr<v1::SyncLdapResponse> LdapSync::Run(std::string_view actor, const v1::SyncLdapRequest& request) {
  LdapClient* client = sources_->Find(request.source());
  if (client == nullptr) {
    return Refuse(absl::StatusCode::kNotFound, "SOURCE_NOT_FOUND",
                  absl::StrCat("the configuration names no LDAP source '", AsLine(request.source(), 64), "'"));
  }
  {
    absl::MutexLock lock(&mu_);
    if (!running_.insert(request.source()).second) {
      return Refuse(absl::StatusCode::kAborted, "SYNC_RUNNING", "this source is being read already; ask again when that is done");
    }
  }
  absl::Cleanup finished = [&] {
    absl::MutexLock lock(&mu_);
    running_.erase(request.source());
  };
  const absl::Time began = absl::Now();
  const auto snapshot = client->ReadAll();
  const absl::StatusOr<v1::SyncLdapResponse> response =
      snapshot.ok() ? Take(actor, request, *snapshot) : absl::StatusOr<v1::SyncLdapResponse>(snapshot.status());
  metrics::GetCounter("yizhan_directory_ldap_syncs_total", "Full readings of LDAP sources by result.",
                      {{"source", request.source()}, {"result", response.ok() ? "ok" : "refused"}})
      .Add();
  if (!response.ok()) {
    log::Warning("directory", "an LDAP source was not taken over").With("source", request.source()).With("error", response.status());
    return response;
  }
  log::Info("directory", request.dry_run() ? "compared an LDAP source" : "took over an LDAP source")
      .With("source", request.source())
      .With("added", response->added())
      .With("changed", response->changed())
      .With("disabled", response->disabled())
      .With("unchanged", response->unchanged())
      .With("departments", response->departments())
      .With("skipped", response->skipped_size())
      .With("seconds", absl::ToDoubleSeconds(absl::Now() - began));
  return response;
}

absl::StatusOr<v1::SyncLdapResponse> LdapSync::Take(std::string_view actor, const v1::SyncLdapRequest& request,
                                                    const LdapSnapshot& snapshot) {
  const std::string& source = request.source();
  v1::SyncLdapResponse response;
  Work work;
  // One plan for everything, over the state as it is, says beforehand what would change.
  {
    const auto view = core_->View();
    const Rows rows(*view);
    YZ_ASSIGN_OR_RETURN(work, WorkOf(snapshot, source, rows, core_->roster()));
    Draft thrown_away;
    LdapPlan plan(source, rows, thrown_away);
    for (const Portion& portion : work.portions) YZ_RETURN_IF_ERROR(portion(plan));
    AddCounts(plan.counts(), response);
  }
  if (!request.dry_run()) {
    const bool mass = response.disabled() > bounds_.mass_change_least &&
                      response.disabled() > bounds_.mass_change_share * static_cast<double>(work.known_active);
    if (mass && !request.accept_mass_change()) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "MASS_CHANGE",
                    absl::StrCat(response.disabled(), " of ", work.known_active, " people of the LDAP source '", source,
                                 "' would be disabled; nothing was changed. Look at the source and its filters; if it is right, accept the mass change"));
    }
    response.Clear();
    for (const Portion& portion : work.portions) {
      LdapPlan::Counts counts;
      auto decided = core_->SubmitAndWait(
          actor, [&](const ledger::DecideContext&, const Rows& rows, Draft& draft) -> absl::StatusOr<std::string> {
            LdapPlan plan(source, rows, draft);
            YZ_RETURN_IF_ERROR(portion(plan));
            counts = plan.counts();
            return std::string();
          });
      // What the commands before this one did stays; the next run goes on from there.
      if (!decided.ok()) return decided.status();
      AddCounts(counts, response);
    }
  }
  for (const std::string& line : work.skipped) {
    if (response.skipped_size() < kMaxSkipped) response.add_skipped(line);
  }
  return response;
}

}  // namespace yizhan::directory
