// What waits to be written to one end of a link, already in the wire form of LinkUp and LinkDown (both: repeated frame
// = 1).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "google/protobuf/message_lite.h"

namespace yizhan::rpc {

// Frames collect while a write is in flight; when it ends, all of them go with the next one. Thread-safe.
class BatchQueue {
 public:
  enum class Added { kQueued, kFull, kClosed };

  // What the sender of a frame is told: ResourceExhausted (LINK_FULL), Unavailable (LINK_BROKEN).
  static absl::Status StatusOf(Added added);

  // `start_write` begins to write one message; Written() is called when it ended. Never called under the queue's lock,
  // never while a write is in flight, never after Close() unless Add() came before.
  BatchQueue(size_t max_bytes, std::function<void(std::string)> start_write);

  // Takes a frame; the caller calls Kick() once it has let go of its own locks. The order of Add() is the order on the
  // wire.
  Added Add(const google::protobuf::MessageLite& frame);
  // Takes a DownFrame with a TopicEvent, without building one.
  Added AddEvent(std::string_view topic, std::string_view frame);
  // Starts a write when none is in flight and something waits.
  void Kick();
  // Between the two no write is started: whoever adds many frames in one go makes one batch of them. Release() kicks.
  void Hold();
  void Release();
  // The write ended. True when the queue was closed meanwhile: the stream may be finished now.
  bool Written();
  // Nothing more is taken or written. True when no write is in flight: the stream may be finished now. False the second
  // time.
  bool Close();

 private:
  const size_t max_bytes_;
  const std::function<void(std::string)> start_write_;
  absl::Mutex mutex_;
  std::string pending_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace yizhan::rpc
