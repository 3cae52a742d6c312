// The connections and sessions of one io thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/http/io_pool.h"
#include "base/http/stream.h"
#include "edge/xmpp_server/connection.h"
#include "edge/xmpp_server/registry.h"
#include "edge/xmpp_server/xmpp_session.h"

struct ssl_ctx_st;

namespace yizhan::edge::xmpp {

class RemoteSink;
class XmppShard;

// What the shards of a server share; outlives them.
struct XmppCore {
  XmppContext context;
  Registry registry;
  http::IoPool* pool = nullptr;
  ssl_ctx_st* starttls = nullptr;
  ssl_ctx_st* direct_tls = nullptr;
  absl::Duration log_in_time;
  std::vector<std::shared_ptr<XmppShard>> shards;
};

class XmppShard final : public SessionHome, public std::enable_shared_from_this<XmppShard> {
 public:
  // `core` lives as long as anything refers to the shard.
  XmppShard(std::shared_ptr<XmppCore> core, size_t thread);
  ~XmppShard() override;

  // Begins to look for changes of the directory.
  void Start();
  void Accept(std::shared_ptr<http::Stream> stream, Connection::Kind kind);
  // Tells every client; no more connections are taken.
  void Stop();
  // After Stop(): what was put off is done.
  bool empty() const { return connections_.empty() && sessions_.empty(); }

  XmppCore& core() { return *core_; }
  const XmppContext& context() const { return core_->context; }
  size_t thread() const { return thread_; }
  // Runs on this thread, soon; from any thread.
  void Post(absl::AnyInvocable<void(XmppShard&)> work);

  // --- on the thread

  Connection* FindConnection(uint64_t id);
  // Lets go of it soon.
  void Remove(Connection* connection);
  // OnSoon() of each such connection, once, behind what the thread is doing now.
  void Soon(Connection* connection);

  XmppSession* NewSession(Jid jid);
  // The address is the session's from now on; who had it before is ended.
  void TakeAddress(XmppSession* session);
  // SessionHome.
  XmppSession* Find(uint64_t id) override;
  void Retire(XmppSession* session) override;
  void AddResumption(XmppSession* session, const std::string& id) override;
  void DropResumption(const std::string& id) override;

  // A sink towards a connection of another thread; lives until it is ended or removed.
  RemoteSink* NewRemoteSink(SessionPlace connection);
  RemoteSink* FindRemoteSink(uint64_t id);
  void RemoveRemoteSink(uint64_t id);

 private:
  void Tick();
  void RunSoon();

  const std::shared_ptr<XmppCore> core_;
  const size_t thread_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Connection>> connections_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<XmppSession>> sessions_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<RemoteSink>> remote_sinks_;
  std::vector<uint64_t> soon_;
  uint64_t next_id_ = 1;
  uint64_t people_seen_ = 0;
  bool stopped_ = false;
};

}  // namespace yizhan::edge::xmpp
