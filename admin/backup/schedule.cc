#include "admin/backup/schedule.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/logging.h"
#include "base/status.h"
#include "base/thread_name.h"

namespace yizhan::admin {
namespace {

using yizhan::admin::v1::ComponentHealth;

constexpr absl::Duration kFirstRetry = absl::Seconds(30);

std::string Time(int64_t time_us) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixMicros(time_us), absl::LocalTimeZone());
}

}  // namespace

absl::StatusOr<OpenedStores> OpenBackupStores(const BackupOptions& options) {
  OpenedStores opened;
  YZ_ASSIGN_OR_RETURN(opened.records, objects::OpenObjectStore(options.to));
  if (options.keys_to.empty() || options.keys_to == options.to.place) return opened;
  objects::StoreOptions apart = options.to;
  apart.place = options.keys_to;
  YZ_ASSIGN_OR_RETURN(opened.apart, objects::OpenObjectStore(apart));
  return opened;
}

absl::StatusOr<std::vector<age::Recipient>> ParseRecipients(const std::vector<std::string>& recipients) {
  std::vector<age::Recipient> parsed;
  for (const std::string& text : recipients) {
    YZ_ASSIGN_OR_RETURN(age::Recipient recipient, age::Recipient::Parse(text));
    parsed.push_back(std::move(recipient));
  }
  return parsed;
}

BackupSchedule::BackupSchedule(const BackupOptions& options, BackupSource source, std::function<bool()> here)
    : source_(std::move(source)), here_(std::move(here)), every_(absl::Minutes(options.every_minutes)) {
  absl::MutexLock lock(&mutex_);
  state_.set_configured(true);
  state_.set_every_minutes(options.every_minutes);
}

absl::StatusOr<std::unique_ptr<BackupSchedule>> BackupSchedule::Make(const BackupOptions& options, BackupSource source,
                                                                     std::function<bool()> here) {
  auto schedule = std::unique_ptr<BackupSchedule>(new BackupSchedule(options, std::move(source), std::move(here)));
  YZ_ASSIGN_OR_RETURN(schedule->stores_, OpenBackupStores(options));
  YZ_ASSIGN_OR_RETURN(schedule->recipients_, ParseRecipients(options.recipients));
  absl::MutexLock lock(&schedule->mutex_);
  schedule->state_.set_place(schedule->stores_.records->place());
  return schedule;
}

BackupSchedule::~BackupSchedule() { Stop(); }

void BackupSchedule::Start() {
  thread_ = std::thread([this] {
    NameThread("admin-backup");
    Loop();
  });
}

void BackupSchedule::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status BackupSchedule::RunNow() {
  if (!here_()) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "BACKUP_ELSEWHERE",
                  "in a cluster the machine that decides for the archive (audit/0) backs up; ask that one");
  }
  absl::MutexLock lock(&mutex_);
  if (!state_.running()) asked_ = true;
  return absl::OkStatus();
}

void BackupSchedule::Loop() {
  absl::Duration retry = kFirstRetry;
  absl::Time due = absl::InfinitePast();
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      auto woken = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return asked_ || stopping_; };
      mutex_.AwaitWithDeadline(absl::Condition(&woken), due);
      if (stopping_) return;
      asked_ = false;
    }
    const absl::Time begun = absl::Now();
    const absl::Status status = here_() ? RunOnce() : absl::OkStatus();
    due = status.ok() ? begun + every_ : absl::Now() + std::min(retry, every_);
    retry = status.ok() ? kFirstRetry : std::min(2 * retry, every_);
    if (!status.ok() && !absl::IsCancelled(status))
      log::Error("backup", "nothing new is in the backup; it is tried again").With("error", status);
  }
}

absl::Status BackupSchedule::RunOnce() {
  {
    absl::MutexLock lock(&mutex_);
    state_.set_running(true);
    state_.set_records_left(0);
  }
  BackupProgress progress;
  progress.on_progress = [this](uint64_t left) {
    absl::MutexLock lock(&mutex_);
    state_.set_records_left(left);
  };
  progress.stop = [this] {
    absl::MutexLock lock(&mutex_);
    return stopping_ || !here_();
  };
  auto manifest = RunBackup(source_, stores_.stores(), recipients_, progress);
  absl::MutexLock lock(&mutex_);
  state_.set_running(false);
  state_.set_records_left(0);
  if (!manifest.ok()) {
    if (!absl::IsCancelled(manifest.status())) state_.set_problem(std::string(manifest.status().message()));
    return manifest.status();
  }
  state_.clear_problem();
  state_.set_last_begun_at_us(manifest->begun_at_us());
  state_.set_last_finished_at_us(manifest->finished_at_us());
  state_.set_last_number(manifest->number());
  state_.set_records(RecordsIn(*manifest));
  state_.set_bytes(BytesIn(*manifest));
  return absl::OkStatus();
}

yizhan::admin::v1::GetBackupResponse BackupSchedule::state() const {
  absl::MutexLock lock(&mutex_);
  return state_;
}

ComponentHealth BackupSchedule::health() const {
  ComponentHealth health;
  health.set_name("backup");
  health.set_state(ComponentHealth::STATE_OK);
  if (!here_()) {
    health.set_message("another machine of the cluster backs up, the one that decides for the archive");
    return health;
  }
  const auto state = this->state();
  const std::string last =
      state.last_number() == 0
          ? "there is no backup yet"
          : absl::StrCat("what was acknowledged before ", Time(state.last_begun_at_us()), " is in ", state.place());
  const bool late = state.last_number() != 0 &&
                    absl::Now() - absl::FromUnixMicros(state.last_begun_at_us()) > 2 * every_ + absl::Minutes(10);
  if (!state.problem().empty() || late) health.set_state(ComponentHealth::STATE_DEGRADED);
  health.set_message(state.problem().empty() ? last : absl::StrCat(last, "; the last run failed: ", state.problem()));
  return health;
}

}  // namespace yizhan::admin
