// A session and its stream on two threads: when a client resumes a session over a connection that another thread has accepted. Each half
// stays on its own thread; whole elements and finished stanzas cross, in order.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "edge/xmpp/element.h"
#include "edge/xmpp_server/registry.h"
#include "edge/xmpp_server/stanza_sink.h"

namespace yizhan::edge::xmpp {

class Connection;
class XmppSession;
class XmppShard;

// Bytes on their way between the threads, and those that wait for the network.
struct PipeFill {
  std::atomic<size_t> crossing{0};
  std::atomic<size_t> queued{0};
};

// The session's half.
class RemoteSink final : public StanzaSink {
 public:
  // `connection`: the thread, and the connection's id in its shard.
  RemoteSink(XmppShard* shard, uint64_t id, SessionPlace connection)
      : shard_(shard), id_(id), connection_(connection), fill_(std::make_shared<PipeFill>()) {}

  uint64_t id() const { return id_; }
  const std::shared_ptr<PipeFill>& fill() const { return fill_; }

  void Write(Stanza xml) override;
  void Write(std::string xml) override { Write(std::make_shared<const std::string>(std::move(xml))); }
  void Flush() override;
  void FlushSoon() override;
  size_t queued_bytes() const override;
  void Hold(bool hold) override;
  void End(std::string last_words) override;

 private:
  void OnConnection(absl::AnyInvocable<void(Connection&)> work);

  XmppShard* const shard_;
  const uint64_t id_;
  const SessionPlace connection_;
  const std::shared_ptr<PipeFill> fill_;
  std::vector<Stanza> batch_;
  bool soon_ = false;
};

// The connection's half.
class RemoteSession {
 public:
  // `session`: the thread, and the session's id in its shard. `sink`: its half of the pipe, in the same shard.
  RemoteSession(XmppShard* shard, SessionPlace session, uint64_t sink, std::shared_ptr<PipeFill> fill)
      : shard_(shard), session_(session), sink_(sink), fill_(std::move(fill)) {}

  // Collects an element; Send() hands over what was collected.
  void Add(std::string_view element) { elements_.emplace_back(element); }
  void Send(const std::shared_ptr<const StreamNamespaces>& namespaces);
  void OnStreamEnd();
  void OnStreamLost();
  void BreakStream(const absl::Status& why);
  void SetQueued(size_t bytes) { fill_->queued.store(bytes, std::memory_order_relaxed); }

 private:
  void OnSession(absl::AnyInvocable<void(XmppSession&, RemoteSink&)> work);

  XmppShard* const shard_;
  const SessionPlace session_;
  const uint64_t sink_;
  const std::shared_ptr<PipeFill> fill_;
  std::vector<std::string> elements_;
};

}  // namespace yizhan::edge::xmpp
