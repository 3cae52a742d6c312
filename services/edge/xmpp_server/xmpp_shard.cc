#include "edge/xmpp_server/xmpp_shard.h"

#include <utility>

#include "edge/xmpp_server/remote_sink.h"

namespace yizhan::edge::xmpp {
namespace {

constexpr absl::Duration kTick = absl::Seconds(2);

}  // namespace

XmppShard::XmppShard(std::shared_ptr<XmppCore> core, size_t thread) : core_(std::move(core)), thread_(thread) {}
XmppShard::~XmppShard() = default;

void XmppShard::Post(absl::AnyInvocable<void(XmppShard&)> work) {
  core_->pool->Post(thread_, [self = shared_from_this(), work = std::move(work)]() mutable { work(*self); });
}

void XmppShard::Start() {
  people_seen_ = context().people->change_number();
  core_->pool->After(thread_, kTick, [self = shared_from_this()] { self->Tick(); });
}

void XmppShard::Tick() {
  if (stopped_) return;
  core_->pool->After(thread_, kTick, [self = shared_from_this()] { self->Tick(); });
  if (context().people->change_number() == people_seen_) return;
  const auto changed = context().people->ChangedSince(&people_seen_);
  for (auto& [id, session] : sessions_) {
    if (!session->over()) session->contacts().OnPeopleChanged(changed);
  }
}

void XmppShard::Accept(std::shared_ptr<http::Stream> stream, Connection::Kind kind) {
  if (stopped_) return stream->Close();
  const uint64_t id = next_id_++;
  auto connection = std::make_unique<Connection>(this, id, std::move(stream), kind);
  Connection* raw = connection.get();
  connections_.emplace(id, std::move(connection));
  raw->Start();
}

void XmppShard::Stop() {
  stopped_ = true;
  // Ended sessions are retired by work that is put off, so that neither map changes here.
  for (auto& [id, session] : sessions_) session->End(StreamCondition::kSystemShutdown, "the server stops");
  for (auto& [id, connection] : connections_) connection->Shutdown();
}

Connection* XmppShard::FindConnection(uint64_t id) {
  auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

void XmppShard::Remove(Connection* connection) {
  Post([id = connection->id()](XmppShard& shard) { shard.connections_.erase(id); });
}

void XmppShard::Soon(Connection* connection) {
  soon_.push_back(connection->id());
  if (soon_.size() == 1) Post([](XmppShard& shard) { shard.RunSoon(); });
}

void XmppShard::RunSoon() {
  std::vector<uint64_t> soon;
  soon.swap(soon_);
  for (uint64_t id : soon) {
    if (Connection* connection = FindConnection(id)) connection->OnSoon();
  }
  if (soon_.empty() && soon.capacity() <= 4096) {
    soon.clear();
    soon_.swap(soon);  // its memory
  }
}

XmppSession* XmppShard::NewSession(Jid jid) {
  const uint64_t id = next_id_++;
  auto session = std::make_unique<XmppSession>(&core_->context, this, &core_->pool->sweep(thread_), id, std::move(jid));
  XmppSession* raw = session.get();
  sessions_.emplace(id, std::move(session));
  return raw;
}

void XmppShard::TakeAddress(XmppSession* session) {
  auto before = core_->registry.Take(session->jid().full(), {thread_, session->id()});
  if (!before) return;
  core_->shards[before->thread]->Post([id = before->session](XmppShard& shard) {
    if (XmppSession* old = shard.Find(id)) old->End(StreamCondition::kConflict, "another client has taken this resource");
  });
}

XmppSession* XmppShard::Find(uint64_t id) {
  auto found = sessions_.find(id);
  return found == sessions_.end() || found->second->over() ? nullptr : found->second.get();
}

void XmppShard::Retire(XmppSession* session) {
  core_->registry.Drop(session->jid().full(), {thread_, session->id()});
  Post([id = session->id()](XmppShard& shard) { shard.sessions_.erase(id); });
}

void XmppShard::AddResumption(XmppSession* session, const std::string& id) {
  core_->registry.AddResumption(id, {thread_, session->id()});
}

void XmppShard::DropResumption(const std::string& id) { core_->registry.DropResumption(id); }

RemoteSink* XmppShard::NewRemoteSink(SessionPlace connection) {
  const uint64_t id = next_id_++;
  return remote_sinks_.emplace(id, std::make_unique<RemoteSink>(this, id, connection)).first->second.get();
}

RemoteSink* XmppShard::FindRemoteSink(uint64_t id) {
  auto found = remote_sinks_.find(id);
  return found == remote_sinks_.end() ? nullptr : found->second.get();
}

void XmppShard::RemoveRemoteSink(uint64_t id) {
  auto found = remote_sinks_.find(id);
  if (found == remote_sinks_.end()) return;
  // It may be the one that asks for this.
  std::shared_ptr<RemoteSink> owned = std::move(found->second);
  remote_sinks_.erase(found);
  Post([owned = std::move(owned)](XmppShard&) {});
}

}  // namespace yizhan::edge::xmpp
