// What sessions hear, and how a batch of it is handed out.
#include <algorithm>
#include <utility>

#include "edge/session_impl.h"
#include "edge/shard.h"

namespace yizhan::edge {

void Shard::OnBatch(Batch batch) {
  if (batch.generation != generation_[batch.owner]) return;
  handing_out_ = true;
  for (Batch::Item& item : batch.items) {
    std::visit([&](auto& what) { Take(batch.owner, std::move(what)); }, item);
  }
  // The list grows while listeners act on what they hear.
  for (size_t i = 0; i < touched_.size(); ++i) {
    SessionImpl* session = touched_[i];
    if (session == nullptr) continue;
    session->is_touched = false;
    if (session->listener != nullptr) session->listener->OnEventsEnd();
  }
  touched_.clear();
  handing_out_ = false;
  for (Owner owner : {kIm, kDesk}) Sweep(owner);
}

void Shard::Hear(SessionImpl* session, Owner owner, std::string_view name) {
  auto it = topics_[owner].find(name);
  if (it == topics_[owner].end()) {
    it = topics_[owner].emplace(std::string(name), Topic{}).first;
    it->second.name = &it->first;
  }
  Topic* topic = &it->second;
  auto& heard = session->owners[owner].topics;
  if (std::find(heard.begin(), heard.end(), topic) != heard.end()) return;
  heard.push_back(topic);
  topic->sessions.push_back(session);
}

void Shard::Unhear(SessionImpl* session, Owner owner, std::string_view name) {
  auto it = topics_[owner].find(name);
  if (it == topics_[owner].end()) return;
  auto& heard = session->owners[owner].topics;
  auto at = std::find(heard.begin(), heard.end(), &it->second);
  if (at == heard.end()) return;
  *at = heard.back();
  heard.pop_back();
  auto& sessions = it->second.sessions;
  auto slot = std::find(sessions.begin(), sessions.end(), session);
  if (handing_out_) {
    *slot = nullptr;
    thinned_[owner].push_back(it->first);
    return;
  }
  *slot = sessions.back();
  sessions.pop_back();
  if (sessions.empty()) topics_[owner].erase(it);
}

void Shard::DropTopics(SessionImpl* session, Owner owner) {
  auto& heard = session->owners[owner].topics;
  while (!heard.empty()) Unhear(session, owner, *heard.back()->name);
}

// Closes the gaps that were left while a batch was handed out.
void Shard::Sweep(Owner owner) {
  for (const std::string& name : thinned_[owner]) {
    auto it = topics_[owner].find(name);
    if (it == topics_[owner].end()) continue;
    auto& sessions = it->second.sessions;
    sessions.erase(std::remove(sessions.begin(), sessions.end(), nullptr), sessions.end());
    if (sessions.empty()) topics_[owner].erase(it);
  }
  thinned_[owner].clear();
}

void Shard::Take(Owner owner, const std::shared_ptr<const Event>& event) {
  auto it = topics_[owner].find(event->topic());
  if (it == topics_[owner].end()) return;
  Topic& topic = it->second;
  // By index: a listener may open or close sessions, or make theirs hear more.
  for (size_t i = 0; i < topic.sessions.size(); ++i) {
    SessionImpl* session = topic.sessions[i];
    // Before Ready a client fetches what there is; afterwards it is told everything, other links' troubles or not.
    if (session == nullptr || !session->was_ready || session->listener == nullptr) continue;
    if (!session->is_touched) {
      session->is_touched = true;
      touched_.push_back(session);
    }
    session->listener->OnEvent(event);
  }
}

void Shard::Take(Owner owner, const std::shared_ptr<const yizhan::live::v1::Subscription>& subscription) {
  auto found = principals_.find(subscription->principal_id());
  if (found == principals_.end()) return;
  for (SessionImpl* session : found->second) {
    // One that is not open here yet hears of it with SessionOpened.
    if (!session->owners[owner].opened) continue;
    if (subscription->active()) {
      Hear(session, owner, subscription->topic());
    } else {
      Unhear(session, owner, subscription->topic());
    }
  }
}

}  // namespace yizhan::edge
