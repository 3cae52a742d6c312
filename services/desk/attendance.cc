#include "desk/attendance.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/status.h"
#include "base/thread_name.h"
#include "desk/routing.h"

namespace yizhan::desk {

using yizhan::desk::v1::Agent;
using yizhan::desk::v1::DeskRecord;

namespace {
constexpr absl::Duration kAgain = absl::Seconds(2);
}

void Attendance::Start(const std::vector<std::string>& at_work) {
  absl::MutexLock lock(&mutex_);
  for (const std::string& id : at_work) {
    if (!sessions_.contains(id)) gone_[id] = {absl::Now()};
  }
  thread_ = std::thread([this] {
    NameThread("desk-attendance");
    Run();
  });
}

void Attendance::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Attendance::Come(const std::string& agent_id, const std::string& edge_id, uint64_t session) {
  absl::MutexLock lock(&mutex_);
  sessions_[agent_id].emplace(edge_id, session);
  gone_.erase(agent_id);
}

void Attendance::Go(const std::string& agent_id, const std::string& edge_id, uint64_t session) {
  absl::MutexLock lock(&mutex_);
  const auto sessions = sessions_.find(agent_id);
  if (sessions == sessions_.end() || sessions->second.erase({edge_id, session}) == 0 || !sessions->second.empty()) return;
  sessions_.erase(sessions);
  gone_[agent_id] = {absl::Now()};
  changed_ = true;
}

std::vector<Attendance::Due> Attendance::TakeDue(absl::Time now, absl::Time* next) {
  std::vector<Due> due;
  *next = absl::InfiniteFuture();
  for (auto it = gone_.begin(); it != gone_.end();) {
    auto& [id, absence] = *it;
    if (now < absence.not_before) {
      *next = std::min(*next, absence.not_before);
      ++it;
      continue;
    }
    if (now >= absence.since + patience_.offline) {
      due.push_back({id, Agent::STATE_OFFLINE});
      gone_.erase(it++);
      continue;
    }
    if (!absence.paused && now >= absence.since + patience_.pause) {
      due.push_back({id, Agent::STATE_PAUSED});
      absence.paused = true;
    }
    *next = std::min(*next, absence.since + (absence.paused ? patience_.offline : patience_.pause));
    ++it;
  }
  return due;
}

void Attendance::Run() {
  absl::Time next = absl::InfinitePast();
  while (true) {
    std::vector<Due> due;
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || changed_; };
      mutex_.AwaitWithDeadline(absl::Condition(&ready), next);
      if (stopping_) return;
      changed_ = false;
      due = TakeDue(absl::Now(), &next);
    }
    for (const Due& one : due) Say(one);
  }
}

void Attendance::Say(const Due& due) {
  core_->Submit(
      "service:desk", "",
      [due](Draft& draft) -> absl::StatusOr<std::string> {
        YZ_ASSIGN_OR_RETURN(Agent agent, draft.rows().AgentOf(due.agent_id));
        // Who is paused or offline by themselves is let be.
        if (due.state == Agent::STATE_PAUSED && agent.state() != Agent::STATE_ONLINE) return std::string();
        YZ_RETURN_IF_ERROR(SetAgentState(draft, due.agent_id, due.state, 0));
        return std::string();
      },
      [this, due](absl::StatusOr<std::string> said) {
        if (!said.ok()) Again(due, said.status());
      });
}

void Attendance::Again(const Due& due, const absl::Status& why) {
  if (!ledger::NotOwnedPartition(why)) {
    log::Warning("desk", "an agent who is gone could not be taken from work").With("agent", due.agent_id).With("error", why);
  }
  const auto agent = core_->Read([&](const Rows& rows) { return rows.AgentOf(due.agent_id); });
  if (agent.ok() && (agent->state() == due.state || agent->state() == Agent::STATE_OFFLINE)) return;
  absl::MutexLock lock(&mutex_);
  if (sessions_.contains(due.agent_id)) return;
  const absl::Time now = absl::Now();
  Absence& absence = gone_.try_emplace(due.agent_id, Absence{now - patience_.offline, true}).first->second;
  if (due.state == Agent::STATE_PAUSED) absence.paused = false;
  absence.not_before = now + kAgain;
  changed_ = true;
}

absl::Status SetAgentState(Draft& draft, const std::string& agent_id, Agent::State state, uint32_t capacity) {
  YZ_ASSIGN_OR_RETURN(Agent agent, draft.rows().AgentOf(agent_id));
  if (capacity == 0) capacity = agent.capacity();
  if (agent.state() == state && agent.capacity() == capacity) return absl::OkStatus();
  DeskRecord record;
  record.mutable_agent()->set_agent_id(agent_id);
  record.mutable_agent()->set_state(state);
  record.mutable_agent()->set_capacity(capacity);
  YZ_RETURN_IF_ERROR(draft.Add(record));
  if (state != Agent::STATE_OFFLINE) return RouteForAgent(draft, agent_id);
  YZ_ASSIGN_OR_RETURN(auto mine, draft.rows().Mine(agent_id));
  std::vector<std::string> groups;
  for (const auto& conversation_id : mine) {
    YZ_ASSIGN_OR_RETURN(auto reception, draft.rows().ReceptionOf(conversation_id));
    YZ_RETURN_IF_ERROR(Enqueue(draft, conversation_id, reception.group_id(), true, agent_id));
    groups.push_back(reception.group_id());
  }
  for (const auto& group : groups) YZ_RETURN_IF_ERROR(RouteGroup(draft, group));
  return absl::OkStatus();
}

}  // namespace yizhan::desk
