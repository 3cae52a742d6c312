#include "im/presence.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "im/content.h"

namespace yizhan::im {
namespace {

using Show = v1::Presence::Show;

// How good a presence is: who can be reached best comes first.
int RankOf(Show show) {
  switch (show) {
    case v1::Presence::SHOW_ONLINE:
      return 3;
    case v1::Presence::SHOW_BUSY:
      return 2;
    case v1::Presence::SHOW_AWAY:
      return 1;
    default:
      return 0;
  }
}

absl::StatusOr<std::vector<PersonNo>> ParsePersons(const google::protobuf::RepeatedPtrField<std::string>& ids) {
  if (ids.size() > kMaxWatched) {
    return Refuse(absl::StatusCode::kInvalidArgument, "TOO_MANY_WATCHED",
                  absl::StrCat("at most ", kMaxWatched, " people at once: ask for those on the screen"));
  }
  std::vector<PersonNo> persons;
  for (const std::string& id : ids) {
    YZ_ASSIGN_OR_RETURN(PersonNo person, RequirePersonNo(id));
    persons.push_back(person);
  }
  return persons;
}

absl::Status NoSession() {
  return Refuse(absl::StatusCode::kFailedPrecondition, "NO_SESSION",
                "presence belongs to a device: send it over a live stream");
}

}  // namespace

void Presence::Open(const DeviceId& id, PersonNo person) {
  {
    absl::MutexLock lock(&mu_);
    v1::Presence before = BestOf(person);
    auto [device, added] = devices_.try_emplace(id);
    if (!added) return;
    device->second.person = person;
    persons_[person].devices.push_back(id);
    QueueIfChanged(before);
  }
  Drain();
}

void Presence::Close(const DeviceId& id) {
  {
    absl::MutexLock lock(&mu_);
    auto device = devices_.find(id);
    if (device == devices_.end()) return;
    PersonNo person = device->second.person;
    v1::Presence before = BestOf(person);
    Replace(device->second, {});
    devices_.erase(device);
    auto owner = persons_.find(person);
    std::erase(owner->second.devices, id);
    if (owner->second.devices.empty()) persons_.erase(owner);
    QueueIfChanged(before);
  }
  Drain();
}

absl::StatusOr<v1::SetPresenceResponse> Presence::Set(const DeviceId& id, const v1::SetPresenceRequest& request) {
  if (!request.presence().status().empty()) {
    YZ_RETURN_IF_ERROR(CheckStatusLine(request.presence().status()));
  }
  {
    absl::MutexLock lock(&mu_);
    auto found = devices_.find(id);
    if (found == devices_.end()) return NoSession();
    Device& device = found->second;
    v1::Presence before = BestOf(device.person);
    device.said = true;
    device.show = request.presence().show() == v1::Presence::SHOW_UNSPECIFIED ? v1::Presence::SHOW_OFFLINE
                                                                             : request.presence().show();
    device.status = request.presence().status();
    QueueIfChanged(before);
  }
  Drain();
  return v1::SetPresenceResponse();
}

absl::StatusOr<v1::WatchPresenceResponse> Presence::Watch(const DeviceId& id, const v1::WatchPresenceRequest& request) {
  YZ_ASSIGN_OR_RETURN(std::vector<PersonNo> watched, ParsePersons(request.person_ids()));
  v1::WatchPresenceResponse response;
  {
    absl::MutexLock lock(&mu_);
    auto found = devices_.find(id);
    if (found == devices_.end()) return NoSession();
    Replace(found->second, std::move(watched));
    for (PersonNo person : found->second.watched) *response.add_presences() = BestOf(person);
  }
  Drain();
  return response;
}

absl::StatusOr<v1::GetPresenceResponse> Presence::Get(const v1::GetPresenceRequest& request) const {
  YZ_ASSIGN_OR_RETURN(std::vector<PersonNo> persons, ParsePersons(request.person_ids()));
  v1::GetPresenceResponse response;
  absl::MutexLock lock(&mu_);
  for (PersonNo person : persons) *response.add_presences() = BestOf(person);
  return response;
}

size_t Presence::devices() const {
  absl::MutexLock lock(&mu_);
  return devices_.size();
}

v1::Presence Presence::BestOf(PersonNo person) const {
  v1::Presence presence;
  presence.set_person_id(person.ToString());
  presence.set_show(v1::Presence::SHOW_OFFLINE);
  auto found = persons_.find(person);
  if (found == persons_.end()) return presence;
  const Device* best = nullptr;
  auto rank = [](const Device& device) { return std::make_pair(device.said && RankOf(device.show) > 0, RankOf(device.show)); };
  for (const DeviceId& id : found->second.devices) {
    const Device& device = devices_.at(id);
    if (!best || rank(device) > rank(*best)) best = &device;
  }
  presence.set_show(best->show);
  if (best->show != v1::Presence::SHOW_OFFLINE) presence.set_status(best->status);
  return presence;
}

void Presence::Replace(Device& device, std::vector<PersonNo> watched) {
  std::sort(watched.begin(), watched.end());
  watched.erase(std::unique(watched.begin(), watched.end()), watched.end());
  Person& owner = persons_[device.person];
  auto queue = [&](PersonNo person, bool active) {
    queue_.push_back([this, watcher = device.person, person, active] { outlets_.watch(watcher, person, active); });
  };
  for (PersonNo person : watched) {
    if (++owner.watched[person] == 1) queue(person, true);
  }
  for (PersonNo person : device.watched) {
    auto count = owner.watched.find(person);
    if (--count->second > 0) continue;
    owner.watched.erase(count);
    queue(person, false);
  }
  device.watched = std::move(watched);
}

void Presence::QueueIfChanged(const v1::Presence& before) {
  auto person = PersonNo::Parse(before.person_id());
  v1::Presence now = BestOf(*person);
  if (now.show() == before.show() && now.status() == before.status()) return;
  queue_.push_back([this, now = std::move(now)] { outlets_.changed(now); });
}

void Presence::Drain() {
  mu_.Lock();
  if (draining_) {
    mu_.Unlock();
    return;
  }
  draining_ = true;
  while (!queue_.empty()) {
    std::deque<std::function<void()>> batch;
    batch.swap(queue_);
    mu_.Unlock();
    for (auto& step : batch) step();
    mu_.Lock();
  }
  draining_ = false;
  mu_.Unlock();
}

}  // namespace yizhan::im
