#include "ldap/service/failure_log.h"

#include "ldap/service/text.h"

namespace yizhan::directory {
namespace {
constexpr size_t kMaxCharacters = 64;
}  // namespace

FailureLog::FailureLog(size_t bound, std::function<absl::Time()> clock, Write write)
    : bound_(bound), clock_(std::move(clock)), write_(std::move(write)) {}

v1::LogInFailed FailureLog::RecordOf(const Key& key, uint32_t count) {
  v1::LogInFailed record;
  record.set_login(key.first);
  record.set_remote_address(key.second);
  record.set_count(count);
  return record;
}

void FailureLog::Note(std::string_view login, std::string_view address) {
  Key key{CutTo(login, kMaxCharacters), CutTo(address, kMaxCharacters)};
  const absl::Time now = clock_();
  uint32_t count = 1;
  {
    absl::MutexLock lock(&mu_);
    auto found = entries_.find(key);
    if (found == entries_.end()) {
      if (entries_.size() < bound_) entries_.emplace(key, Entry{now, 0});
    } else if (now - found->second.written < absl::Seconds(1) && now >= found->second.written) {
      ++found->second.held;
      return;
    } else {
      count += found->second.held;
      found->second = Entry{now, 0};
    }
  }
  write_(RecordOf(key, count));
}

void FailureLog::Tick() {
  std::vector<v1::LogInFailed> due;
  const absl::Time now = clock_();
  {
    absl::MutexLock lock(&mu_);
    for (auto it = entries_.begin(); it != entries_.end();) {
      Entry& entry = it->second;
      const bool held_long = now - entry.written >= absl::Seconds(1) || now < entry.written;
      if (held_long && entry.held == 0) {
        entries_.erase(it++);
        continue;
      }
      if (held_long) {
        due.push_back(RecordOf(it->first, entry.held));
        entry = Entry{now, 0};
      }
      ++it;
    }
  }
  for (const v1::LogInFailed& record : due) write_(record);
}

}  // namespace yizhan::directory
