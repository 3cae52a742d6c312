// Stream management (XEP-0198): who has received how much, and what to send again.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace yizhan::edge::xmpp {

class Element;

struct SmLimits {
  // At either bound the session ends with policy-violation: its client does not acknowledge. What it misses is in the
  // history, so nothing is lost.
  uint32_t max_stanzas = 4096;
  size_t max_bytes = 4 << 20;
  // An acknowledgement is asked for when this much is unacknowledged, or the oldest of it this old at most. A busy stream
  // then costs one <r/> in 64 stanzas, an idle one holds nothing beyond five seconds.
  uint32_t request_stanzas = 64;
  size_t request_bytes = 64 << 10;
  int64_t request_after_ms = 5'000;
  // No answer to <r/> for so long: the connection is dead.
  int64_t answer_within_ms = 60'000;
};

// The counters and the queue of one session; outlives its connections until resumption is given up. Times are
// milliseconds of any monotonic clock. Not thread-safe. ~100 bytes when nothing is unacknowledged.
class StreamManagement {
 public:
  using Stanza = std::shared_ptr<const std::string>;
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  // `limits` outlives this. Of `request_after_ms`, `sooner` thousandths are not waited for: streams of which all received
  // something at once are then not all asked at once. At most 1,000.
  explicit StreamManagement(const SmLimits* limits, int64_t sooner = 0)
      : limits_(limits), request_after_ms_(limits->request_after_ms * (1'000 - sooner) / 1'000) {}

  // A message, presence or iq came in (and was taken over). Wraps at 2^32.
  void CountReceived() { ++received_; }
  // h of our <a/>, <resume/> and <resumed/>.
  uint32_t received() const { return received_; }

  // A stanza goes out. ResourceExhausted, reason policy-violation, at a bound; then it is not kept.
  absl::Status Sent(Stanza stanza, int64_t now_ms);

  // Whether to write <r/> now, behind what was sent. True once: the request counts as made. While one is unanswered no
  // other is made, until twice the usual number has gathered behind it.
  bool ShouldRequest(int64_t now_ms);
  // When ShouldRequest() or IsUnanswered() may next change by time alone; kNever when nothing is unacknowledged.
  int64_t NextCheckMs() const;
  // The peer has not answered <r/> in time.
  bool IsUnanswered(int64_t now_ms) const;

  // <a h='...'/>. Refused with undefined-condition when h counts more than was sent: end the stream with
  // HandledCountTooHigh() beside it. An h that acknowledges nothing new is fine.
  absl::Status Acknowledged(uint32_t h, int64_t now_ms);
  // <resume h='...'/>: as Acknowledged(); then unacknowledged() is to be sent again, in order, and is not counted anew.
  absl::Status Resumed(uint32_t h, int64_t now_ms);
  // The application-specific part of that stream error.
  std::string HandledCountTooHigh() const;

  size_t unacknowledged() const { return queue_.size() - head_; }
  const Stanza& unacknowledged(size_t i) const { return queue_[head_ + i]; }
  size_t unacknowledged_bytes() const { return bytes_; }
  // Stanzas sent, mod 2^32.
  uint32_t sent() const { return acknowledged_ + static_cast<uint32_t>(unacknowledged()); }

  // For tests of the wrap-around.
  void SetCountersForTest(uint32_t received, uint32_t sent) {
    received_ = received;
    acknowledged_ = sent;
  }

 private:
  const SmLimits* limits_;
  int64_t request_after_ms_;
  std::vector<Stanza> queue_;  // behind head_: unacknowledged
  size_t head_ = 0;
  size_t bytes_ = 0;
  uint32_t received_ = 0;
  uint32_t acknowledged_ = 0;     // by the peer
  uint32_t requested_count_ = 0;  // unacknowledged stanzas that a request covers
  size_t requested_bytes_ = 0;
  uint32_t bad_h_ = 0;
  int64_t oldest_ms_ = kNever;     // since when something is unacknowledged that no request covers
  int64_t requested_ms_ = kNever;  // since when a request is unanswered
};

// 128 random bits in base64url, for <enabled id='...'/>: unguessable, so that nobody else resumes the session.
absl::StatusOr<std::string> NewResumptionId();
// In time that does not depend on where they differ.
bool ResumptionIdsEqual(std::string_view a, std::string_view b);

// The h of <a/> or <resume/>: InvalidArgument (bad-format) unless it is a number below 2^32.
absl::StatusOr<uint32_t> ParseHandled(const Element& element);

inline constexpr std::string_view kSmRequest = "<r xmlns='urn:xmpp:sm:3'/>";
void AppendSmAnswer(uint32_t h, std::string* out);
// `id` empty: no resumption.
void AppendSmEnabled(std::string_view id, uint32_t max_seconds, std::string* out);
void AppendSmResumed(std::string_view previd, uint32_t h, std::string* out);
// `condition` is a stanza error's name ("item-not-found" for an unknown previd).
void AppendSmFailed(std::string_view condition, std::string* out);

}  // namespace yizhan::edge::xmpp
