#include "edge/live.h"

#include <utility>

#include "base/ids.h"
#include "base/status.h"
#include "edge/connect_error.h"
#include "edge/credentials.h"
#include "edge/live_grpc.h"
#include "edge/live_stream.h"
#include "edge/transcode.h"
#include "edge/web_socket.h"

namespace yizhan::edge {
namespace {

constexpr size_t kCopyBytes = 4096;  // smaller frames are gathered into one piece

// A stream over a WebSocket.
class Connection final : public http::StreamHandler, public LiveStream {
 public:
  Connection(std::shared_ptr<LiveCore> core, std::shared_ptr<http::Stream> stream, bool json, std::string stream_id)
      : LiveStream(std::move(core), stream->thread(), std::move(stream_id), stream->remote_address()),
        stream_(std::move(stream)),
        json_(json),
        decoder_(this->core()->options.max_frame_bytes) {}

  void Start(std::string token, absl::StatusOr<rpc::Principal> principal, const std::string& rest) {
    auto keep = shared_from_this();
    Begin(std::move(token), std::move(principal));
    if (over()) return;
    stream_->Start(this);
    SchedulePing();
    if (!rest.empty()) OnData(rest);
    if (!over()) Flush();
  }

  void OnData(std::string_view bytes) override {
    auto keep = shared_from_this();
    if (has_session()) stream_->SetTimeout(core()->options.silence);
    heard_ = true;
    absl::Status status = decoder_.Feed(bytes, [this](WebSocketKind kind, std::string payload) {
      Take(kind, std::move(payload));
      return !over();
    });
    if (!status.ok()) Bye("PROTOCOL_ERROR", status.message(), false, decoder_.close_code());
  }

  void OnClosed(const absl::Status& why) override { Forget(); }

 private:
  void Take(WebSocketKind kind, std::string payload) {
    switch (kind) {
      case WebSocketKind::kPing:
        if (!Count()) return;
        WriteGathered();
        stream_->Write(WebSocketFrame(WebSocketKind::kPong, payload));
        return CheckQueue();
      case WebSocketKind::kPong:
        Count();
        return;
      case WebSocketKind::kClose:
        WriteGathered();
        stream_->Write(WebSocketClose(kCloseNormal, ""));
        stream_->Close();
        return Forget();
      default:
        break;
    }
    if ((kind == WebSocketKind::kText) != json_) {
      return Bye("PROTOCOL_ERROR",
                 json_ ? "frames are text here" : "frames are binary here; ask with ?format=json for text", false,
                 kCloseProtocol);
    }
    TakeMessage(payload, json_);
  }

  // --- LiveStream

  void Write(const ServerFrame& frame) override {
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

  void WriteEvent(const std::shared_ptr<const Event>& event) override {
    if (json_) {
      const std::string& text = event->Rendered(Event::kWebSocketJson, [](const Event& e) {
        auto made = ToJson(e.parsed());
        return made.ok() ? *std::move(made) : std::string("{}");
      });
      return Gather(WebSocketKind::kText, text, nullptr);
    }
    Gather(WebSocketKind::kBinary, *event->frame(), event->frame());
  }

  void Flush() override {
    WriteGathered();
    stream_->Flush();
  }
  size_t queued_bytes() const override { return stream_->queued_bytes(); }
  void Expect(absl::Duration timeout) override { stream_->SetTimeout(timeout); }
  void Close(const std::string& reason, absl::string_view, uint16_t close_code) override {
    stream_->Write(WebSocketClose(close_code, reason));
    stream_->Close();
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

  // A client that is silent is asked whether it is there; its answer moves the time-out of silence on.
  void SchedulePing() {
    core()->pool->After(thread(), core()->options.ping_after, [weak = weak_from_this()] {
      auto self = std::static_pointer_cast<Connection>(weak.lock());
      if (self == nullptr || self->over()) return;
      if (!std::exchange(self->heard_, false) && self->has_session()) {
        self->stream_->Write(WebSocketFrame(WebSocketKind::kPing, ""));
        self->stream_->Flush();
      }
      if (!self->over()) self->SchedulePing();
    });
  }

  const std::shared_ptr<http::Stream> stream_;
  const bool json_;
  WebSocketDecoder decoder_;
  std::string gathered_;
  bool heard_ = false;
};

class LiveServer final : public Live {
 public:
  LiveServer(SessionRouter* router, rpc::Authenticator* authenticator, LiveOptions options)
      : shared_(std::make_shared<LiveCore>()) {
    shared_->router = router;
    shared_->pool = &router->pool();
    shared_->authenticator = authenticator;
    shared_->options = options;
    shared_->open.resize(router->pool().size());
  }
  ~LiveServer() override { Stop(); }

  void Handle(http::Request request, http::Respond respond) override {
    std::string stream_id = RequestIdOf(request);
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
    if (absl::Status status = shared_->Admit(); !status.ok()) return refuse(status);
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

  rpc::StreamAcceptor acceptor() override {
    return [shared = shared_](std::shared_ptr<rpc::ServerStream> stream) { AcceptLive(shared, std::move(stream)); };
  }

  size_t streams() const override { return shared_->streams.load(); }

  void Stop() override {
    if (shared_->stopping.exchange(true)) return;
    http::IoPool& pool = *shared_->pool;
    for (size_t i = 0; i < pool.size(); ++i) {
      pool.RunAndWait(i, [&] {
        auto open = shared_->open[i];
        for (auto& [key, stream] : open) stream->Stop();
      });
    }
  }

 private:
  static http::Response Upgrade(std::shared_ptr<LiveCore> shared, const std::string& accept, bool json,
                                const std::string& stream_id, std::string token, absl::StatusOr<rpc::Principal> who) {
    http::Response response;
    response.status = 101;
    response.headers = {{"Upgrade", "websocket"},
                        {"Connection", "Upgrade"},
                        {"Sec-WebSocket-Accept", accept},
                        {"Yizhan-Request-Id", stream_id},
                        {"X-Request-Id", stream_id}};
    response.upgrade = [shared = std::move(shared), json, stream_id, token = std::move(token), who = std::move(who)](
                           std::shared_ptr<http::Stream> stream, std::string rest) mutable {
      if (shared->stopping.load()) return stream->Close();
      size_t thread = stream->thread();
      auto connection = std::make_shared<Connection>(shared, std::move(stream), json, stream_id);
      shared->open[thread].emplace(connection.get(), connection);
      connection->Start(std::move(token), std::move(who), rest);
    };
    return response;
  }

  const std::shared_ptr<LiveCore> shared_;
};

}  // namespace

std::unique_ptr<Live> Live::Make(SessionRouter* router, rpc::Authenticator* authenticator, LiveOptions options) {
  return std::make_unique<LiveServer>(router, authenticator, options);
}

}  // namespace yizhan::edge
