#include "base/rpc/local_link.h"

#include <utility>

#include "base/logging.h"
#include "base/rpc/wire.h"

namespace yizhan::rpc {

using yizhan::live::v1::LinkDown;
using yizhan::live::v1::UpFrame;

LocalLink::LocalLink(Executor* executor, Callbacks callbacks)
    : up_strand_(std::make_shared<Strand>(executor)),
      down_strand_(std::make_shared<Strand>(executor)),
      callbacks_(std::move(callbacks)),
      up_(kMaxLinkQueueBytes, [this](std::string batch) { TakeUp(std::move(batch)); }) {}

void LocalLink::Begin(LinkHub* hub, const ServiceTable* table, const std::string& edge_id) {
  // The hub, and calls that are answered late, may hold these for longer than the link lives.
  peer_.emplace(
      hub, table,
      [weak = weak_from_this()](std::string batch) {
        if (auto self = weak.lock()) self->TakeDown(std::move(batch));
      },
      [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->End(absl::UnavailableError("the link was closed by the other end"));
      });
  UpFrame hello;
  hello.mutable_hello()->set_edge_id(edge_id);
  (void)up_.Add(hello);
  up_.Kick();
}

void LocalLink::TakeUp(std::string batch) {
  up_strand_->Post([self = shared_from_this(), batch = std::move(batch)] {
    if (!self->ended_.load(std::memory_order_acquire)) {
      if (absl::Status status = self->peer_->Take(batch); !status.ok()) {
        log::Warning("rpc", "an edge's link is broken off").With("error", status);
        self->End(std::move(status));
      }
    }
    (void)self->up_.Written();
  });
}

void LocalLink::TakeDown(std::string batch) {
  down_strand_->Post([self = shared_from_this(), batch = std::move(batch)] {
    bool wanted = self->callbacks_.on_frames != nullptr && !self->abandoned_.load(std::memory_order_acquire);
    if (LinkDown down; wanted && down.ParseFromString(batch)) self->callbacks_.on_frames(std::move(down));
    (void)self->peer_->Written();
  });
}

absl::Status LocalLink::Send(const UpFrame& frame) {
  BatchQueue::Added added = up_.Add(frame);
  if (added == BatchQueue::Added::kQueued) up_.Kick();
  return BatchQueue::StatusOf(added);
}

void LocalLink::Abandon() {
  abandoned_.store(true, std::memory_order_release);
  End(absl::CancelledError("the edge closed the link"));
}

void LocalLink::End(absl::Status why) {
  if (ended_.exchange(true)) return;
  (void)up_.Close();
  up_strand_->Post([self = shared_from_this(), why = std::move(why)]() mutable {
    if (self->peer_.has_value()) (void)self->peer_->End();
    self->down_strand_->Post([self, why = std::move(why)]() mutable {
      if (!self->abandoned_.load(std::memory_order_acquire)) self->callbacks_.on_broken(std::move(why));
      self->callbacks_.on_frames = nullptr;
      self->callbacks_.on_broken = nullptr;
      std::exchange(self->callbacks_.gone, nullptr)(self.get());
    });
  });
}

}  // namespace yizhan::rpc
