#include "edge/xmpp/sm.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "edge/xmpp/base64.h"
#include "edge/xmpp/element.h"
#include "edge/xmpp/errors.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/xml_writer.h"

namespace yizhan::edge::xmpp {

absl::Status StreamManagement::Sent(Stanza stanza, int64_t now_ms) {
  if (unacknowledged() >= limits_->max_stanzas || bytes_ + stanza->size() > limits_->max_bytes) {
    return Refuse(absl::StatusCode::kResourceExhausted, Name(StreamCondition::kPolicyViolation),
                  "the client leaves too much unacknowledged");
  }
  bytes_ += stanza->size();
  queue_.push_back(std::move(stanza));
  if (oldest_ms_ == kNever) oldest_ms_ = now_ms;
  return absl::OkStatus();
}

bool StreamManagement::ShouldRequest(int64_t now_ms) {
  const size_t stanzas = unacknowledged() - requested_count_;
  if (stanzas == 0) return false;
  const size_t bytes = bytes_ - requested_bytes_;
  const size_t patience = requested_ms_ == kNever ? 1 : 2;
  const bool many = stanzas >= patience * limits_->request_stanzas || bytes >= patience * limits_->request_bytes;
  const bool old = requested_ms_ == kNever && now_ms - oldest_ms_ >= request_after_ms_;
  if (!many && !old) return false;
  requested_count_ = static_cast<uint32_t>(unacknowledged());
  requested_bytes_ = bytes_;
  oldest_ms_ = kNever;
  if (requested_ms_ == kNever) requested_ms_ = now_ms;
  return true;
}

int64_t StreamManagement::NextCheckMs() const {
  if (requested_ms_ != kNever) return requested_ms_ + limits_->answer_within_ms;
  return oldest_ms_ == kNever ? kNever : oldest_ms_ + request_after_ms_;
}

bool StreamManagement::IsUnanswered(int64_t now_ms) const {
  return requested_ms_ != kNever && now_ms - requested_ms_ >= limits_->answer_within_ms;
}

absl::Status StreamManagement::Acknowledged(uint32_t h, int64_t now_ms) {
  const uint32_t news = h - acknowledged_;  // mod 2^32
  if (news > unacknowledged()) {
    bad_h_ = h;
    return StreamRefusal(
        StreamCondition::kUndefinedCondition,
        "h='" + std::to_string(h) + "' acknowledges more than the " + std::to_string(sent()) + " stanzas sent");
  }
  for (uint32_t i = 0; i < news; ++i) {
    Stanza& stanza = queue_[head_++];
    bytes_ -= stanza->size();
    stanza.reset();
  }
  acknowledged_ = h;
  // Any answer shows that the peer lives; what it leaves open is asked about again in time.
  requested_ms_ = kNever;
  requested_count_ = 0;
  requested_bytes_ = 0;
  if (head_ == queue_.size()) {
    std::vector<Stanza>().swap(queue_);
    head_ = 0;
    oldest_ms_ = kNever;
    return absl::OkStatus();
  }
  if (news > 0 || oldest_ms_ == kNever) oldest_ms_ = now_ms;
  if (head_ > 64 && head_ * 2 > queue_.size()) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  return absl::OkStatus();
}

absl::Status StreamManagement::Resumed(uint32_t h, int64_t now_ms) {
  YZ_RETURN_IF_ERROR(Acknowledged(h, now_ms));
  // What is sent again is asked about at the next check.
  if (unacknowledged() > 0) oldest_ms_ = now_ms - request_after_ms_;
  return absl::OkStatus();
}

std::string StreamManagement::HandledCountTooHigh() const {
  std::string xml;
  XmlWriter(&xml).Start("handled-count-too-high", ns::kSm).Attr("h", bad_h_).Attr("send-count", sent()).End();
  return xml;
}

absl::StatusOr<std::string> NewResumptionId() {
  unsigned char random[16];
  if (RAND_bytes(random, sizeof random) != 1) return absl::InternalError("there is no randomness");
  std::string id = Base64Encode(std::string_view(reinterpret_cast<char*>(random), sizeof random));
  while (id.back() == '=') id.pop_back();
  for (char& c : id) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return id;
}

bool ResumptionIdsEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

absl::StatusOr<uint32_t> ParseHandled(const Element& element) {
  const std::string_view text = element.attr("h");
  uint32_t h = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), h);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return StreamRefusal(StreamCondition::kBadFormat, "h is not a number below 2^32");
  }
  return h;
}

void AppendSmAnswer(uint32_t h, std::string* out) { XmlWriter(out).Start("a", ns::kSm).Attr("h", h).End(); }

void AppendSmEnabled(std::string_view id, uint32_t max_seconds, std::string* out) {
  XmlWriter writer(out);
  writer.Start("enabled", ns::kSm);
  if (!id.empty()) writer.Attr("id", id).Attr("resume", "true").Attr("max", max_seconds);
  writer.End();
}

void AppendSmResumed(std::string_view previd, uint32_t h, std::string* out) {
  XmlWriter(out).Start("resumed", ns::kSm).Attr("previd", previd).Attr("h", h).End();
}

void AppendSmFailed(std::string_view condition, std::string* out) {
  XmlWriter(out).Start("failed", ns::kSm).Empty(condition, ns::kStanzaErrors).End();
}

}  // namespace yizhan::edge::xmpp
