// The half of XmppSession that has to do with its streams: acknowledgements, losing one and going on over another.
#include <algorithm>
#include <chrono>
#include <utility>

#include "base/logging.h"
#include "base/status.h"
#include "edge/xmpp/errors.h"
#include "edge/xmpp/extensions.h"
#include "edge/xmpp/namespaces.h"
#include "edge/xmpp/stanza.h"
#include "edge/xmpp_server/xmpp_session.h"

namespace yizhan::edge::xmpp {

// --- stanzas out

void XmppSession::Send(std::string stanza) {
  if (over_ || stanza.empty()) return;
  if (managed_ != nullptr) return Send(std::make_shared<const std::string>(std::move(stanza)));
  if (sink_ == nullptr) return;
  sink_->Write(std::move(stanza));
  AfterWrite();
}

void XmppSession::Send(Stanza stanza) {
  if (over_ || stanza == nullptr || stanza->empty()) return;
  if (managed_ != nullptr && !Keep(stanza)) return;
  if (sink_ == nullptr) return;
  sink_->Write(std::move(stanza));
  AfterWrite();
}

void XmppSession::SendNonza(std::string xml) {
  if (over_ || sink_ == nullptr) return;
  sink_->Write(std::move(xml));
  if (!IsTooSlow()) sink_->FlushSoon();
}

bool XmppSession::IsTooSlow() {
  if (sink_->queued_bytes() <= context_->limits.queue_bytes) return false;
  context_->metrics.slow.Add();
  BreakStream(absl::ResourceExhaustedError("the client reads too slowly; what is missing is in the archive"));
  return true;
}

bool XmppSession::Keep(const Stanza& stanza) {
  if (absl::Status kept = managed_->sm.Sent(stanza, now_ms()); !kept.ok()) {
    End(StreamCondition::kPolicyViolation, "too much is left unacknowledged; what is missing is in the archive");
    return false;
  }
  if (managed_->detached_since == 0) return true;
  CountDetached();
  return !over_;
}

void XmppSession::AfterWrite() {
  if (IsTooSlow()) return;
  if (managed_ != nullptr) {
    if (managed_->sm.ShouldRequest(now_ms())) sink_->Write(std::string(kSmRequest));
    Schedule();
  }
  if (!in_events_) sink_->FlushSoon();
}

// --- stream management

void XmppSession::OnNonza(const Element& element) {
  if (element.ns() == ns::kSm) {
    if (element.name() == "enable") return Enable(element);
    if (element.name() == "resume") {
      std::string failed;
      AppendSmFailed("unexpected-request", &failed);
      return SendNonza(std::move(failed));
    }
    if (managed_ != nullptr && element.name() == "r") return Progressed(managed_->handled.AddRequest());
    if (managed_ != nullptr && element.name() == "a") {
      auto h = ParseHandled(element);
      if (!h.ok()) return BreakStream(h.status());
      return Acknowledge(*h);
    }
  } else if (element.ns() == ns::kClientState) {
    inactive_ = element.name() == "inactive";
    return;
  }
  BreakStream(StreamRefusal(StreamCondition::kUnsupportedStanzaType,
                            "only message, presence, iq and stream management are understood here"));
}

void XmppSession::Enable(const Element& enable) {
  std::string answer;
  if (managed_ != nullptr) {
    AppendSmFailed("unexpected-request", &answer);
    return SendNonza(std::move(answer));
  }
  managed_ = std::make_unique<Managed>(&context_->limits.sm, static_cast<int64_t>(id_ * 2'654'435'761u % 500));
  const std::string_view resume = enable.attr("resume");
  if (resume == "true" || resume == "1") {
    if (auto id = NewResumptionId(); id.ok()) {
      managed_->resumption_id = *id;
      home_->AddResumption(this, *id);
    }
  }
  AppendSmEnabled(managed_->resumption_id, static_cast<uint32_t>(context_->limits.resume_ms / 1000), &answer);
  SendNonza(std::move(answer));
}

void XmppSession::Progressed(HandledQueue::Progress progress) {
  for (uint32_t i = 0; i < progress.stanzas; ++i) managed_->sm.CountReceived();
  if (progress.answer) {
    std::string answer;
    AppendSmAnswer(managed_->sm.received(), &answer);
    SendNonza(std::move(answer));
  }
  if (resuming_ != nullptr && managed_->handled.empty()) FinishResume();
}

void XmppSession::Acknowledge(uint32_t h) {
  if (absl::Status status = managed_->sm.Acknowledged(h, now_ms()); !status.ok()) {
    std::string words;
    AppendStreamError(StreamCondition::kUndefinedCondition,
                      std::string_view(status.message().data(), status.message().size()),
                      managed_->sm.HandledCountTooHigh(), &words);
    if (StanzaSink* sink = std::exchange(sink_, nullptr)) sink->End(std::move(words));
    return Over();
  }
  Schedule();
}

// --- losing a stream, and another one

void XmppSession::OnStreamLost(StanzaSink* sink) {
  if (over_) return;
  if (opened_) {
    opened_ = nullptr;
    return Over();
  }
  if (resuming_ != nullptr && resuming_->sink == sink) {
    resuming_.reset();
    return;
  }
  if (sink_ != sink) return;
  sink_ = nullptr;
  held_ = false;
  if (managed_ == nullptr || managed_->resumption_id.empty() ||
      context_->detached_sessions.load() >= context_->limits.detached_sessions) {
    direct_.ReportDelivered(false);
    return Over();
  }
  context_->metrics.detached.Add();
  context_->detached_sessions.fetch_add(1);
  managed_->detached_since = std::max<int64_t>(1, now_ms());
  CountDetached();
  if (over_) return;
  WakeAt(managed_->detached_since + context_->limits.resume_ms);
}

void XmppSession::CountDetached() {
  const int64_t bytes = static_cast<int64_t>(managed_->sm.unacknowledged_bytes());
  const int64_t total =
      context_->detached_bytes.fetch_add(bytes - managed_->detached_bytes) + bytes - managed_->detached_bytes;
  managed_->detached_bytes = bytes;
  if (total > context_->limits.detached_bytes) {
    context_->metrics.slow.Add();
    Over();  // what waited is in the history, and is delivered at the next log-in
  }
}

void XmppSession::Resume(StanzaSink* sink, std::string_view previd, uint32_t h) {
  if (StanzaSink* old = std::exchange(sink_, nullptr)) {
    std::string words;
    AppendStreamError(StreamCondition::kConflict, "the session goes on over another stream", {}, &words);
    old->End(std::move(words));
  }
  if (resuming_ != nullptr) std::exchange(resuming_, nullptr)->sink->End(std::string(kStreamEnd));
  held_ = false;
  resuming_ = std::make_unique<Resuming>(Resuming{sink, std::string(previd), h});
  sink->Hold(true);
  // What came over the old stream is counted before the client learns the count: else it sends it a second time.
  if (managed_->handled.empty()) FinishResume();
}

void XmppSession::FinishResume() {
  auto resuming = std::exchange(resuming_, nullptr);
  if (managed_->detached_since != 0) {
    context_->detached_sessions.fetch_sub(1);
    context_->detached_bytes.fetch_sub(managed_->detached_bytes);
    managed_->detached_since = managed_->detached_bytes = 0;
  }
  sink_ = resuming->sink;
  if (absl::Status status = managed_->sm.Resumed(resuming->h, now_ms()); !status.ok()) {
    std::string words;
    AppendStreamError(StreamCondition::kUndefinedCondition,
                      std::string_view(status.message().data(), status.message().size()),
                      managed_->sm.HandledCountTooHigh(), &words);
    std::exchange(sink_, nullptr)->End(std::move(words));
    return Over();
  }
  context_->metrics.resumed.Add();
  std::string answer;
  AppendSmResumed(resuming->previd, managed_->sm.received(), &answer);
  sink_->Write(std::move(answer));
  for (size_t i = 0; i < managed_->sm.unacknowledged(); ++i) sink_->Write(managed_->sm.unacknowledged(i));
  sink_->Hold(false);
  sink_->FlushSoon();
  OnHeard();
  inactive_ = false;
  wake_ms_ = std::numeric_limits<int64_t>::max();
  WakeAt(now_ms() + std::min(context_->limits.cursors_ms, context_->limits.silence_ms));
}

// --- time

void XmppSession::WakeAt(int64_t ms) {
  wake_ms_ = std::min(wake_ms_, ms);
  Schedule();
}

void XmppSession::Schedule() {
  int64_t at = wake_ms_;
  if (managed_ != nullptr && sink_ != nullptr) at = std::min(at, managed_->sm.NextCheckMs());
  deadline = at == std::numeric_limits<int64_t>::max() ? http::Sweep::TimePoint::max()
                                                       : http::Sweep::TimePoint(std::chrono::milliseconds(at));
}

void XmppSession::OnDeadline() {
  if (over_) return;
  const int64_t now = now_ms();
  wake_ms_ = std::numeric_limits<int64_t>::max();
  if (managed_ != nullptr && managed_->detached_since != 0) {
    const int64_t until = managed_->detached_since + context_->limits.resume_ms;
    if (now < until) return WakeAt(until);
    direct_.ReportDelivered(false);
    return Over();
  }
  if (managed_ != nullptr && sink_ != nullptr) {
    if (managed_->sm.IsUnanswered(now))
      return BreakStream(StreamRefusal(StreamCondition::kConnectionTimeout, "no acknowledgement came"));
    if (managed_->sm.ShouldRequest(now)) SendNonza(std::string(kSmRequest));
  }
  direct_.ReportDelivered(false);
  contacts_.OnWake();
  CheckSilence(now);
  if (!over_) Schedule();
}

void XmppSession::CheckSilence(int64_t now) {
  if (sink_ == nullptr) return;
  const int64_t silent = heard_ms_ + context_->limits.silence_ms;
  if (now < silent) return WakeAt(silent);
  if (pinged_) {
    if (now < silent + context_->limits.ping_ms) return WakeAt(silent + context_->limits.ping_ms);
    return BreakStream(StreamRefusal(StreamCondition::kConnectionTimeout, "the client is silent"));
  }
  pinged_ = true;
  // Any sign of life will do: an answer to either.
  if (managed_ != nullptr) {
    SendNonza(std::string(kSmRequest));
  } else {
    std::string ping;
    AppendPing(context_->domain, jid_.full(), "alive", &ping);
    Send(std::move(ping));
  }
  WakeAt(std::max(silent + context_->limits.ping_ms, now + 1'000));
}

}  // namespace yizhan::edge::xmpp
