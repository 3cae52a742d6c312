#include "edge/live_stream.h"

#include <utility>

#include "absl/time/clock.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "base/status.h"
#include "edge/web_socket.h"
#include "yizhan/im/v1/conversation_service.pb.h"

namespace yizhan::edge {

using yizhan::live::v1::ClientFrame;
using yizhan::live::v1::ServerFrame;

absl::Status LiveCore::Admit() const {
  if (!stopping.load() && streams.load() < options.max_streams) return absl::OkStatus();
  return RefuseForNow(absl::StatusCode::kUnavailable, "TOO_MANY_STREAMS",
                      "the server cannot take another stream just now", 5000);
}

LiveStream::LiveStream(std::shared_ptr<LiveCore> core, size_t thread, std::string stream_id, std::string remote_address)
    : core_(std::move(core)),
      thread_(thread),
      stream_id_(std::move(stream_id)),
      remote_address_(std::move(remote_address)) {
  core_->streams.fetch_add(1);
}

LiveStream::~LiveStream() { core_->streams.fetch_sub(1); }

void LiveStream::Begin(std::string token, absl::StatusOr<rpc::Principal> principal) {
  if (!principal.ok()) return Expect(core_->options.hello_timeout);
  Expect(core_->options.silence);
  OpenSession(std::move(token), *std::move(principal));
}

// --- what the session tells

void LiveStream::OnReady(bool again) {
  ServerFrame frame;
  frame.mutable_ready()->set_principal_id(session_->principal().id());
  frame.mutable_ready()->set_server_time_us(absl::ToUnixMicros(absl::Now()));
  frame.mutable_ready()->set_stream_id(stream_id_);
  Write(frame);
  Flush();
}

void LiveStream::OnEventsEnd() {
  auto keep = shared_from_this();
  Flush();
  CheckQueue();
}

void LiveStream::CheckQueue() {
  if (!over_ && queued_bytes() > core_->options.max_queued_bytes) {
    Bye("SLOW_CONSUMER", "the connection is too slow for what happens: connect again and sync", true, kCloseTryLater);
  }
}

void LiveStream::OnEnded(const absl::Status& why) {
  bool ended = why.code() == absl::StatusCode::kUnauthenticated;
  Bye(ended ? "SESSION_ENDED" : "REFUSED", why.message(), !ended && why.code() != absl::StatusCode::kPermissionDenied,
      kClosePolicy);
}

void LiveStream::Stop() { Bye("SHUTTING_DOWN", "the server is stopping", true, kCloseGoingAway); }

// --- what the client says

bool LiveStream::Count() {
  absl::Time now = absl::Now();
  if (now - second_ >= absl::Seconds(1)) {
    second_ = now;
    frames_ = 0;
  }
  if (++frames_ > core_->options.max_frames_per_second)
    Bye("PROTOCOL_ERROR", "too many frames in one second", false, kClosePolicy);
  return !over_;
}

void LiveStream::TakeMessage(std::string_view bytes, bool json) {
  auto keep = shared_from_this();
  if (!Count()) return;
  absl::StatusOr<ClientFrame> frame = ParseClientFrame(bytes, json);
  if (!frame.ok()) return Bye("PROTOCOL_ERROR", frame.status().message(), false, kCloseProtocol);
  TakeFrame(*frame, absl::Now());
  CheckQueue();
}

void LiveStream::TakeFrame(const ClientFrame& frame, absl::Time now) {
  switch (frame.kind_case()) {
    case ClientFrame::kHello:
      return Hello(frame.hello().token());
    case ClientFrame::kPing: {
      ServerFrame pong;
      pong.mutable_pong()->set_nonce(frame.ping().nonce());
      pong.mutable_pong()->set_server_time_us(absl::ToUnixMicros(now));
      return Write(pong);
    }
    default:
      break;
  }
  if (session_ == nullptr) return Bye("PROTOCOL_ERROR", "the first frame must be Hello", false, kClosePolicy);
  auto call = translator_->Translate(frame, now);
  if (!call.ok()) return Bye("PROTOCOL_ERROR", call.status().message(), false, kClosePolicy);
  if (!call->has_value()) return;
  bool watch = frame.has_watch_presence();
  // Presence and typing are said again or grow stale: a refusal changes nothing for the stream.
  auto done = [this, watch](absl::StatusOr<std::string> answer) {
    im::v1::WatchPresenceResponse presence;
    if (!watch || !answer.ok() || !presence.ParseFromString(*answer)) return;
    for (auto& one : *presence.mutable_presences()) {
      ServerFrame out;
      *out.mutable_im()->mutable_presence() = std::move(one);
      Write(out);
    }
    OnEventsEnd();
  };
  // Under the stream's own name in the logs of the service that answers.
  session_->Call((*call)->method, std::move((*call)->request), std::move(done), absl::Seconds(10), stream_id_);
}

// Takes over from whoever the stream was before, so that a page's token beats a cookie that the browser sent along.
void LiveStream::Hello(std::string token) {
  if (asking_) return Bye("PROTOCOL_ERROR", "one Hello at a time", false, kClosePolicy);
  asking_ = true;
  session_ = nullptr;
  Expect(core_->options.hello_timeout);
  core_->authenticator->Authenticate(token, [weak = weak_from_this(), token, pool = core_->pool,
                                             thread = thread_](absl::StatusOr<rpc::Principal> who) {
    pool->Post(thread, [weak, token, who = std::move(who)]() mutable {
      auto self = weak.lock();
      if (self == nullptr || self->over_) return;
      self->asking_ = false;
      if (!who.ok()) {
        bool ended = who.status().code() == absl::StatusCode::kUnauthenticated;
        return self->Bye(ended ? "SESSION_ENDED" : "UNAVAILABLE", who.status().message(), !ended, kClosePolicy);
      }
      self->Expect(self->core_->options.silence);
      self->OpenSession(std::move(token), *std::move(who));
    });
  });
}

void LiveStream::OpenSession(std::string token, rpc::Principal principal) {
  translator_.emplace(principal);
  log::Debug("edge", "live stream")
      .With("request_id", stream_id_)
      .With("principal", principal.id())
      .With("remote", remote_address_);
  auto session = core_->router->Open(thread_, {std::move(principal), std::move(token), remote_address_}, this);
  if (!session.ok()) {
    std::string reason = ReasonOf(session.status());
    return Bye(reason.empty() ? "REFUSED" : reason, session.status().message(), true, kCloseTryLater);
  }
  session_ = *std::move(session);
}

// --- the end

void LiveStream::Bye(const std::string& reason, absl::string_view message, bool reconnect, uint16_t close_code) {
  if (over_) return;
  auto keep = shared_from_this();
  metrics::GetCounter("yizhan_edge_live_ended_total", "Live streams ended by the server, by reason.",
                      {{"reason", reason}})
      .Add();
  ServerFrame frame;
  frame.mutable_bye()->set_reason(reason);
  frame.mutable_bye()->set_message(std::string(message));
  frame.mutable_bye()->set_reconnect(reconnect);
  Write(frame);
  Close(reason, message, close_code);
  Forget();
}

void LiveStream::Forget() {
  auto keep = shared_from_this();
  over_ = true;
  session_ = nullptr;
  core_->open[thread_].erase(this);
}

}  // namespace yizhan::edge
