#include "base/rpc/link_hub.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/rpc/wire.h"
#include "base/status.h"

namespace yizhan::rpc {

using yizhan::live::v1::DownFrame;

absl::Status NoSuchLinkService(std::string_view service) {
  return Refuse(absl::StatusCode::kNotFound, "SERVICE_UNKNOWN",
                absl::StrCat("no service \"", std::string(service.substr(0, 100)), "\" serves links here"));
}

LinkHub::EdgeLink::EdgeLink(std::string id, size_t max_bytes, std::function<void(std::string)> start_write,
                            std::function<void()> break_it)
    : edge_id(std::move(id)), queue(max_bytes, std::move(start_write)), break_link(std::move(break_it)) {}

void LinkHub::EdgeLink::Send(const DownFrame& frame) {
  if (queue.Add(frame) == BatchQueue::Added::kFull) {
    break_link();
  } else {
    queue.Kick();
  }
}

LinkHub::LinkHub(std::string service, LinkHandler* handler)
    : service_(std::move(service)),
      handler_(handler),
      events_(metrics::GetCounter("yizhan_rpc_link_events_total", "Events sent to edges.", {{"service", service_}})),
      broken_(metrics::GetCounter("yizhan_rpc_link_overflows_total", "Links broken because an edge did not keep up.",
                                  {{"service", service_}})) {
  sessions_gauge_ = std::make_unique<metrics::GaugeFunction>(
      "yizhan_rpc_link_sessions", "Sessions open at this service.", metrics::Labels{{"service", service_}},
      [this] { return static_cast<double>(sessions()); });
}

LinkHub::~LinkHub() = default;

void LinkHub::Publish(std::string_view topic, std::string frame) {
  // Nearly always there is one edge.
  std::shared_ptr<EdgeLink> first;
  std::vector<std::shared_ptr<EdgeLink>> others, overflowed;
  {
    absl::MutexLock lock(&mutex_);
    auto found = topics_.find(topic);
    if (found == topics_.end()) return;
    for (auto& [link, count] : found->second.edges) {
      std::shared_ptr<EdgeLink> held = Find(link);
      switch (link->queue.AddEvent(topic, frame)) {
        case BatchQueue::Added::kQueued:
          events_.Add();
          (first == nullptr ? first : others.emplace_back()) = std::move(held);
          break;
        case BatchQueue::Added::kFull:
          overflowed.push_back(std::move(held));
          break;
        case BatchQueue::Added::kClosed:
          break;
      }
    }
  }
  if (first != nullptr) first->queue.Kick();
  for (auto& link : others) link->queue.Kick();
  for (auto& link : overflowed) {
    broken_.Add();
    log::Warning("rpc", "an edge does not keep up; its link is broken")
        .With("service", service_)
        .With("edge", link->edge_id);
    link->break_link();
  }
}

bool LinkHub::Heard(std::string_view topic) const {
  absl::MutexLock lock(&mutex_);
  return topics_.find(topic) != topics_.end();
}

size_t LinkHub::sessions() const {
  absl::MutexLock lock(&mutex_);
  return sessions_;
}

void LinkHub::Subscribe(std::string_view principal_id, std::string_view topic, bool active) {
  std::vector<std::shared_ptr<EdgeLink>> told, overflowed;
  DownFrame frame;
  frame.mutable_subscription()->set_principal_id(std::string(principal_id));
  frame.mutable_subscription()->set_topic(std::string(topic));
  frame.mutable_subscription()->set_active(active);
  {
    absl::MutexLock lock(&mutex_);
    auto found = listeners_.find(principal_id);
    if (found == listeners_.end()) return;
    Listener& listener = found->second;
    if (active || listener.opening > 0) {
      listener.changes[std::string(topic)] = active;
    } else {
      listener.changes.erase(std::string(topic));  // a session opened from now on asks its handler, which knows
    }
    for (const Holder& holder : listener.sessions) {
      Session& session = holder.link->sessions.at(holder.session);
      if (active) {
        Hear(holder.link, session, topic);
      } else if (auto known = topics_.find(topic); known != topics_.end()) {
        Unhear(holder.link, session, &known->second);
      }
      std::shared_ptr<EdgeLink> link = Find(holder.link);
      if (std::find(told.begin(), told.end(), link) == told.end()) told.push_back(std::move(link));
    }
    for (auto& link : told) {
      // A lost subscription must not go unseen.
      if (link->queue.Add(frame) == BatchQueue::Added::kFull) overflowed.push_back(link);
    }
  }
  for (auto& link : overflowed) {
    broken_.Add();
    link->break_link();
  }
  for (auto& link : told) link->queue.Kick();
}

void LinkHub::Attach(std::shared_ptr<EdgeLink> link) {
  absl::MutexLock lock(&mutex_);
  EdgeLink* key = link.get();
  links_.emplace(key, std::move(link));
}

bool LinkHub::Open(const std::shared_ptr<EdgeLink>& link, uint64_t id, std::shared_ptr<const Principal> principal) {
  const std::string principal_id = principal->id();
  {
    absl::MutexLock lock(&mutex_);
    listeners_[principal_id].opening++;
  }
  absl::StatusOr<std::vector<std::string>> topics = handler_->OnOpen(link->edge_id, id, *principal);
  DownFrame frame;
  frame.mutable_opened()->set_session(id);
  bool doubled = false;
  {
    absl::MutexLock lock(&mutex_);
    Listener& listener = listeners_[principal_id];
    listener.opening--;
    if (topics.ok()) {
      auto [it, made] = link->sessions.try_emplace(id);
      doubled = !made;
      if (made) {
        Session& session = it->second;
        session.principal_id = principal_id;
        session.principal = std::move(principal);
        sessions_++;
        listener.sessions.push_back({link.get(), id});
        session.topics.reserve(topics->size());
        for (const std::string& topic : *topics) Hear(link.get(), session, topic);
        for (const auto& [topic, active] : listener.changes) {
          if (active) {
            Hear(link.get(), session, topic);
          } else if (auto known = topics_.find(topic); known != topics_.end()) {
            Unhear(link.get(), session, &known->second);
          }
        }
        for (Topic* topic : session.topics) frame.mutable_opened()->add_topics(topic->name);
        // Under the lock: no event of these topics may come before it.
        if (link->queue.Add(frame) == BatchQueue::Added::kFull) doubled = true;
      }
    }
    if (!topics.ok() || doubled) DropIfIdle(principal_id);
  }
  if (topics.ok() && !doubled) {
    link->queue.Kick();
    return true;
  }
  if (doubled) {
    log::Error("rpc", "an edge opened one session twice, or does not keep up; its link is broken")
        .With("edge", link->edge_id);
    link->break_link();
    return false;
  }
  frame.mutable_opened()->set_code(static_cast<uint32_t>(topics.status().code()));
  frame.mutable_opened()->set_message(std::string(topics.status().message()));
  frame.mutable_opened()->set_reason(ReasonOf(topics.status()));
  link->Send(frame);
  return false;
}

void LinkHub::Close(const std::shared_ptr<EdgeLink>& link, uint64_t id) {
  std::shared_ptr<const Principal> principal;
  {
    absl::MutexLock lock(&mutex_);
    auto found = link->sessions.find(id);
    if (found == link->sessions.end()) return;
    principal = found->second.principal;
    Forget(link.get(), id, found->second);
    link->sessions.erase(found);
  }
  handler_->OnClose(link->edge_id, id, *principal);
}

void LinkHub::Detach(const std::shared_ptr<EdgeLink>& link) {
  std::unordered_map<uint64_t, Session> gone;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [id, session] : link->sessions) Forget(link.get(), id, session);
    gone.swap(link->sessions);
    links_.erase(link.get());
  }
  for (const auto& [id, session] : gone) handler_->OnClose(link->edge_id, id, *session.principal);
}

void LinkHub::BreakAll() {
  std::vector<std::shared_ptr<EdgeLink>> links;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [key, link] : links_) links.push_back(link);
  }
  for (auto& link : links) link->break_link();
}

void LinkHub::Hear(EdgeLink* link, Session& session, std::string_view name) {
  auto it = topics_.find(name);
  if (it == topics_.end()) {
    it = topics_.emplace(std::string(name), Topic{}).first;
    it->second.name = it->first;
  }
  Topic* topic = &it->second;
  if (!session.topics.insert(topic).second) return;
  for (auto& [edge, count] : topic->edges) {
    if (edge == link) {
      ++count;
      return;
    }
  }
  topic->edges.emplace_back(link, 1);
}

void LinkHub::Unhear(EdgeLink* link, Session& session, Topic* topic) {
  if (session.topics.erase(topic) > 0) Leave(link, topic);
}

void LinkHub::Leave(EdgeLink* link, Topic* topic) {
  auto edge = std::find_if(topic->edges.begin(), topic->edges.end(), [&](const auto& e) { return e.first == link; });
  if (--edge->second == 0) {
    *edge = topic->edges.back();
    topic->edges.pop_back();
  }
  if (topic->edges.empty()) topics_.erase(std::string(topic->name));
}

void LinkHub::Forget(EdgeLink* link, uint64_t id, Session& session) {
  for (Topic* topic : session.topics) Leave(link, topic);
  session.topics.clear();
  sessions_--;
  auto found = listeners_.find(session.principal_id);
  auto& holders = found->second.sessions;
  holders.erase(std::remove_if(holders.begin(), holders.end(),
                               [&](const Holder& h) { return h.link == link && h.session == id; }),
                holders.end());
  DropIfIdle(session.principal_id);
}

void LinkHub::DropIfIdle(const std::string& principal_id) {
  auto found = listeners_.find(principal_id);
  if (found != listeners_.end() && found->second.opening == 0 && found->second.sessions.empty())
    listeners_.erase(found);
}

std::shared_ptr<LinkHub::EdgeLink> LinkHub::Find(EdgeLink* link) { return links_.at(link); }

}  // namespace yizhan::rpc
