#include "base/rpc/batch_queue.h"

#include <utility>

#include "base/status.h"

namespace yizhan::rpc {
namespace {

constexpr char kFramesTag = 0x0A;  // LinkUp.frames, LinkDown.frames: field 1, length-delimited
constexpr char kEventTag = 0x1A;   // DownFrame.event: field 3
constexpr char kTopicTag = 0x0A;   // TopicEvent.topic: field 1
constexpr char kFrameTag = 0x12;   // TopicEvent.frame: field 2
constexpr size_t kKeepBytes = 256 << 10;

size_t VarintSize(size_t value) {
  size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

void AppendLength(std::string* out, char tag, size_t length) {
  out->push_back(tag);
  while (length >= 0x80) {
    out->push_back(static_cast<char>(length | 0x80));
    length >>= 7;
  }
  out->push_back(static_cast<char>(length));
}

}  // namespace

absl::Status BatchQueue::StatusOf(Added added) {
  switch (added) {
    case Added::kQueued:
      return absl::OkStatus();
    case Added::kFull:
      return RefuseForNow(absl::StatusCode::kResourceExhausted, "LINK_FULL",
                          "too much waits to be sent: try again shortly", 500);
    case Added::kClosed:
      break;
  }
  return RefuseForNow(absl::StatusCode::kUnavailable, "LINK_BROKEN",
                      "the service cannot be reached just now: try again", 500);
}

BatchQueue::BatchQueue(size_t max_bytes, std::function<void(std::string)> start_write)
    : max_bytes_(max_bytes), start_write_(std::move(start_write)) {}

BatchQueue::Added BatchQueue::Add(const google::protobuf::MessageLite& frame) {
  size_t size = frame.ByteSizeLong();
  absl::MutexLock lock(&mutex_);
  if (closed_) return Added::kClosed;
  if (pending_.size() + size > max_bytes_) return Added::kFull;
  AppendLength(&pending_, kFramesTag, size);
  frame.AppendToString(&pending_);
  return Added::kQueued;
}

BatchQueue::Added BatchQueue::AddEvent(std::string_view topic, std::string_view frame) {
  size_t event = 1 + VarintSize(topic.size()) + topic.size() + 1 + VarintSize(frame.size()) + frame.size();
  absl::MutexLock lock(&mutex_);
  if (closed_) return Added::kClosed;
  if (pending_.size() + event > max_bytes_) return Added::kFull;
  AppendLength(&pending_, kFramesTag, 1 + VarintSize(event) + event);
  AppendLength(&pending_, kEventTag, event);
  AppendLength(&pending_, kTopicTag, topic.size());
  pending_.append(topic);
  AppendLength(&pending_, kFrameTag, frame.size());
  pending_.append(frame);
  return Added::kQueued;
}

void BatchQueue::Kick() {
  std::string batch;
  {
    absl::MutexLock lock(&mutex_);
    if (writing_ || held_ || closed_ || pending_.empty()) return;
    writing_ = true;
    batch.swap(pending_);
    if (batch.capacity() <= kKeepBytes) pending_.reserve(batch.size());
  }
  start_write_(std::move(batch));
}

void BatchQueue::Hold() {
  absl::MutexLock lock(&mutex_);
  held_ = true;
}

void BatchQueue::Release() {
  {
    absl::MutexLock lock(&mutex_);
    held_ = false;
  }
  Kick();
}

bool BatchQueue::Written() {
  {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    if (closed_) return true;
  }
  Kick();
  return false;
}

bool BatchQueue::Close() {
  absl::MutexLock lock(&mutex_);
  if (closed_) return false;
  closed_ = true;
  pending_ = std::string();
  return !writing_;
}

}  // namespace yizhan::rpc
