#include "edge/live.h"

#include <atomic>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "base/ids.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "base/status.h"
#include "edge/client_frames.h"
#include "edge/connect_error.h"
#include "edge/credentials.h"
#include "edge/transcode.h"
#include "edge/web_socket.h"
#include "yizhan/im/v1/conversation_service.pb.h"

namespace yizhan::edge {
namespace {

using yizhan::live::v1::ClientFrame;
using yizhan::live::v1::ServerFrame;

constexpr size_t kCopyBytes = 4096;  // smaller frames are gathered into one piece

class Connection;

// What the streams share; lives as long as the last of them.
struct Shared {
  SessionRouter* router;
  rpc::Authenticator* authenticator;
  LiveOptions options;
  std::atomic<size_t> streams{0};
  std::atomic<bool> stopping{false};
  // By thread; touched on that thread alone.
  std::vector<std::unordered_map<Connection*, std::shared_ptr<Connection>>> connections;
};

metrics::Counter& Ended(const std::string& reason) {
  return metrics::GetCounter("yizhan_edge_live_ended_total", "Live streams ended by the server, by reason.",
                             {{"reason", reason}});
}

class Connection final : public http::StreamHandler,
                         public SessionListener,
                         public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Shared> shared, std::shared_ptr<http::Stream> stream, bool json, std::string stream_id)
      : shared_(std::move(shared)),
        stream_(std::move(stream)),
        thread_(stream_->thread()),
        json_(json),
        stream_id_(std::move(stream_id)),
        decoder_(shared_->options.max_frame_bytes) {
    shared_->streams.fetch_add(1);
  }
  ~Connection() override { shared_->streams.fetch_sub(1); }

  void Begin(std::string token, absl::StatusOr<rpc::Principal> principal, const std::string& rest) {
    auto keep = shared_from_this();
    if (principal.ok()) {
      stream_->SetTimeout(shared_->options.silence);
      OpenSession(std::move(token), *std::move(principal));
    } else {
      stream_->SetTimeout(shared_->options.hello_timeout);
    }
    if (stream_ == nullptr) return;
    stream_->Start(this);
    SchedulePing();
    if (!rest.empty()) OnData(rest);
    if (stream_ != nullptr) stream_->Flush();
  }

  // --- the socket

  void OnData(std::string_view bytes) override {
    auto keep = shared_from_this();
    if (session_ != nullptr) stream_->SetTimeout(shared_->options.silence);
    heard_ = true;
    absl::Status status = decoder_.Feed(bytes, [this](WebSocketKind kind, std::string payload) {
      TakeMessage(kind, std::move(payload));
      return stream_ != nullptr;
    });
    if (!status.ok() && stream_ != nullptr) Bye("PROTOCOL_ERROR", status.message(), false, decoder_.close_code());
  }

  void OnClosed(const absl::Status& why) override { Forget(); }

  // --- the session

  void OnReady(bool again) override {
    ServerFrame frame;
    frame.mutable_ready()->set_principal_id(session_->principal().id());
    frame.mutable_ready()->set_server_time_us(absl::ToUnixMicros(absl::Now()));
    frame.mutable_ready()->set_stream_id(stream_id_);
    Send(frame);
    stream_->Flush();
  }

  void OnEvent(const std::shared_ptr<const Event>& event) override {
    if (json_) {
      const std::string& text = event->Rendered(Event::kWebSocketJson, [](const Event& e) {
        auto made = ToJson(e.parsed());
        return made.ok() ? *std::move(made) : std::string("{}");
      });
      return Gather(WebSocketKind::kText, text, nullptr);
    }
    Gather(WebSocketKind::kBinary, *event->frame(), event->frame());
  }

  void OnEventsEnd() override {
    auto keep = shared_from_this();
    WriteGathered();
    stream_->Flush();
    if (stream_ != nullptr && stream_->queued_bytes() > shared_->options.max_queued_bytes) {
      Bye("SLOW_CONSUMER", "the connection is too slow for what happens: connect again and sync", true, kCloseTryLater);
    }
  }

  void OnEnded(const absl::Status& why) override {
    bool over = why.code() == absl::StatusCode::kUnauthenticated;
    Bye(over ? "SESSION_ENDED" : "REFUSED", why.message(), !over && why.code() != absl::StatusCode::kPermissionDenied,
        kClosePolicy);
  }

  void Stop() { Bye("SHUTTING_DOWN", "the server is stopping", true, kCloseGoingAway); }

 private:
  void TakeMessage(WebSocketKind kind, std::string payload) {
    switch (kind) {
      case WebSocketKind::kPing:
        stream_->Write(WebSocketFrame(WebSocketKind::kPong, payload));
        return;
      case WebSocketKind::kPong:
        return;
      case WebSocketKind::kClose:
        stream_->Write(WebSocketClose(kCloseNormal, ""));
        return End();
      default:
        break;
    }
    if ((kind == WebSocketKind::kText) != json_) {
      return Bye("PROTOCOL_ERROR",
                 json_ ? "frames are text here" : "frames are binary here; ask with ?format=json for text", false,
                 kCloseProtocol);
    }
    absl::Time now = absl::Now();
    if (now - second_ >= absl::Seconds(1)) {
      second_ = now;
      frames_ = 0;
    }
    if (++frames_ > shared_->options.max_frames_per_second)
      return Bye("PROTOCOL_ERROR", "too many frames in one second", false, kClosePolicy);
    absl::StatusOr<ClientFrame> frame = ParseClientFrame(payload, json_);
    if (!frame.ok()) return Bye("PROTOCOL_ERROR", frame.status().message(), false, kCloseProtocol);
    TakeFrame(*frame, now);
  }

  void TakeFrame(const ClientFrame& frame, absl::Time now) {
    switch (frame.kind_case()) {
      case ClientFrame::kHello:
        return Hello(frame.hello().token());
      case ClientFrame::kPing: {
        ServerFrame pong;
        pong.mutable_pong()->set_nonce(frame.ping().nonce());
        pong.mutable_pong()->set_server_time_us(absl::ToUnixMicros(now));
        return Send(pong);
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
    session_->Call((*call)->method, std::move((*call)->request), [this, watch](absl::StatusOr<std::string> answer) {
      im::v1::UpdatePresenceResponse presence;
      if (!watch || !answer.ok() || !presence.ParseFromString(*answer)) return;
      for (auto& one : *presence.mutable_presences()) {
        ServerFrame out;
        *out.mutable_im()->mutable_presence() = std::move(one);
        Send(out);
      }
      OnEventsEnd();
    });
  }

  // Takes over from whoever the stream was before, so that a page's token beats a cookie that the browser sent along.
  void Hello(std::string token) {
    if (asking_) return Bye("PROTOCOL_ERROR", "one Hello at a time", false, kClosePolicy);
    asking_ = true;
    session_ = nullptr;
    stream_->SetTimeout(shared_->options.hello_timeout);
    shared_->authenticator->Authenticate(token, [weak = weak_from_this(), token, pool = &shared_->router->pool(),
                                                 thread = thread_](absl::StatusOr<rpc::Principal> who) {
      pool->Post(thread, [weak, token, who = std::move(who)]() mutable {
        auto self = weak.lock();
        if (self == nullptr || self->stream_ == nullptr) return;
        self->asking_ = false;
        if (!who.ok()) {
          bool over = who.status().code() == absl::StatusCode::kUnauthenticated;
          return self->Bye(over ? "SESSION_ENDED" : "UNAVAILABLE", who.status().message(), !over, kClosePolicy);
        }
        self->stream_->SetTimeout(self->shared_->options.silence);
        self->OpenSession(std::move(token), *std::move(who));
      });
    });
  }

  void OpenSession(std::string token, rpc::Principal principal) {
    translator_.emplace(principal);
    log::Debug("edge", "live stream").With("stream", stream_id_).With("principal", principal.id());
    auto session =
        shared_->router->Open(thread_, {std::move(principal), std::move(token), stream_->remote_address()}, this);
    if (!session.ok()) {
      std::string reason = ReasonOf(session.status());
      return Bye(reason.empty() ? "REFUSED" : reason, session.status().message(), true, kCloseTryLater);
    }
    session_ = *std::move(session);
  }

  // --- writing

  void Send(const ServerFrame& frame) {
    std::string bytes;
    if (json_) {
      auto text = ToJson(frame);
      if (!text.ok()) return;
      bytes = *std::move(text);
    } else {
      bytes = frame.SerializeAsString();
    }
    Gather(json_ ? WebSocketKind::kText : WebSocketKind::kBinary, bytes, nullptr);
    WriteGathered();
  }

  // `shared` holds the same bytes for others too, so that large ones are not copied.
  void Gather(WebSocketKind kind, std::string_view bytes, const std::shared_ptr<const std::string>& shared) {
    gathered_.append(WebSocketHeader(kind, bytes.size()));
    if (shared == nullptr || bytes.size() <= kCopyBytes) {
      gathered_.append(bytes);
      return;
    }
    WriteGathered();
    stream_->Write(shared);
  }

  void WriteGathered() {
    if (!gathered_.empty()) stream_->Write(std::exchange(gathered_, {}));
  }

  void Bye(const std::string& reason, absl::string_view message, bool reconnect, uint16_t code) {
    if (stream_ == nullptr) return;
    Ended(reason).Add();
    ServerFrame frame;
    frame.mutable_bye()->set_reason(reason);
    frame.mutable_bye()->set_message(std::string(message));
    frame.mutable_bye()->set_reconnect(reconnect);
    Send(frame);
    stream_->Write(WebSocketClose(code, reason));
    End();
  }

  void End() {
    stream_->Close();
    Forget();
  }

  void Forget() {
    auto keep = shared_from_this();
    session_ = nullptr;
    stream_ = nullptr;
    shared_->connections[thread_].erase(this);
  }

  // A client that is silent is asked whether it is there; its answer moves the time-out of silence on.
  void SchedulePing() {
    shared_->router->pool().After(thread_, shared_->options.ping_after, [weak = weak_from_this()] {
      auto self = weak.lock();
      if (self == nullptr || self->stream_ == nullptr) return;
      if (!std::exchange(self->heard_, false) && self->session_ != nullptr) {
        self->stream_->Write(WebSocketFrame(WebSocketKind::kPing, ""));
        self->stream_->Flush();
      }
      if (self->stream_ != nullptr) self->SchedulePing();
    });
  }

  const std::shared_ptr<Shared> shared_;
  std::shared_ptr<http::Stream> stream_;
  const size_t thread_;
  const bool json_;
  const std::string stream_id_;
  WebSocketDecoder decoder_;
  std::unique_ptr<Session> session_;
  std::optional<FrameTranslator> translator_;
  std::string gathered_;
  absl::Time second_ = absl::InfinitePast();
  int frames_ = 0;
  bool heard_ = false, asking_ = false;
};

class LiveServer final : public Live {
 public:
  LiveServer(SessionRouter* router, rpc::Authenticator* authenticator, LiveOptions options)
      : shared_(std::make_shared<Shared>()) {
    shared_->router = router;
    shared_->authenticator = authenticator;
    shared_->options = options;
    shared_->connections.resize(router->pool().size());
  }
  ~LiveServer() override { Stop(); }

  void Handle(http::Request request, http::Respond respond) override {
    std::string stream_id = RandomRequestId();
    std::string accept;
    auto refuse = [&](const absl::Status& status) { respond(ErrorResponse(status, stream_id)); };
    if (absl::Status status = CheckWebSocketRequest(request, &accept); !status.ok()) {
      http::Response response = ErrorResponse(status, stream_id);
      if (request.Header("upgrade").empty()) {
        response.status = 426;
        response.headers.emplace_back("Upgrade", "websocket");
      }
      return respond(std::move(response));
    }
    if (!IsSameOrigin(request)) {
      return refuse(
          Refuse(absl::StatusCode::kPermissionDenied, "CROSS_ORIGIN", "pages of other sites cannot open this stream"));
    }
    if (shared_->stopping.load() || shared_->streams.load() >= shared_->options.max_streams) {
      return refuse(RefuseForNow(absl::StatusCode::kUnavailable, "TOO_MANY_STREAMS",
                                 "the server cannot take another stream just now", 5000));
    }
    Credentials credentials;
    bool hello = !request.Parameter("hello").empty();
    if (absl::Status status = ReadCredentials(request, &credentials); !status.ok()) return refuse(status);
    bool json = request.Parameter("format") == "json";
    if (hello || credentials.token.empty()) {
      return respond(Upgrade(shared_, accept, json, stream_id, "", absl::UnauthenticatedError("says Hello")));
    }
    std::string token = credentials.token;
    shared_->authenticator->Authenticate(token,
                                         [shared = shared_, accept, json, stream_id, token,
                                          respond = std::move(respond)](absl::StatusOr<rpc::Principal> who) mutable {
                                           if (!who.ok()) return respond(ErrorResponse(who.status(), stream_id));
                                           respond(Upgrade(shared, accept, json, stream_id, token, std::move(who)));
                                         });
  }

  size_t streams() const override { return shared_->streams.load(); }

  void Stop() override {
    if (shared_->stopping.exchange(true)) return;
    http::IoPool& pool = shared_->router->pool();
    for (size_t i = 0; i < pool.size(); ++i) {
      pool.RunAndWait(i, [&] {
        auto connections = shared_->connections[i];
        for (auto& [key, connection] : connections) connection->Stop();
      });
    }
  }

 private:
  static http::Response Upgrade(std::shared_ptr<Shared> shared, const std::string& accept, bool json,
                                const std::string& stream_id, std::string token, absl::StatusOr<rpc::Principal> who) {
    http::Response response;
    response.status = 101;
    response.headers = {{"Upgrade", "websocket"},
                        {"Connection", "Upgrade"},
                        {"Sec-WebSocket-Accept", accept},
                        {"Yizhan-Request-Id", stream_id}};
    response.upgrade = [shared = std::move(shared), json, stream_id, token = std::move(token), who = std::move(who)](
                           std::shared_ptr<http::Stream> stream, std::string rest) mutable {
      if (shared->stopping.load()) return stream->Close();
      size_t thread = stream->thread();
      auto connection = std::make_shared<Connection>(shared, std::move(stream), json, stream_id);
      shared->connections[thread].emplace(connection.get(), connection);
      connection->Begin(std::move(token), std::move(who), rest);
    };
    return response;
  }

  const std::shared_ptr<Shared> shared_;
};

}  // namespace

std::unique_ptr<Live> Live::Make(SessionRouter* router, rpc::Authenticator* authenticator, LiveOptions options) {
  return std::make_unique<LiveServer>(router, authenticator, options);
}

}  // namespace yizhan::edge
