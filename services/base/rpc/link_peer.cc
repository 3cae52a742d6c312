#include "base/rpc/link_peer.h"

#include <utility>

#include "absl/time/clock.h"
#include "base/ids.h"
#include "base/rpc/wire.h"
#include "base/status.h"

namespace yizhan::rpc {
namespace {

using yizhan::live::v1::DownFrame;
using yizhan::live::v1::LinkUp;
using yizhan::live::v1::UpFrame;

constexpr uint32_t kDefaultTimeoutMs = 10'000;
constexpr int kTogether = 32;

}  // namespace

LinkPeer::LinkPeer(LinkHub* hub, const ServiceTable* table, std::function<void(std::string)> start_write,
                   std::function<void()> break_link)
    : hub_(hub), table_(table), start_write_(std::move(start_write)), break_link_(std::move(break_link)) {}

absl::Status LinkPeer::Take(std::string_view bytes) {
  LinkUp up;
  if (!up.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return absl::InvalidArgumentError("not a LinkUp");
  // What is answered at once is answered together; but nothing waits for more than a few calls.
  int taken = 0;
  absl::Status status;
  for (UpFrame& frame : *up.mutable_frames()) {
    if (link_ != nullptr && up.frames_size() > 1 && taken++ % kTogether == 0) {
      link_->queue.Release();
      link_->queue.Hold();
    }
    status = TakeFrame(frame);
    if (!status.ok()) break;
  }
  if (link_ != nullptr) link_->queue.Release();
  return status;
}

absl::Status LinkPeer::TakeFrame(UpFrame& frame) {
  if ((link_ == nullptr) != frame.has_hello()) return absl::InvalidArgumentError("a link begins with one EdgeHello");
  switch (frame.kind_case()) {
    case UpFrame::kHello:
      Begin(frame.hello().edge_id());
      break;
    case UpFrame::kOpen: {
      // Else an edge could call as any service.
      if (frame.open().principal().kind() == Principal::KIND_SERVICE)
        return absl::InvalidArgumentError("a session is a person's or a visitor's, never a service's");
      auto principal = std::make_shared<const Principal>(frame.open().principal());
      if (hub_->Open(link_, frame.open().session(), principal))
        principals_[frame.open().session()] = std::move(principal);
      break;
    }
    case UpFrame::kClose:
      principals_.erase(frame.close().session());
      hub_->Close(link_, frame.close().session());
      break;
    case UpFrame::kCall:
      Call(frame.call());
      break;
    default:
      break;  // a newer edge's
  }
  return absl::OkStatus();
}

void LinkPeer::Begin(const std::string& edge_id) {
  link_ =
      std::make_shared<LinkHub::EdgeLink>(edge_id, kMaxLinkQueueBytes, std::move(start_write_), std::move(break_link_));
  hub_->Attach(link_);
}

void LinkPeer::Call(const yizhan::live::v1::Call& call) {
  auto send = [link = link_, call_id = call.call_id()](absl::StatusOr<std::string> result) {
    DownFrame frame;
    auto* reply = frame.mutable_reply();
    reply->set_call_id(call_id);
    if (result.ok()) {
      reply->set_response(*std::move(result));
    } else {
      reply->set_code(static_cast<uint32_t>(result.status().code()));
      reply->set_message(std::string(result.status().message()));
      reply->set_reason(ReasonOf(result.status()));
      reply->set_retry_after_ms(static_cast<uint32_t>(RetryAfterMs(result.status())));
    }
    link->Send(frame);
  };
  auto principal = principals_.find(call.session());
  if (principal == principals_.end()) {
    send(Refuse(absl::StatusCode::kFailedPrecondition, "SESSION_UNKNOWN", "the session is not open on this link"));
    return;
  }
  Context context;
  context.caller = *principal->second;
  context.request_id = IsRequestId(call.request_id()) ? call.request_id() : RandomRequestId();
  context.deadline = absl::Now() + absl::Milliseconds(call.timeout_ms() == 0 ? kDefaultTimeoutMs : call.timeout_ms());
  context.link_session = call.session();
  context.edge_id = link_->edge_id;
  table_->Dispatch(context, call.method(), call.request(), std::move(send));
}

bool LinkPeer::Written() { return link_->queue.Written(); }

bool LinkPeer::End() {
  if (link_ == nullptr) return true;
  hub_->Detach(link_);
  return link_->queue.Close();
}

}  // namespace yizhan::rpc
