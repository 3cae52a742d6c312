#include "base/rpc/link_server.h"

#include <optional>
#include <unordered_map>

#include "absl/time/clock.h"
#include "base/logging.h"
#include "base/rpc/wire.h"
#include "base/status.h"

namespace yizhan::rpc {
namespace {

using yizhan::live::v1::DownFrame;
using yizhan::live::v1::LinkUp;
using yizhan::live::v1::UpFrame;

constexpr uint32_t kDefaultTimeoutMs = 10'000;

class LinkReactor final : public grpc::ServerGenericBidiReactor {
 public:
  LinkReactor(grpc::GenericCallbackServerContext* context, LinkHub* hub, const ServiceTable* table)
      : hub_(hub), table_(table), guard_(std::make_shared<Guard>()) {
    guard_->context = context;
    StartRead(&incoming_);
  }

  void OnReadDone(bool ok) override {
    absl::Status status = ok ? Take() : absl::OkStatus();
    if (!ok || !status.ok()) {
      if (!status.ok()) log::Warning("rpc", "an edge's link is broken off").With("error", status);
      End(ToGrpc(status, ""));
      return;
    }
    StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    // A failed write comes with a failed read, which ends the stream.
    if (link_->queue.Written()) FinishOnce();
  }

  void OnDone() override {
    {
      absl::MutexLock lock(&guard_->mutex);
      guard_->context = nullptr;
    }
    delete this;
  }

 private:
  // Lets the link be broken from any thread as long as its stream lives.
  struct Guard {
    absl::Mutex mutex;
    grpc::GenericCallbackServerContext* context ABSL_GUARDED_BY(mutex) = nullptr;
    void Break() {
      absl::MutexLock lock(&mutex);
      if (context != nullptr) context->TryCancel();
    }
  };

  absl::Status Take() {
    absl::StatusOr<std::string> bytes = FromBuffer(incoming_);
    if (!bytes.ok()) return bytes.status();
    LinkUp up;
    if (!up.ParseFromString(*bytes)) return absl::InvalidArgumentError("not a LinkUp");
    for (UpFrame& frame : *up.mutable_frames()) YZ_RETURN_IF_ERROR(TakeFrame(frame));
    return absl::OkStatus();
  }

  absl::Status TakeFrame(UpFrame& frame) {
    if ((link_ == nullptr) != frame.has_hello()) return absl::InvalidArgumentError("a link begins with one EdgeHello");
    switch (frame.kind_case()) {
      case UpFrame::kHello:
        Begin(frame.hello().edge_id());
        break;
      case UpFrame::kOpen: {
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

  void Begin(const std::string& edge_id) {
    link_ = std::make_shared<LinkHub::EdgeLink>(
        edge_id, kMaxLinkQueueBytes,
        [this](std::string batch) {
          outgoing_ = ToBuffer(std::move(batch));
          StartWrite(&outgoing_);
        },
        [guard = guard_] { guard->Break(); });
    hub_->Attach(link_);
  }

  void Call(const yizhan::live::v1::Call& call) {
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
    context.request_id = call.request_id();
    context.deadline = absl::Now() + absl::Milliseconds(call.timeout_ms() == 0 ? kDefaultTimeoutMs : call.timeout_ms());
    context.link_session = call.session();
    context.edge_id = link_->edge_id;
    table_->Dispatch(context, call.method(), call.request(), std::move(send));
  }

  // No more reads: every session is gone, and the stream is finished once no write is in flight.
  void End(grpc::Status status) {
    status_ = std::move(status);
    if (link_ == nullptr) {
      Finish(status_);
      return;
    }
    hub_->Detach(link_);
    if (link_->queue.Close()) FinishOnce();
  }

  // Close() and Written() between them say true once.
  void FinishOnce() { Finish(status_); }

  LinkHub* const hub_;
  const ServiceTable* const table_;
  const std::shared_ptr<Guard> guard_;
  std::shared_ptr<LinkHub::EdgeLink> link_;
  std::unordered_map<uint64_t, std::shared_ptr<const Principal>> principals_;
  grpc::ByteBuffer incoming_, outgoing_;
  grpc::Status status_;
};

}  // namespace

grpc::ServerGenericBidiReactor* NewLinkReactor(grpc::GenericCallbackServerContext* context, LinkHub* hub,
                                               const ServiceTable* table) {
  return new LinkReactor(context, hub, table);
}

}  // namespace yizhan::rpc
