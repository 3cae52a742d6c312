#include "edge/xmpp_server/remote_sink.h"

#include <utility>

#include "edge/xmpp_server/xmpp_shard.h"

namespace yizhan::edge::xmpp {

void RemoteSink::OnConnection(absl::AnyInvocable<void(Connection&)> work) {
  shard_->core().shards[connection_.thread]->Post([id = connection_.session, work = std::move(work)](XmppShard& shard) mutable {
    if (Connection* connection = shard.FindConnection(id)) work(*connection);
  });
}

void RemoteSink::Write(Stanza xml) {
  fill_->crossing.fetch_add(xml->size(), std::memory_order_relaxed);
  batch_.push_back(std::move(xml));
}

void RemoteSink::Flush() {
  if (batch_.empty()) return;
  OnConnection([batch = std::exchange(batch_, {}), fill = fill_](Connection& connection) mutable {
    for (Stanza& stanza : batch) {
      fill->crossing.fetch_sub(stanza->size(), std::memory_order_relaxed);
      connection.Write(std::move(stanza));
    }
    connection.Flush();
  });
}

void RemoteSink::FlushSoon() {
  if (std::exchange(soon_, true)) return;
  shard_->Post([id = id_](XmppShard& shard) {
    RemoteSink* sink = shard.FindRemoteSink(id);
    if (sink == nullptr) return;
    sink->soon_ = false;
    sink->Flush();
  });
}

size_t RemoteSink::queued_bytes() const {
  return fill_->crossing.load(std::memory_order_relaxed) + fill_->queued.load(std::memory_order_relaxed);
}

void RemoteSink::Hold(bool hold) {
  Flush();
  OnConnection([hold](Connection& connection) { connection.Hold(hold); });
}

void RemoteSink::End(std::string last_words) {
  Flush();
  OnConnection([words = std::move(last_words)](Connection& connection) mutable { connection.End(std::move(words)); });
  shard_->RemoveRemoteSink(id_);
}

void RemoteSession::OnSession(absl::AnyInvocable<void(XmppSession&, RemoteSink&)> work) {
  shard_->core().shards[session_.thread]->Post(
      [session_id = session_.session, sink_id = sink_, work = std::move(work)](XmppShard& shard) mutable {
        // A sink that is gone was ended: the session goes on elsewhere, or not at all.
        RemoteSink* sink = shard.FindRemoteSink(sink_id);
        XmppSession* session = shard.Find(session_id);
        if (sink != nullptr && session != nullptr) work(*session, *sink);
      });
}

void RemoteSession::Send(const std::shared_ptr<const StreamNamespaces>& namespaces) {
  OnSession([elements = std::exchange(elements_, {}), namespaces](XmppSession& session, RemoteSink&) {
    session.OnHeard();
    Document document;
    for (const std::string& text : elements) {
      if (session.over()) return;
      if (absl::Status status = ParseElement(text, *namespaces, &document); !status.ok()) return session.BreakStream(status);
      session.OnElement(*document);
    }
  });
}

void RemoteSession::OnStreamEnd() {
  OnSession([](XmppSession& session, RemoteSink&) { session.OnStreamEnd(); });
}

void RemoteSession::OnStreamLost() {
  OnSession([](XmppSession& session, RemoteSink& sink) {
    session.OnStreamLost(&sink);
    sink.End({});
  });
}

void RemoteSession::BreakStream(const absl::Status& why) {
  OnSession([why](XmppSession& session, RemoteSink&) { session.BreakStream(why); });
}

}  // namespace yizhan::edge::xmpp
