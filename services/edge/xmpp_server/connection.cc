#include "edge/xmpp_server/connection.h"

#include <utility>

#include "base/ids.h"
#include "base/logging.h"
#include "base/status.h"
#include "edge/xmpp/errors.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/stanza.h"
#include "edge/xmpp_server/connection_negotiation.h"
#include "edge/xmpp_server/remote_sink.h"
#include "edge/xmpp_server/xmpp_shard.h"

namespace yizhan::edge::xmpp {

Connection::Connection(XmppShard* shard, uint64_t id, std::shared_ptr<http::Stream> stream, Kind kind)
    : shard_(shard), id_(id), stream_(std::move(stream)), negotiation_(std::make_unique<Negotiation>()), kind_(kind) {}

Connection::~Connection() = default;

void Connection::Start() {
  stream_->SetTimeout(shard_->core().log_in_time);
  stream_->Start(this);
  if (kind_ == Kind::kTls) stream_->StartTls(shard_->core().direct_tls, {});
}

void Connection::OnTls() {}

void Connection::Shutdown() {
  if (closed_ || session_ != nullptr || remote_ != nullptr) return;  // the session has said it
  Fail(StreamRefusal(StreamCondition::kSystemShutdown, "the server stops"));
}

// --- bytes in

void Connection::OnData(std::string_view bytes) {
  if (session_ != nullptr) session_->OnHeard();
  framer_.Feed(bytes);
  Pump();
  if (remote_ != nullptr) remote_->Send(namespaces_);
}

void Connection::Pump() {
  if (pumping_) return;
  pumping_ = true;
  while (!closed_ && !waiting_ && !held_) {
    const Frame frame = framer_.Next();
    if (frame.kind == Frame::Kind::kNeedMore) break;
    OnFrame(frame);
  }
  pumping_ = false;
  if (!closed_) framer_.Stash();
}

void Connection::OnFrame(const Frame& frame) {
  switch (frame.kind) {
    case Frame::Kind::kStreamOpen:
      return OnHeader(frame.text);
    case Frame::Kind::kElement:
      return OnElementText(frame.text);
    case Frame::Kind::kStreamClose:
      if (session_ != nullptr) return session_->OnStreamEnd();
      if (remote_ != nullptr) {
        remote_->Send(namespaces_);
        return remote_->OnStreamEnd();
      }
      Write(std::string(kStreamEnd));
      return Close();
    case Frame::Kind::kError:
      return Fail(framer_.error());
    case Frame::Kind::kNeedMore:
      return;
  }
}

void Connection::OnElementText(std::string_view text) {
  if (remote_ != nullptr) return remote_->Add(text);
  if (namespaces_ == nullptr) return Fail(StreamRefusal(StreamCondition::kNotWellFormed, "an element before the stream's header"));
  static thread_local Document document;
  if (absl::Status status = ParseElement(text, *namespaces_, &document); !status.ok()) return Fail(status);
  if (session_ != nullptr && state_ == State::kSession) return session_->OnElement(*document);
  OnNegotiation(*document);
}

// --- bytes out

void Connection::Write(Stanza xml) {
  if (!closed_) stream_->Write(std::move(xml));
}
void Connection::Write(std::string xml) {
  if (!closed_) stream_->Write(std::move(xml));
}
void Connection::Flush() {
  if (closed_) return;
  stream_->Flush();
  if (remote_ != nullptr) remote_->SetQueued(stream_->queued_bytes());
}
void Connection::FlushSoon() {
  if (closed_ || std::exchange(soon_, true)) return;
  shard_->Soon(this);
}
size_t Connection::queued_bytes() const { return stream_->queued_bytes(); }

void Connection::OnSoon() {
  soon_ = false;
  if (closed_) return;
  if (!held_ && !waiting_ && framer_.unread() > 0) Pump();
  if (closed_) return;
  if (remote_ != nullptr) remote_->Send(namespaces_);
  Flush();
}

void Connection::Hold(bool hold) {
  if (closed_ || held_ == hold) return;
  held_ = hold;
  stream_->PauseReading(held_ || waiting_);
  if (!hold) FlushSoon();
}

void Connection::Wait() {
  waiting_ = true;
  stream_->PauseReading(true);
}

void Connection::Go() {
  waiting_ = false;
  if (closed_) return;
  stream_->PauseReading(held_);
  FlushSoon();
}

// --- the end

void Connection::Fail(const absl::Status& why) {
  if (closed_) return;
  if (session_ != nullptr && state_ == State::kSession) return session_->BreakStream(why);
  if (remote_ != nullptr) {
    remote_->Send(namespaces_);
    return remote_->BreakStream(why);
  }
  std::string out;
  if (!header_sent_) AppendStreamOpen(RandomName(16), shard_->context().domain, {}, &out);
  AppendStreamError(why, &out);
  Write(std::move(out));
  Close();
}

void Connection::End(std::string last_words) {
  session_ = nullptr;
  remote_.reset();
  if (closed_) return;
  if (!last_words.empty()) Write(std::move(last_words));
  Close();
}

void Connection::Close() {
  if (std::exchange(closed_, true)) return;
  Negotiated();
  if (XmppSession* session = std::exchange(session_, nullptr)) session->OnStreamLost(this);
  stream_->Flush();
  stream_->Close();
  shard_->Remove(this);
}

void Connection::OnClosed(const absl::Status& why) {
  if (std::exchange(closed_, true)) return;
  if (state_ != State::kSession && absl::IsDeadlineExceeded(why)) {
    log::Debug("xmpp", "a log-in took too long").With("remote", stream_->remote_address());
  }
  Negotiated();
  if (XmppSession* session = std::exchange(session_, nullptr)) session->OnStreamLost(this);
  if (remote_ != nullptr) std::exchange(remote_, nullptr)->OnStreamLost();
  shard_->Remove(this);
}

}  // namespace yizhan::edge::xmpp
