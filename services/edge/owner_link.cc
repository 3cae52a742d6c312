#include "edge/owner_link.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "base/metrics.h"
#include "base/status.h"

namespace yizhan::edge {

using yizhan::live::v1::DownFrame;

namespace {
constexpr int kFirstRetryMs = 100;
constexpr int kLastRetryMs = 2'000;
}  // namespace

std::string_view OwnerName(Owner owner) { return owner == kIm ? "im" : "desk"; }

OwnerLink::OwnerLink(http::IoPool* pool, rpc::Channel* channel, Owner owner, std::string edge_id, Callbacks callbacks)
    : pool_(pool), channel_(channel), owner_(owner), edge_id_(std::move(edge_id)), callbacks_(std::move(callbacks)) {}

void OwnerLink::Start() { Open(); }

void OwnerLink::Open() {
  uint64_t generation;
  {
    absl::MutexLock lock(&mutex_);
    if (stopped_) return;
    generation = ++generation_;
  }
  std::weak_ptr<OwnerLink> weak = weak_from_this();
  // Each link is an edge of its own to the owner: what the last one left behind cannot be taken for this one's.
  std::shared_ptr<rpc::Link> link = channel_->OpenLink(
      std::string(OwnerName(owner_)), edge_id_ + "." + std::to_string(generation),
      [weak, generation](yizhan::live::v1::LinkDown down) {
        if (auto self = weak.lock()) self->Split(generation, std::move(down));
      },
      [weak, generation](absl::Status why) {
        if (auto self = weak.lock()) self->Broken(generation, why);
      });
  {
    absl::MutexLock lock(&mutex_);
    if (stopped_ || broken_ >= generation) return;
    link_ = std::move(link);
  }
  for (size_t i = 0; i < pool_->size(); ++i) {
    pool_->Post(i, [self = shared_from_this(), i, generation] { self->callbacks_.on_up(i, self->owner_, generation); });
  }
}

void OwnerLink::Broken(uint64_t generation, const absl::Status& why) {
  std::shared_ptr<rpc::Link> gone;
  int delay;
  {
    absl::MutexLock lock(&mutex_);
    if (broken_ >= generation) return;
    broken_ = generation;
    gone = std::move(link_);
    if (stopped_) return;
    delay = std::min(kLastRetryMs, kFirstRetryMs << std::min(failures_++, 5));
  }
  static metrics::Counter& broken =
      metrics::GetCounter("yizhan_edge_links_broken_total", "Links to owners that broke.");
  broken.Add();
  log::Warning("edge", "the link to an owner broke; it is opened again")
      .With("owner", OwnerName(owner_))
      .With("retry_ms", delay)
      .With("error", why);
  for (size_t i = 0; i < pool_->size(); ++i) {
    pool_->Post(i,
                [self = shared_from_this(), i, generation] { self->callbacks_.on_down(i, self->owner_, generation); });
  }
  pool_->After(0, absl::Milliseconds(delay), [self = shared_from_this()] { self->Open(); });
}

void OwnerLink::Split(uint64_t generation, yizhan::live::v1::LinkDown down) {
  std::vector<Batch> batches(pool_->size());
  size_t threads = batches.size();
  for (DownFrame& frame : *down.mutable_frames()) {
    switch (frame.kind_case()) {
      case DownFrame::kEvent: {
        auto event = std::make_shared<const Event>(std::move(*frame.mutable_event()->mutable_topic()),
                                                   std::move(*frame.mutable_event()->mutable_frame()));
        for (Batch& batch : batches) batch.items.emplace_back(event);
        break;
      }
      case DownFrame::kSubscription: {
        auto subscription =
            std::make_shared<const yizhan::live::v1::Subscription>(std::move(*frame.mutable_subscription()));
        for (Batch& batch : batches) batch.items.emplace_back(subscription);
        break;
      }
      case DownFrame::kOpened:
        if (size_t thread = ThreadOfId(frame.opened().session()); thread < threads) {
          batches[thread].items.emplace_back(std::move(*frame.mutable_opened()));
        }
        break;
      case DownFrame::kReply:
        if (size_t thread = ThreadOfId(frame.reply().call_id()); thread < threads) {
          batches[thread].items.emplace_back(std::move(*frame.mutable_reply()));
        }
        break;
      default:
        break;  // a newer owner's
    }
  }
  {
    absl::MutexLock lock(&mutex_);
    if (generation == generation_) failures_ = 0;
  }
  for (size_t i = 0; i < threads; ++i) {
    if (batches[i].items.empty()) continue;
    batches[i].owner = owner_;
    batches[i].generation = generation;
    pool_->Post(i, [self = shared_from_this(), i, batch = std::move(batches[i])]() mutable {
      self->callbacks_.on_batch(i, std::move(batch));
    });
  }
}

absl::Status OwnerLink::Send(uint64_t generation, const yizhan::live::v1::UpFrame& frame) {
  std::shared_ptr<rpc::Link> link;
  {
    absl::MutexLock lock(&mutex_);
    if (generation == generation_) link = link_;
  }
  if (link == nullptr) {
    return RefuseForNow(absl::StatusCode::kUnavailable, "LINK_BROKEN",
                        "the service cannot be reached just now: try again", 500);
  }
  return link->Send(frame);
}

bool OwnerLink::up() const {
  absl::MutexLock lock(&mutex_);
  return link_ != nullptr;
}

void OwnerLink::Stop() {
  std::shared_ptr<rpc::Link> gone;
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  gone = std::move(link_);
}

}  // namespace yizhan::edge
