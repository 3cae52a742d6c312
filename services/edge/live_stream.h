// One client's live stream, whatever carries its frames: who it is, what it says, what it hears, why it ends.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "edge/client_frames.h"
#include "edge/live.h"
#include "edge/session_router.h"
#include "yizhan/live/v1/live_service.pb.h"

namespace yizhan::edge {

class LiveStream;

// What the streams share; lives as long as the last of them.
struct LiveCore {
  SessionRouter* router;
  http::IoPool* pool;  // the router's; outlives it
  rpc::Authenticator* authenticator;
  LiveOptions options;
  std::atomic<size_t> streams{0};
  std::atomic<bool> stopping{false};
  // By thread; touched on that thread alone.
  std::vector<std::unordered_map<LiveStream*, std::shared_ptr<LiveStream>>> open;

  // Unavailable (TOO_MANY_STREAMS) when no further stream can be taken.
  absl::Status Admit() const;
};

// Everything of a stream happens on its own io thread.
class LiveStream : public SessionListener, public std::enable_shared_from_this<LiveStream> {
 public:
  LiveStream(std::shared_ptr<LiveCore> core, size_t thread, std::string stream_id, std::string remote_address);
  ~LiveStream() override;

  void OnReady(bool again) final;
  void OnEvent(const std::shared_ptr<const Event>& event) final { WriteEvent(event); }
  void OnEventsEnd() final;
  void OnEnded(const absl::Status& why) final;
  // The server stops.
  void Stop();

 protected:
  using ServerFrame = yizhan::live::v1::ServerFrame;

  // Who the stream's transport has authenticated; not OK: the client begins with Hello. The stream may be over when it
  // returns.
  void Begin(std::string token, absl::StatusOr<rpc::Principal> principal);
  // One message of the client's.
  void TakeMessage(std::string_view bytes, bool json);
  // Counts something that the client sent; false when there was too much of it in one second, and the stream is over.
  bool Count();
  // Ends the stream when more waits for its client than may.
  void CheckQueue();
  // Says why, and ends. `close_code` is a WebSocket's.
  void Bye(const std::string& reason, absl::string_view message, bool reconnect, uint16_t close_code);
  // Nothing more may be written: the transport is gone, or has been told to close.
  void Forget();

  bool over() const { return over_; }
  bool has_session() const { return session_ != nullptr; }
  const std::shared_ptr<LiveCore>& core() const { return core_; }
  size_t thread() const { return thread_; }
  const std::string& stream_id() const { return stream_id_; }

  // --- the transport; none is called once the stream is over
  virtual void Write(const ServerFrame& frame) = 0;
  // The same bytes go to others too.
  virtual void WriteEvent(const std::shared_ptr<const Event>& event) = 0;
  virtual void Flush() = 0;
  virtual size_t queued_bytes() const = 0;
  // Ends the stream unless it hears something within this time.
  virtual void Expect(absl::Duration timeout) = 0;
  // Closes once everything has been written.
  virtual void Close(const std::string& reason, absl::string_view message, uint16_t close_code) = 0;

 private:
  void TakeFrame(const yizhan::live::v1::ClientFrame& frame, absl::Time now);
  void Hello(std::string token);
  void OpenSession(std::string token, rpc::Principal principal);

  const std::shared_ptr<LiveCore> core_;
  const size_t thread_;
  const std::string stream_id_, remote_address_;
  std::unique_ptr<Session> session_;
  std::optional<FrameTranslator> translator_;
  absl::Time second_ = absl::InfinitePast();
  int frames_ = 0;
  bool asking_ = false, over_ = false;
};

}  // namespace yizhan::edge
