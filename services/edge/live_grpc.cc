#include "edge/live_grpc.h"

#include <utility>

#include "base/status.h"

namespace yizhan::edge {
namespace {

// A client that does not take what is left for it is cut off after this time.
constexpr absl::Duration kLastWords = absl::Seconds(5);

// The status that says what a Bye says.
absl::StatusCode CodeOf(const std::string& reason) {
  if (reason == "SESSION_ENDED") return absl::StatusCode::kUnauthenticated;
  if (reason == "SLOW_CONSUMER" || reason == "TOO_MANY_STREAMS") return absl::StatusCode::kResourceExhausted;
  if (reason == "PROTOCOL_ERROR") return absl::StatusCode::kInvalidArgument;
  if (reason == "SHUTTING_DOWN" || reason == "UNAVAILABLE") return absl::StatusCode::kUnavailable;
  return absl::StatusCode::kPermissionDenied;
}

class GrpcLive final : public LiveStream {
 public:
  GrpcLive(std::shared_ptr<LiveCore> core, size_t thread, std::shared_ptr<rpc::ServerStream> stream)
      : LiveStream(std::move(core), thread, stream->request_id(), stream->remote_address()),
        stream_(std::move(stream)) {}

  void Start(absl::StatusOr<rpc::Principal> principal);
  void OnMessage(std::string_view bytes) {
    if (over()) return;
    auto keep = shared_from_this();
    if (bytes.size() > core()->options.max_frame_bytes)
      return Bye("PROTOCOL_ERROR", "the frame is too large", false, 0);
    TakeMessage(bytes, false);
    if (!over()) stream_->ReadNext();
  }
  // A client may say nothing more and listen on, once it is known who it is.
  void OnHalfClosed() {
    if (!over() && !has_session() && !greeted_) Bye("PROTOCOL_ERROR", "the first frame must be Hello", false, 0);
  }
  void OnGone() {
    if (!over()) Forget();
  }

 private:
  void Write(const ServerFrame& frame) override {
    stream_->Write(std::make_shared<const std::string>(frame.SerializeAsString()));
  }
  void WriteEvent(const std::shared_ptr<const Event>& event) override { stream_->Write(event->frame()); }
  void Flush() override {}
  size_t queued_bytes() const override { return stream_->queued_bytes(); }
  // Whether a silent client is there, HTTP/2's own pings find out; only Hello is waited for.
  void Expect(absl::Duration timeout) override {
    greeted_ = true;
    core()->pool->After(thread(), timeout, [weak = weak_from_this(), turn = ++expected_] {
      auto self = std::static_pointer_cast<GrpcLive>(weak.lock());
      if (self != nullptr && self->expected_ == turn && !self->over() && !self->has_session())
        self->Bye("PROTOCOL_ERROR", "the first frame must be Hello, soon", true, 0);
    });
  }
  void Close(const std::string& reason, absl::string_view message, uint16_t) override {
    stream_->Finish(Refuse(CodeOf(reason), reason, std::string(message)));
    core()->pool->After(thread(), kLastWords, [stream = stream_] { stream->Cancel(); });
  }

  const std::shared_ptr<rpc::ServerStream> stream_;
  bool greeted_ = false;  // Hello was said
  int expected_ = 0;
};

// Brings what the transport tells onto the stream's io thread.
class Reader final : public rpc::StreamReader {
 public:
  explicit Reader(const std::shared_ptr<GrpcLive>& live, http::IoPool* pool, size_t thread)
      : live_(live), pool_(pool), thread_(thread) {}
  void OnMessage(std::string bytes) override {
    Tell([bytes = std::move(bytes)](GrpcLive& live) { live.OnMessage(bytes); });
  }
  void OnHalfClosed() override {
    Tell([](GrpcLive& live) { live.OnHalfClosed(); });
  }
  void OnGone() override {
    Tell([](GrpcLive& live) { live.OnGone(); });
  }

 private:
  template <typename What>
  void Tell(What what) {
    pool_->Post(thread_, [weak = live_, what = std::move(what)] {
      if (auto live = weak.lock()) what(*live);
    });
  }
  const std::weak_ptr<GrpcLive> live_;
  http::IoPool* const pool_;
  const size_t thread_;
};

void GrpcLive::Start(absl::StatusOr<rpc::Principal> principal) {
  auto keep = std::static_pointer_cast<GrpcLive>(shared_from_this());
  Begin(stream_->token(), std::move(principal));
  greeted_ = false;
  if (!over()) stream_->Start(std::make_shared<Reader>(keep, core()->pool, thread()));
}

}  // namespace

void AcceptLive(const std::shared_ptr<LiveCore>& core, std::shared_ptr<rpc::ServerStream> stream) {
  if (absl::Status status = core->Admit(); !status.ok()) return stream->Finish(std::move(status));
  auto begin = [core, stream](absl::StatusOr<rpc::Principal> who) {
    size_t thread = core->pool->Next();
    core->pool->Post(thread, [core, stream, thread, who = std::move(who)]() mutable {
      if (absl::Status status = core->Admit(); !status.ok()) return stream->Finish(std::move(status));
      auto live = std::make_shared<GrpcLive>(core, thread, stream);
      core->open[thread].emplace(live.get(), live);
      live->Start(std::move(who));
    });
  };
  if (stream->token().empty()) return begin(absl::UnauthenticatedError("says Hello"));
  core->authenticator->Authenticate(stream->token(), [stream, begin](absl::StatusOr<rpc::Principal> who) {
    if (!who.ok()) return stream->Finish(who.status());
    begin(std::move(who));
  });
}

}  // namespace yizhan::edge
